#include "models/draw/svg.h"

#include <fmt/format.h>

#include <cmath>

#include "models/draw/markup.h"

namespace engine {
namespace {

/// At most two decimals, none of them a trailing zero.
std::string number(double value) {
  if (!std::isfinite(value)) value = 0;
  std::string text = fmt::format("{:.2f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

std::string title(const std::string& tooltip) {
  return tooltip.empty() ? "" : "<title>" + escape_markup(tooltip) + "</title>";
}

std::string attributes_of(const SvgStyle& style) {
  std::string out = fmt::format(" fill=\"{}\"", escape_markup(style.fill));
  if (style.stroke != "none")
    out += fmt::format(" stroke=\"{}\" stroke-width=\"{}\"", escape_markup(style.stroke),
                       number(style.width));
  if (!style.dash.empty())
    out += fmt::format(" stroke-dasharray=\"{}\"", escape_markup(style.dash));
  if (style.opacity != 1) out += fmt::format(" opacity=\"{}\"", number(style.opacity));
  return out;
}

const char* anchor_name(SvgText::Anchor anchor) {
  return anchor == SvgText::Anchor::start    ? "start"
         : anchor == SvgText::Anchor::middle ? "middle"
                                             : "end";
}

}  // namespace

Svg::Svg(double width, double height) : width_(width), height_(height) {}

void Svg::element(const char* name, const std::string& attributes, const SvgStyle& style,
                  const std::string& tooltip) {
  body_ += fmt::format("<{} {}{}", name, attributes, attributes_of(style));
  body_ += tooltip.empty() ? "/>\n" : fmt::format(">{}</{}>\n", title(tooltip), name);
}

void Svg::rect(double x, double y, double width, double height, const SvgStyle& style,
               const std::string& tooltip) {
  std::string attributes = fmt::format("x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"", number(x),
                                       number(y), number(width), number(height));
  if (style.rounding > 0) attributes += fmt::format(" rx=\"{}\"", number(style.rounding));
  element("rect", attributes, style, tooltip);
}

void Svg::line(Point from, Point to, const SvgStyle& style, const std::string& tooltip) {
  element("line",
          fmt::format("x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"", number(from.x), number(from.y),
                      number(to.x), number(to.y)),
          style, tooltip);
}

void Svg::polyline(std::span<const Point> points, const SvgStyle& style,
                   const std::string& tooltip) {
  std::string list;
  for (const Point& point : points)
    list += fmt::format("{}{},{}", list.empty() ? "" : " ", number(point.x), number(point.y));
  element("polyline", fmt::format("points=\"{}\" stroke-linejoin=\"round\"", list), style, tooltip);
}

void Svg::circle(Point centre, double radius, const SvgStyle& style, const std::string& tooltip) {
  element("circle",
          fmt::format("cx=\"{}\" cy=\"{}\" r=\"{}\"", number(centre.x), number(centre.y),
                      number(radius)),
          style, tooltip);
}

void Svg::text(Point at, const std::string& text, const SvgText& style,
               const std::string& tooltip) {
  body_ += fmt::format("<text x=\"{}\" y=\"{}\" font-size=\"{}\" fill=\"{}\" text-anchor=\"{}\"",
                       number(at.x), number(at.y), number(style.size), escape_markup(style.fill),
                       anchor_name(style.anchor));
  if (style.bold) body_ += " font-weight=\"600\"";
  if (style.rotation != 0)
    body_ += fmt::format(" transform=\"rotate({} {} {})\"", number(style.rotation), number(at.x),
                         number(at.y));
  body_ += fmt::format(">{}{}</text>\n", title(tooltip), escape_markup(text));
}

std::string Svg::to_string() const {
  const std::string width = number(width_), height = number(height_);
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
      "viewBox=\"0 0 {0} {1}\" font-family=\"Helvetica, Arial, DejaVu Sans, sans-serif\">\n"
      "{2}</svg>\n",
      width, height, body_);
}

}  // namespace engine
