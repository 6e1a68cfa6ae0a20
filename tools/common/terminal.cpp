#include "tools/common/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tools/common/format.h"
#include "tools/common/output.h"

namespace engine::tools {
namespace {

constexpr std::size_t kUsualColumns = 80;
constexpr auto kInterval = std::chrono::milliseconds(50);

bool is_capable() {
  const char* kind = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
}

std::size_t columns() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kUsualColumns;
}

}  // namespace

StatusLine::StatusLine(bool wanted) : visible_(wanted && is_capable()) {}

void StatusLine::show(const std::string& text) {
  if (!visible_) return;
  const auto now = std::chrono::steady_clock::now();
  if (shown_ && now - last_ < kInterval) return;
  last_ = now;
  shown_ = true;
  // One column is left free: a full line would wrap.
  fmt::print(stderr, "\r{}\x1b[K", cut(one_line(text), columns() - 1));
  std::fflush(stderr);
}

void StatusLine::clear() {
  if (!shown_) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  shown_ = false;
}

void show_tuning(StatusLine& status, const std::string& problem, const std::string& candidate,
                 int done, int total) {
  status.show(
      fmt::format("measuring kernels: {} ({} of {}) for {}", candidate, done + 1, total, problem));
}

std::string progress_bar(double done, int width) {
  const int inside = std::max(1, width - 2);
  const int filled = static_cast<int>(std::clamp(done, 0.0, 1.0) * inside);
  const auto cells = static_cast<std::size_t>(inside);
  std::string bar(static_cast<std::size_t>(filled), '=');
  if (bar.size() < cells) bar += '>';
  bar.resize(cells, ' ');
  return '[' + bar + ']';
}

}  // namespace engine::tools
