#include "tests/tools/well_formed.h"

#include <cstddef>
#include <regex>
#include <set>
#include <string_view>
#include <vector>

namespace engine {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text), size_(text.size()) {}

  std::string read() {
    while (fault_.empty() && !rest_.empty()) {
      if (rest_.front() != '<')
        read_text();
      else if (skip("<!--", "-->") || skip("<!DOCTYPE", ">") || skip("<?", "?>"))
        continue;
      else
        read_tag();
    }
    if (fault_.empty() && !open_.empty()) fail("not closed: " + open_.back());
    return fault_;
  }

 private:
  void fail(const std::string& what) {
    fault_ = what + " at byte " + std::to_string(size_ - rest_.size()) + ": " +
             std::string(rest_.substr(0, 60));
  }

  bool skip(std::string_view from, std::string_view to) {
    if (!rest_.starts_with(from)) return false;
    const std::size_t end = rest_.find(to, from.size());
    if (end == std::string_view::npos)
      fail("no end");
    else
      rest_.remove_prefix(end + to.size());
    return true;
  }

  void check_entities(const std::string& text) {
    static const std::regex bare("&(?!(lt|gt|amp|quot|apos|#[0-9]+|#x[0-9a-fA-F]+);)");
    if (std::regex_search(text, bare)) fail("a bare '&'");
  }

  void read_text() {
    const std::size_t end = std::min(rest_.find('<'), rest_.size());
    check_entities(std::string(rest_.substr(0, end)));
    if (fault_.empty()) rest_.remove_prefix(end);
  }

  void read_tag() {
    const std::size_t end = rest_.find('>');
    const std::string tag(rest_.substr(0, end == std::string_view::npos ? end : end + 1));
    static const std::regex closing("</([A-Za-z][\\w:.-]*)\\s*>");
    static const std::regex opening(
        "<([A-Za-z][\\w:.-]*)((?:\\s+[A-Za-z_][\\w:.-]*=\"[^\"<>]*\")*)\\s*(/?)>");
    std::smatch parts;
    if (std::regex_match(tag, parts, closing)) {
      if (open_.empty() || open_.back() != parts[1].str()) return fail("closes what is not open");
      open_.pop_back();
    } else if (std::regex_match(tag, parts, opening)) {
      check_attributes(parts[2].str());
      if (parts[3].str().empty()) open_.push_back(parts[1].str());
    } else {
      fail("no tag");
    }
    if (fault_.empty()) rest_.remove_prefix(tag.size());
  }

  void check_attributes(const std::string& attributes) {
    static const std::regex one("([\\w:.-]+)=\"([^\"]*)\"");
    std::set<std::string> names;
    for (std::sregex_iterator i(attributes.begin(), attributes.end(), one), end; i != end; ++i) {
      if (!names.insert((*i)[1].str()).second) fail("an attribute twice");
      check_entities((*i)[2].str());
    }
  }

  std::string_view rest_;
  const std::size_t size_;
  std::vector<std::string> open_;
  std::string fault_;
};

}  // namespace

std::string why_not_well_formed(const std::string& text) {
  return Reader(text).read();
}

}  // namespace engine
