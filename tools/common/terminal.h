// A line on standard error that is written over again and again while work is under way. Where
// standard error is no terminal it shows nothing.
#pragma once

#include <chrono>
#include <string>

namespace engine::tools {

class StatusLine {
 public:
  explicit StatusLine(bool wanted);
  ~StatusLine() { clear(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  bool is_visible() const { return visible_; }
  /// Shows `text`, cut to the width of the terminal; often enough repeated calls are dropped.
  void show(const std::string& text);
  /// Removes the line, so that others can be printed.
  void clear();

 private:
  bool visible_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point last_{};
};

/// Says which kernel is being measured: what a tuner's progress is shown with.
void show_tuning(StatusLine& status, const std::string& problem, const std::string& candidate,
                 int done, int total);

/// "[=====>    ]" of `width` columns; `done` is in [0, 1].
std::string progress_bar(double done, int width);

}  // namespace engine::tools
