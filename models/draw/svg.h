// A small writer of SVG: shapes and text in user units, with the few styles that our drawings need.
// The result is one self-contained file: no script, no style sheet, no font but the viewer's
// sans-serif. Numbers are written with at most two decimals and a point in every locale.
#pragma once

#include <span>
#include <string>

namespace engine {

struct Point {
  double x, y;
};

/// Colours are CSS: "#1b6ca8", "none".
struct SvgStyle {
  std::string fill = "none";
  std::string stroke = "none";
  double width = 1;     ///< of the stroke
  std::string dash{};   ///< lengths of strokes and gaps, "4 3"; empty: solid
  double opacity = 1;   ///< of all of it
  double rounding = 0;  ///< radius of a rectangle's corners
};

struct SvgText {
  enum class Anchor { start, middle, end };
  std::string fill = "#333333";
  double size = 12;
  Anchor anchor = Anchor::start;
  double rotation = 0;  ///< degrees clockwise about the point
  bool bold = false;
};

/// Elements are painted in the order of the calls. Where a tooltip is given, viewers show it when
/// the pointer rests on the element. Text and tooltips may hold any bytes: markup is escaped, and
/// what XML cannot carry (control characters, stray bytes) becomes '?'. Coordinates that are not
/// finite are written as 0.
class Svg {
 public:
  Svg(double width, double height);

  void rect(double x, double y, double width, double height, const SvgStyle& style,
            const std::string& tooltip = {});
  void line(Point from, Point to, const SvgStyle& style, const std::string& tooltip = {});
  void polyline(std::span<const Point> points, const SvgStyle& style,
                const std::string& tooltip = {});
  void circle(Point centre, double radius, const SvgStyle& style, const std::string& tooltip = {});
  /// `at` is on the base line.
  void text(Point at, const std::string& text, const SvgText& style,
            const std::string& tooltip = {});

  /// The whole document.
  std::string to_string() const;

 private:
  void element(const char* name, const std::string& attributes, const SvgStyle& style,
               const std::string& tooltip);

  double width_, height_;
  std::string body_;
};

}  // namespace engine
