#include "models/train/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/core/error.h"

namespace engine {
namespace {

constexpr std::int64_t kMostSteps = 1'000'000'000;

// One kind: what follows its name, and what its factor may be.
struct Form {
  ScheduleKind kind;
  std::string_view name;
  bool has_epochs;
  bool has_factor, optional_factor;
  double default_factor, lowest, highest;
  std::string_view usage;
};

constexpr Form kForms[] = {
    {ScheduleKind::constant, "constant", false, false, false, 1, 0, 0, "constant"},
    {ScheduleKind::step, "step", true, true, false, 1, 0, 1,
     "step:EPOCHS:FACTOR with a factor from 0 to 1"},
    {ScheduleKind::cosine, "cosine", false, true, true, 0, 0, 1,
     "cosine or cosine:FLOOR with a floor from 0 to 1"},
    {ScheduleKind::exponential, "exponential", false, true, false, 1, 0, 1,
     "exponential:FACTOR with a factor from 0 to 1"},
    {ScheduleKind::decay, "decay", false, true, false, 0, 0, 1e3,
     "decay:FACTOR with a factor from 0 to 1000"},
    {ScheduleKind::plateau, "plateau", true, true, false, 1, 0, 1,
     "plateau:EPOCHS:FACTOR with a factor from 0 to 1"},
};

const Form& form_of(ScheduleKind kind) {
  return *std::find_if(std::begin(kForms), std::end(kForms),
                       [&](const Form& form) { return form.kind == kind; });
}

// The parts of `text` between separators.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

template <class T>
std::optional<T> number(std::string_view text, T lowest, T highest) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stopped != end || !(value >= lowest && value <= highest)) return {};
  return value;
}

// The curve without its warm-up; nothing when it is not of the form.
std::optional<ScheduleSettings> parse_curve(const Form& form,
                                            const std::vector<std::string_view>& parts) {
  ScheduleSettings schedule;
  schedule.kind = form.kind;
  schedule.factor = form.default_factor;
  std::size_t next = 1;
  if (form.has_epochs) {
    if (next == parts.size()) return {};
    const auto epochs = number<std::int64_t>(parts[next++], 1, kMostSteps);
    if (!epochs) return {};
    schedule.epochs = *epochs;
  }
  if (form.has_factor && !(form.optional_factor && next == parts.size())) {
    if (next == parts.size()) return {};
    const auto factor = number<double>(parts[next++], form.lowest, form.highest);
    if (!factor) return {};
    schedule.factor = *factor;
  }
  if (next != parts.size()) return {};
  return schedule;
}

}  // namespace

ScheduleSettings parse_schedule(const std::string& text) {
  const auto fail = [&](std::string_view expected) -> UsageError {
    return UsageError(fmt::format("schedule '{}', expected {}", text, expected));
  };
  const std::vector<std::string_view> halves = split(text, '+');
  const std::vector<std::string_view> parts = split(halves[0], ':');
  const auto form = std::find_if(std::begin(kForms), std::end(kForms),
                                 [&](const Form& known) { return known.name == parts[0]; });
  if (form == std::end(kForms))
    throw fail("constant, step, cosine, exponential, decay or plateau at its start");
  const auto schedule = parse_curve(*form, parts);
  if (!schedule) throw fail(form->usage);
  if (halves.size() == 1) return *schedule;
  constexpr std::string_view warmup = "warmup:";
  const auto steps = halves.size() == 2 && halves[1].starts_with(warmup)
                         ? number<std::int64_t>(halves[1].substr(warmup.size()), 0, kMostSteps)
                         : std::nullopt;
  if (!steps) throw fail("nothing or warmup:STEPS after its '+'");
  ScheduleSettings result = *schedule;
  result.warmup = *steps;
  return result;
}

std::string to_string(const ScheduleSettings& schedule) {
  const Form& form = form_of(schedule.kind);
  std::string text(form.name);
  if (form.has_epochs) text += fmt::format(":{}", schedule.epochs);
  if (form.has_factor && !(form.optional_factor && schedule.factor == form.default_factor))
    text += fmt::format(":{}", schedule.factor);
  if (schedule.warmup > 0) text += fmt::format("+warmup:{}", schedule.warmup);
  return text;
}

LearningRateAttributes in_updates(const ScheduleSettings& schedule, const TrainingLength& length,
                                  std::int64_t every) {
  const auto updates = [&](std::int64_t epochs) {
    return std::max<std::int64_t>(1, epochs * length.steps_per_epoch / every);
  };
  LearningRateAttributes result;
  result.every = every;
  result.warmup = (schedule.warmup + every - 1) / every;
  switch (schedule.kind) {
    case ScheduleKind::constant:
    case ScheduleKind::plateau:
      return result;
    case ScheduleKind::step:
    case ScheduleKind::exponential:
      result.curve = RateCurve::step;
      result.period = updates(schedule.kind == ScheduleKind::step ? schedule.epochs : 1);
      break;
    case ScheduleKind::cosine:
      result.curve = RateCurve::cosine;
      result.period = updates(length.epochs);
      break;
    case ScheduleKind::decay:
      result.curve = RateCurve::decay;
      break;
  }
  result.factor = schedule.factor;
  return result;
}

}  // namespace engine
