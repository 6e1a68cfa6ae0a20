#include "models/draw/training_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string_view>

#include "models/draw/axis.h"
#include "models/draw/svg.h"

namespace engine {
namespace {

constexpr double kPanelWidth = 470, kHeight = 400, kEdge = 18;
constexpr double kLeft = 62, kRight = 66, kTop = 92, kBottom = 52;  // around a panel's plot area
constexpr double kLabelHeight = 14;
constexpr std::size_t kMostDots = 60;  // epochs beyond which dots would run together

const char* const kInk = "#333333";
const char* const kPale = "#777777";
const char* const kGrid = "#e4e4e4";

// What one panel shows; the curves are in the order of kCurves.
struct Quantity {
  const char* name;
  const char* superlative;
  bool larger_is_better;
  std::array<std::optional<double> EpochMetrics::*, 3> curves;
};
constexpr Quantity kLoss{
    "Loss",
    "lowest",
    false,
    {&EpochMetrics::loss, &EpochMetrics::validation_loss, &EpochMetrics::test_loss}};
constexpr Quantity kAccuracy{
    "Accuracy",
    "highest",
    true,
    {&EpochMetrics::accuracy, &EpochMetrics::validation_accuracy, &EpochMetrics::test_accuracy}};

struct Curve {
  std::string_view name;
  const char* colour;
};
constexpr std::array<Curve, 3> kCurves{
    {{"training", "#3b73af"}, {"validation", "#e8761c"}, {"test", "#3f9b4f"}}};

struct Series {
  Curve curve;
  std::vector<Point> points;  // (epoch, value), values that are not finite left as they are
  std::vector<Point> finite;
};

std::vector<Series> find_series(std::span<const EpochMetrics> rows, const Quantity& quantity) {
  std::vector<Series> all;
  for (std::size_t i = 0; i < kCurves.size(); ++i) {
    Series series{kCurves[i], {}, {}};
    for (const EpochMetrics& row : rows) {
      const double value = (row.*quantity.curves[i]).value_or(std::nan(""));
      series.points.push_back({static_cast<double>(row.epoch), value});
      if (std::isfinite(value)) series.finite.push_back(series.points.back());
    }
    if (!series.finite.empty()) all.push_back(std::move(series));
  }
  return all;
}

// Four decimals for what is near 1, as people quote accuracies; three digits for the rest.
std::string value_text(double value) {
  const double size = std::abs(value);
  return fmt::format(fmt::runtime(size >= 0.01 && size < 10 ? "{:.4f}" : "{:.3g}"), value);
}

class Panel {
 public:
  Panel(Svg& svg, double x, const Quantity& quantity, std::span<const EpochMetrics> rows)
      : svg_(svg),
        left_(x + kLeft),
        right_(x + kPanelWidth - kRight),
        quantity_(quantity),
        series_(find_series(rows, quantity)) {
    if (series_.empty()) return;
    double low = series_[0].finite[0].y, high = low;
    for (const Series& series : series_)
      for (const Point& point : series.finite) {
        low = std::min(low, point.y);
        high = std::max(high, point.y);
      }
    values_ = make_axis(low, high, 6);
    epochs_ = make_axis(static_cast<double>(rows.front().epoch),
                        static_cast<double>(rows.back().epoch), 8, 1);
    // Epochs begin and end where the run did, ticks or not.
    epochs_.low = static_cast<double>(rows.front().epoch);
    epochs_.high = static_cast<double>(rows.back().epoch);
  }

  void draw() {
    svg_.text({left_, kTop - 30}, quantity_.name, {.fill = kInk, .size = 15, .bold = true});
    if (series_.empty()) {
      svg_.rect(left_, kTop, right_ - left_, kHeight - kBottom - kTop, {.stroke = kGrid});
      svg_.text({(left_ + right_) / 2, (kTop + kHeight - kBottom) / 2}, "no values",
                {.fill = kPale, .anchor = SvgText::Anchor::middle});
      return;
    }
    draw_legend();
    draw_axes();
    for (const Series& series : series_) draw_curve(series);
    draw_best();
    draw_last_values();
  }

 private:
  Point place(Point point) const {
    const double along = epochs_.high > epochs_.low ? epochs_.position(point.x) : 0.5;
    return {left_ + along * (right_ - left_), y(point.y)};
  }
  double y(double value) const {
    return kHeight - kBottom - values_.position(value) * (kHeight - kBottom - kTop);
  }

  void draw_legend() {
    double x = right_;
    for (auto series = series_.rbegin(); series != series_.rend(); ++series) {
      const std::string name(series->curve.name);
      svg_.text({x, kTop - 30}, name, {.fill = kInk, .size = 12, .anchor = SvgText::Anchor::end});
      x -= 6.3 * static_cast<double>(name.size()) + 6;
      svg_.line({x - 18, kTop - 34}, {x, kTop - 34},
                {.stroke = series->curve.colour, .width = 2.5});
      x -= 32;
    }
  }

  void draw_axes() {
    for (double tick : values_.ticks) {
      svg_.line({left_, y(tick)}, {right_, y(tick)}, {.stroke = kGrid});
      svg_.text({left_ - 8, y(tick) + 4}, values_.label(tick),
                {.fill = kPale, .size = 11, .anchor = SvgText::Anchor::end});
    }
    const double bottom = kHeight - kBottom;
    svg_.line({left_, bottom}, {right_, bottom}, {.stroke = kPale});
    for (double tick : epochs_.ticks) {
      if (tick < epochs_.low || tick > epochs_.high) continue;
      const double x = place({tick, 0}).x;
      svg_.line({x, bottom}, {x, bottom + 4}, {.stroke = kPale});
      svg_.text({x, bottom + 18}, epochs_.label(tick),
                {.fill = kPale, .size = 11, .anchor = SvgText::Anchor::middle});
    }
    svg_.text({(left_ + right_) / 2, bottom + 38}, "epoch",
              {.fill = kPale, .size = 12, .anchor = SvgText::Anchor::middle});
  }

  std::string tip(const Series& series, const Point& point) const {
    return fmt::format("epoch {}: {} {} {}", point.x, series.curve.name, quantity_.name,
                       value_text(point.y));
  }

  void draw_curve(const Series& series) {
    std::vector<Point> stretch;
    const auto draw_stretch = [&] {
      const SvgStyle style{.stroke = series.curve.colour, .width = 2};
      if (stretch.size() > 1) svg_.polyline(stretch, style);
      stretch.clear();
    };
    for (const Point& point : series.points) {
      if (std::isfinite(point.y))
        stretch.push_back(place(point));
      else
        draw_stretch();
    }
    draw_stretch();
    const SvgStyle dot{.fill = series.curve.colour};
    if (series.points.size() <= kMostDots)
      for (const Point& point : series.finite)
        svg_.circle(place(point), 2.5, dot, tip(series, point));
    else
      svg_.circle(place(series.finite.back()), 3, dot, tip(series, series.finite.back()));
  }

  // The best value of validation, else of test, else of training: ringed, and told in the heading.
  void draw_best() {
    const Series* judged = &series_.back();
    for (const Series& series : series_)
      if (series.curve.name == kCurves[1].name) judged = &series;
    const auto worse = [this](const Point& a, const Point& b) {
      return quantity_.larger_is_better ? a.y < b.y : a.y > b.y;
    };
    const Point best = *std::max_element(judged->finite.begin(), judged->finite.end(), worse);
    svg_.circle(place(best), 5.5, {.stroke = judged->curve.colour, .width = 1.5},
                tip(*judged, best));
    svg_.text({left_, kTop - 12},
              fmt::format("{} {} {} at epoch {}", quantity_.superlative, judged->curve.name,
                          value_text(best.y), best.x),
              {.fill = kPale, .size = 12});
  }

  // Beside the ends of the curves, from top to bottom, moved apart where they would overlap.
  void draw_last_values() {
    struct Label {
      double y;
      const Series* series;
    };
    std::vector<Label> labels;
    for (const Series& series : series_) labels.push_back({y(series.finite.back().y), &series});
    std::sort(labels.begin(), labels.end(),
              [](const Label& a, const Label& b) { return a.y < b.y; });
    for (std::size_t i = 1; i < labels.size(); ++i)
      labels[i].y = std::max(labels[i].y, labels[i - 1].y + kLabelHeight);
    double limit = kHeight - kBottom;
    for (auto label = labels.rbegin(); label != labels.rend(); ++label) {
      label->y = std::min(label->y, limit);
      limit = label->y - kLabelHeight;
      svg_.text({right_ + 10, label->y + 4}, value_text(label->series->finite.back().y),
                {.fill = label->series->curve.colour, .size = 12, .bold = true});
    }
  }

  Svg& svg_;
  double left_, right_;
  const Quantity& quantity_;
  std::vector<Series> series_;
  Axis values_, epochs_;
};

}  // namespace

std::string training_plot(const std::vector<EpochMetrics>& rows, const std::string& title) {
  Svg svg(2 * kPanelWidth + 2 * kEdge, kHeight + kEdge);
  svg.rect(0, 0, 2 * kPanelWidth + 2 * kEdge, kHeight + kEdge, {.fill = "#ffffff"});
  svg.text({kEdge + kLeft, 30}, title, {.fill = kInk, .size = 17, .bold = true});
  double x = kEdge;
  for (const Quantity* quantity : {&kLoss, &kAccuracy}) {
    Panel(svg, x, *quantity, rows).draw();
    x += kPanelWidth;
  }
  return svg.to_string();
}

}  // namespace engine
