#include "tools/profile/arena_drawing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "models/draw/svg.h"
#include "tools/common/format.h"

namespace engine::tools {
namespace {

constexpr double kPlotHeight = 440;
constexpr double kLeft = 90, kRight = 40, kTop = 92;
constexpr double kLabelSize = 11;
constexpr double kFlat = 1.5;
constexpr double kCharacter = 0.56;  // its width, in units of the size
constexpr std::size_t kMostLabels = 70;
constexpr std::size_t kLongestLabel = 34;  // characters of a step's name
constexpr const char* kAxis = "#5f6368";
constexpr const char* kGrid = "#eceff1";
constexpr const char* kPeak = "#c62828";

double text_width(const std::string& text, double size) {
  return static_cast<double>(display_width(text)) * kCharacter * size;
}

// The end of a name says more than its beginning.
std::string step_label(const ArenaPlan& plan, std::size_t step) {
  std::string name = plan.steps[step];
  if (name.size() > kLongestLabel) name = "\u2026" + name.substr(name.size() - kLongestLabel + 1);
  return fmt::format("{} {}", name, step);
}

// What labels that slant by 60 degrees take below the axis, and the axis' name below them.
double height_below(const ArenaPlan& plan) {
  double widest = 0;
  for (std::size_t step = 0; step < plan.steps.size(); ++step)
    widest = std::max(widest, text_width(step_label(plan, step), kLabelSize));
  return 14 + 0.87 * widest + 40;
}

class Drawing {
 public:
  Drawing(const ArenaPlan& plan, const std::string& title)
      : plan_(plan),
        steps_(std::max<double>(1, static_cast<double>(plan.steps.size()))),
        plot_width_(std::clamp(34 * steps_, 640.0, 1800.0)),
        limit_(std::max<double>(1, static_cast<double>(plan.arena_bytes)) * 1.06),
        below_(height_below(plan)),
        svg_(kLeft + plot_width_ + kRight, kTop + kPlotHeight + below_) {
    svg_.rect(0, 0, kLeft + plot_width_ + kRight, kTop + kPlotHeight + below_, {.fill = "#ffffff"});
    draw_heading(title);
    draw_offsets();
    draw_steps();
    for (const ArenaValue& value : plan.values) draw_value(value);
    draw_peak();
    for (const ArenaValue& value : plan.values) draw_name(value);
    draw_frame();
  }
  std::string to_string() const { return svg_.to_string(); }

 private:
  double x(std::size_t step) const {
    return kLeft + plot_width_ * static_cast<double>(step) / steps_;
  }
  double y(double bytes) const { return kTop + kPlotHeight * (1 - bytes / limit_); }
  double bottom() const { return kTop + kPlotHeight; }

  void draw_heading(const std::string& title) {
    svg_.text({kLeft, 28}, "Arena of the training step of " + title, {.size = 16, .bold = true});
    svg_.text({kLeft, 48},
              fmt::format("{} planned, {} alive at the peak, {:.1f}% lost to fragmentation",
                          human_bytes(static_cast<double>(plan_.arena_bytes)),
                          human_bytes(static_cast<double>(plan_.lower_bound())),
                          100 * plan_.fragmentation()),
              {.fill = kAxis, .size = 12});
    double at = kLeft;
    for (ArenaKind kind :
         {ArenaKind::activation, ArenaKind::gradient, ArenaKind::update, ArenaKind::workspace}) {
      const auto is_of_kind = [&](const ArenaValue& value) { return value.kind == kind; };
      if (std::none_of(plan_.values.begin(), plan_.values.end(), is_of_kind)) continue;
      svg_.rect(at, 62, 12, 12, {.fill = kind_colour(kind), .stroke = kAxis, .width = 0.6});
      svg_.text({at + 17, 72}, kind_name(kind), {});
      at += 17 + text_width(kind_name(kind), 12) + 22;
    }
  }

  // Five lines or so, at round numbers.
  void draw_offsets() {
    const double rough = limit_ / 6, power = std::pow(10, std::floor(std::log10(rough)));
    double spacing = 10 * power;
    for (double factor : {1.0, 2.0, 5.0})
      if (factor * power >= rough) {
        spacing = factor * power;
        break;
      }
    for (double bytes = 0; bytes <= limit_; bytes += spacing) {
      svg_.line({kLeft, y(bytes)}, {kLeft + plot_width_, y(bytes)}, {.stroke = kGrid});
      svg_.text({kLeft - 8, y(bytes) + 4}, human_bytes(bytes),
                {.fill = kAxis, .size = kLabelSize, .anchor = SvgText::Anchor::end});
    }
    svg_.text({22, kTop + kPlotHeight / 2}, "offset in the arena",
              {.fill = kAxis, .anchor = SvgText::Anchor::middle, .rotation = -90});
  }

  // Every step is named while there is room for that, then every second one, and so on.
  void draw_steps() {
    const std::size_t every = plan_.steps.size() / kMostLabels + 1;
    for (std::size_t step = 0; step < plan_.steps.size(); ++step) {
      const double middle = (x(step) + x(step + 1)) / 2;
      svg_.line({x(step), kTop}, {x(step), bottom()}, {.stroke = kGrid, .width = 0.5});
      if (step % every != 0) continue;
      svg_.text({middle + 4, bottom() + 14}, step_label(plan_, step),
                {.fill = step == plan_.peak_step ? kPeak : kAxis,
                 .size = kLabelSize,
                 .anchor = SvgText::Anchor::end,
                 .rotation = -60,
                 .bold = step == plan_.peak_step});
    }
    svg_.text({kLeft + plot_width_ / 2, bottom() + below_ - 12}, "step of the program",
              {.fill = kAxis, .anchor = SvgText::Anchor::middle});
  }

  double left(const ArenaValue& value) const { return x(value.first_step); }
  double width(const ArenaValue& value) const { return x(value.last_step + 1) - left(value); }
  double top(const ArenaValue& value) const {
    return y(static_cast<double>(value.offset + value.bytes));
  }
  double height(const ArenaValue& value) const {
    return y(static_cast<double>(value.offset)) - top(value);
  }

  static std::string tooltip(const ArenaValue& value) {
    return fmt::format("{} of {}{}{}: {}, {} bytes at offset {}, steps {} to {}", value.name,
                       value.label, value.type.empty() ? "" : " ", value.type,
                       kind_name(value.kind),
                       with_separators(static_cast<std::int64_t>(value.bytes)),
                       with_separators(static_cast<std::int64_t>(value.offset)), value.first_step,
                       value.last_step);
  }

  // What is too flat to be seen is drawn as a thin line of its colour.
  void draw_value(const ArenaValue& value) {
    const bool is_flat = height(value) < kFlat;
    const char* colour = kind_colour(value.kind);
    svg_.rect(left(value), top(value), width(value), is_flat ? kFlat : height(value),
              {.fill = colour, .stroke = is_flat ? colour : kAxis, .width = 0.6}, tooltip(value));
  }

  void draw_name(const ArenaValue& value) {
    if (height(value) < kLabelSize + 2) return;
    for (const std::string& label : {value.name + " " + value.label, value.name})
      if (text_width(label, kLabelSize) + 6 <= width(value)) {
        svg_.text({left(value) + width(value) / 2, top(value) + height(value) / 2 + 4}, label,
                  {.size = kLabelSize, .anchor = SvgText::Anchor::middle}, tooltip(value));
        return;
      }
  }

  // The step with the most bytes alive, and the top of the plan.
  void draw_peak() {
    if (plan_.steps.empty()) return;
    const double begin = x(plan_.peak_step), end = x(plan_.peak_step + 1);
    svg_.rect(begin, kTop, end - begin, kPlotHeight, {.stroke = kPeak, .width = 1.5, .dash = "5 3"},
              fmt::format("peak: {} bytes alive",
                          with_separators(static_cast<std::int64_t>(plan_.lower_bound()))));
    const double level = y(static_cast<double>(plan_.arena_bytes));
    svg_.line({kLeft, level}, {kLeft + plot_width_, level}, {.stroke = kPeak, .dash = "5 3"});
    // Beside the marked step, on the side with more room.
    const bool right = begin < kLeft + plot_width_ / 2;
    svg_.text({right ? end + 6 : begin - 6, level - 6},
              fmt::format("peak at step {}, {}", plan_.peak_step, plan_.steps[plan_.peak_step]),
              {.fill = kPeak,
               .size = kLabelSize,
               .anchor = right ? SvgText::Anchor::start : SvgText::Anchor::end,
               .bold = true});
  }

  void draw_frame() {
    svg_.line({kLeft, kTop}, {kLeft, bottom()}, {.stroke = kAxis});
    svg_.line({kLeft, bottom()}, {kLeft + plot_width_, bottom()}, {.stroke = kAxis});
  }

  const ArenaPlan& plan_;
  const double steps_, plot_width_, limit_, below_;
  Svg svg_;
};

}  // namespace

std::string draw_arena(const ArenaPlan& plan, const std::string& title) {
  return Drawing(plan, title).to_string();
}

}  // namespace engine::tools
