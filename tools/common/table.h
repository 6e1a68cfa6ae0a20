// Text in aligned columns.
#pragma once

#include <string>
#include <vector>

namespace engine::tools {

class Table {
 public:
  enum class Align { left, right };
  struct Column {
    std::string title;
    Align align = Align::left;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// As many cells as columns.
  void add(std::vector<std::string> cells);
  /// A line across the table before the next row.
  void add_rule() { rows_.emplace_back(); }
  /// Title, rule and rows, with no blanks at the ends of lines; a table without titles has neither.
  std::vector<std::string> lines() const;
  void print() const;

 private:
  using Row = std::vector<std::string>;
  std::vector<std::size_t> widths() const;
  std::string line(const Row& cells, const std::vector<std::size_t>& widths) const;

  std::vector<Column> columns_;
  std::vector<Row> rows_;  // an empty one is a rule
};

}  // namespace engine::tools
