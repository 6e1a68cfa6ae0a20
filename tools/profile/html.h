// A small writer of HTML: elements opened and closed in order, all text escaped. What it writes is
// well-formed XML as well, so that any parser can check it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace engine::tools {

class Html {
 public:
  using Attributes = std::vector<std::pair<std::string_view, std::string>>;

  Html& open(std::string_view element, const Attributes& attributes = {});
  Html& close();  ///< the element opened last
  Html& text(std::string_view text);
  /// An element that holds nothing but text.
  Html& element(std::string_view element, std::string_view text, const Attributes& attributes = {});
  /// An element that holds nothing.
  Html& empty(std::string_view element, const Attributes& attributes = {});
  /// Markup as it is: drawings and rows made elsewhere.
  Html& markup(std::string_view markup);
  /// What was written; every element must be closed.
  const std::string& to_string() const;

 private:
  void begin(std::string_view element, const Attributes& attributes);

  std::string text_;
  std::vector<std::string> open_;
};

struct HtmlCell {
  std::string text;
  std::optional<double> number = {};  ///< set right-aligned, and sorted by
  std::string markup = {};            ///< after the text
  std::string style = {};             ///< a class
};

/// A table whose rows can be sorted by a click on a column's title.
class HtmlTable {
 public:
  struct Column {
    std::string title;
    bool is_number = false;
  };
  explicit HtmlTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// As many cells as columns; `style` is a class of the row.
  void add(const std::vector<HtmlCell>& cells, const std::string& style = {});
  /// A row that stays below all others.
  void add_sum(const std::vector<HtmlCell>& cells);
  void write(Html& html, const std::string& style = {}) const;

 private:
  std::string row(const std::vector<HtmlCell>& cells, const std::string& style) const;

  std::vector<Column> columns_;
  std::string rows_, sums_;
};

/// A bar of `share` of the width of its cell, with `spread` of it marked at its end; one that would
/// be longer than the cell is cut, and shows it.
std::string html_bar(double share, double spread = 0, const std::string& style = {});

/// A whole document without anything outside it: one style sheet for light, dark and paper, and a
/// few lines of script that sort tables.
std::string html_document(const std::string& title, const Html& body);

}  // namespace engine::tools
