// The SVG writer: markup, escaping, numbers.
#include "models/draw/svg.h"

#include <gtest/gtest.h>

#include <cmath>
#include <locale>

#include "models/draw/axis.h"

namespace engine {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct CommaDecimals : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
};

TEST(Svg, WritesEveryElement) {
  Svg svg(100, 50.5);
  svg.rect(1, 2, 3, 4, {.fill = "#112233", .rounding = 2});
  svg.line({0, 0}, {1, 1}, {.stroke = "red", .width = 1.5, .dash = "4 3"});
  const std::vector<Point> points{{0, 1}, {2, 3.456}};
  svg.polyline(points, {.stroke = "blue", .opacity = 0.5});
  svg.circle({5, 6}, 7, {.fill = "none"}, "a tip");
  svg.text({8, 9}, "words", {.size = 10, .anchor = SvgText::Anchor::end, .rotation = -90});
  const std::string text = svg.to_string();
  EXPECT_TRUE(
      text.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"100\" height=\"50.5\""));
  EXPECT_TRUE(contains(text, R"(<rect x="1" y="2" width="3" height="4" rx="2" fill="#112233"/>)"));
  EXPECT_TRUE(contains(text, R"(stroke="red" stroke-width="1.5" stroke-dasharray="4 3"/>)"));
  EXPECT_TRUE(contains(text, R"(points="0,1 2,3.46")"));
  EXPECT_TRUE(contains(text, R"(opacity="0.5")"));
  EXPECT_TRUE(contains(text, "<title>a tip</title></circle>"));
  EXPECT_TRUE(contains(text, R"-(text-anchor="end" transform="rotate(-90 8 9)">words</text>)-"));
  EXPECT_TRUE(text.ends_with("</svg>\n"));
}

TEST(Svg, EscapesMarkupAndReplacesWhatXmlCannotCarry) {
  Svg svg(1, 1);
  svg.text({0, 0}, "<a & \"b\">\x01\xff\xc3\xa9\xed\xa0\x80", {}, "<&>");
  EXPECT_TRUE(contains(svg.to_string(),
                       "&lt;a &amp; &quot;b&quot;&gt;?"
                       "?\xc3\xa9?"
                       "?"
                       "?</text>"));
  EXPECT_TRUE(contains(svg.to_string(), "<title>&lt;&amp;&gt;</title>"));
}

TEST(Svg, WritesNumbersAlikeEverywhere) {
  const std::locale before = std::locale::global(std::locale(std::locale(), new CommaDecimals));
  Svg svg(1, 1);
  svg.circle({0.125, -0.001}, std::nan(""), {});
  const std::string text = svg.to_string();
  std::locale::global(before);
  EXPECT_TRUE(contains(text, R"(cx="0.12" cy="0" r="0")"));
}

TEST(Axis, HasRoundTicksThatCoverTheRange) {
  const Axis axis = make_axis(0.123, 0.98, 6);
  EXPECT_EQ(axis.low, 0.0);
  EXPECT_EQ(axis.high, 1.0);
  EXPECT_EQ(axis.ticks.size(), 6u);
  EXPECT_EQ(axis.label(axis.ticks[1]), "0.2");
  EXPECT_EQ(make_axis(1, 20, 8, 1).label(15), "15");
  EXPECT_EQ(make_axis(0.9841, 0.9869, 6).label(0.985), "0.9850");
  EXPECT_EQ(make_axis(-3, 5, 4).label(0), "0");
}

TEST(Axis, CopesWithAnyFiniteRange) {
  for (double low : {-1e300, -5.0, 0.0, 1e-300, 0.7, 1e9, 9e299})
    for (double width : {0.0, 1e-300, 1e-9, 1.0, 1e12, 1e299}) {
      const Axis axis = make_axis(low, low + width, 6);
      EXPECT_LE(axis.low, low + 1e-8 * axis.step);
      EXPECT_GE(axis.high, low + width - 1e-8 * axis.step);
      EXPECT_GE(axis.ticks.size(), 2u);
      EXPECT_LE(axis.ticks.size(), 12u) << low << " " << width;
    }
  const Axis one = make_axis(1, 1, 8, 1);
  EXPECT_EQ(one.step, 1.0);
}

}  // namespace
}  // namespace engine
