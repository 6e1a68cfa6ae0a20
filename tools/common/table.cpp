#include "tools/common/table.h"

#include <algorithm>

#include "engine/core/error.h"
#include "tools/common/format.h"
#include "tools/common/output.h"

namespace engine::tools {
namespace {

constexpr std::size_t kGap = 2;

}  // namespace

void Table::add(std::vector<std::string> cells) {
  ENGINE_CHECK(cells.size() == columns_.size(), "a table row with another number of cells");
  rows_.push_back(std::move(cells));
}

std::vector<std::size_t> Table::widths() const {
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) widths.push_back(display_width(column.title));
  for (const Row& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], display_width(row[i]));
  return widths;
}

std::string Table::line(const Row& cells, const std::vector<std::size_t>& widths) const {
  std::string text;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) text += std::string(kGap, ' ');
    const std::string blanks(widths[i] - display_width(cells[i]), ' ');
    text += columns_[i].align == Align::left ? cells[i] + blanks : blanks + cells[i];
  }
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::vector<std::string> Table::lines() const {
  const std::vector<std::size_t> widths = this->widths();
  std::size_t total = kGap * (widths.size() - 1);
  for (std::size_t width : widths) total += width;
  const std::string rule(total, '-');

  Row titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  std::vector<std::string> lines;
  if (std::any_of(titles.begin(), titles.end(), [](const auto& title) { return !title.empty(); }))
    lines = {line(titles, widths), rule};
  for (const Row& row : rows_) lines.push_back(row.empty() ? rule : line(row, widths));
  return lines;
}

void Table::print() const {
  for (const std::string& line : lines()) print_line(line);
}

}  // namespace engine::tools
