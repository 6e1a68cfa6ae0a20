#include "tools/profile/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/core/error.h"
#include "models/draw/markup.h"
#include "tools/profile/html_style.h"

namespace engine::tools {

void Html::begin(std::string_view element, const Attributes& attributes) {
  text_ += fmt::format("<{}", element);
  for (const auto& [name, value] : attributes)
    if (!value.empty()) text_ += fmt::format(" {}=\"{}\"", name, escape_markup(value));
}

Html& Html::open(std::string_view element, const Attributes& attributes) {
  begin(element, attributes);
  text_ += ">";
  open_.emplace_back(element);
  return *this;
}

Html& Html::close() {
  ENGINE_CHECK(!open_.empty(), "an element is closed that was not opened");
  text_ += fmt::format("</{}>\n", open_.back());
  open_.pop_back();
  return *this;
}

Html& Html::text(std::string_view text) {
  text_ += escape_markup(text);
  return *this;
}

Html& Html::element(std::string_view element, std::string_view content,
                    const Attributes& attributes) {
  return open(element, attributes).text(content).close();
}

Html& Html::empty(std::string_view element, const Attributes& attributes) {
  begin(element, attributes);
  text_ += "/>\n";
  return *this;
}

Html& Html::markup(std::string_view markup) {
  text_ += markup;
  return *this;
}

const std::string& Html::to_string() const {
  ENGINE_CHECK(open_.empty(), "an element is not closed");
  return text_;
}

std::string HtmlTable::row(const std::vector<HtmlCell>& cells, const std::string& style) const {
  ENGINE_CHECK(cells.size() == columns_.size(), "a table row with another number of cells");
  Html row;
  row.open("tr", {{"class", style}});
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const HtmlCell& cell = cells[i];
    const std::string kind = columns_[i].is_number ? "number" : cell.style;
    row.open("td",
             {{"class", kind}, {"data-key", cell.number ? fmt::format("{}", *cell.number) : ""}});
    row.text(cell.text).markup(cell.markup).close();
  }
  return row.close().to_string();
}

void HtmlTable::add(const std::vector<HtmlCell>& cells, const std::string& style) {
  rows_ += row(cells, style);
}

void HtmlTable::add_sum(const std::vector<HtmlCell>& cells) {
  sums_ += row(cells, "sum");
}

void HtmlTable::write(Html& html, const std::string& style) const {
  html.open("div", {{"class", "wide"}}).open("table", {{"class", style}}).open("thead").open("tr");
  for (const Column& column : columns_)
    html.element("th", column.title, {{"class", column.is_number ? "number" : ""}});
  html.close().close().open("tbody").markup(rows_).close();
  if (!sums_.empty()) html.open("tfoot").markup(sums_).close();
  html.close().close();
}

std::string html_bar(double share, double spread, const std::string& style) {
  const auto percent = [](double part) {
    return std::isfinite(part) ? 100 * std::clamp(part, 0.0, 1.0) : 0;
  };
  const double end = percent(share);
  std::string bar = fmt::format(
      "<svg class=\"bar {}\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" "
      "aria-hidden=\"true\"><rect x=\"0\" y=\"1\" width=\"{:.2f}\" height=\"6\"/>",
      escape_markup(style), end);
  const double width = percent(spread);
  if (share > 1 + 1e-9)
    bar += "<path class=\"cut\" d=\"M92 8 l2 -8 h1.5 l-2 8 z M95 8 l2 -8 h1.5 l-2 8 z\"/>";
  else if (width > 0)
    bar +=
        fmt::format("<rect class=\"spread\" x=\"{:.2f}\" y=\"3\" width=\"{:.2f}\" height=\"2\"/>",
                    std::max(0.0, end - width / 2), width);
  return bar + "</svg>";
}

std::string html_document(const std::string& title, const Html& body) {
  Html html;
  html.open("html", {{"xmlns", "http://www.w3.org/1999/xhtml"}, {"lang", "en"}}).open("head");
  html.empty("meta", {{"charset", "utf-8"}});
  html.empty("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  html.empty("meta", {{"name", "color-scheme"}, {"content", "light dark"}});
  html.element("title", title).open("style").markup(kHtmlStyle).close().close();
  html.open("body").markup(body.to_string()).open("script").markup(kHtmlScript).close().close();
  return "<!DOCTYPE html>\n" + html.close().to_string();
}

}  // namespace engine::tools
