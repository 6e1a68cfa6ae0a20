#include "models/train/input_normalization.h"

#include <fmt/format.h>

#include <algorithm>

#include "models/layers/options.h"

namespace engine {
namespace {

// So that f32 holds whatever comes of them.
constexpr double kMost = 1e15;

void check_numbers(const char* option, const std::vector<double>& numbers, double least,
                   const Shape& observation) {
  const std::int64_t channels = observation.rank() > 0 ? observation[0] : 1;
  const bool by_channel = channels > 1 && channels <= Normalization::kMost;
  const auto count = static_cast<std::int64_t>(numbers.size());
  const bool counted = count <= 1 || (by_channel && count == channels);
  const bool ranged = std::all_of(numbers.begin(), numbers.end(), [&](double number) {
    return number >= least && number <= kMost;
  });
  if (counted && ranged) return;
  throw OptionError(
      option, numbers,
      fmt::format("1 number from {:g} to {:g} for all channels of {}{}", least, kMost,
                  observation.to_string(),
                  by_channel ? fmt::format(", or {} of them, one for each", channels) : ""));
}

}  // namespace

GatherAttributes input_normalization(const ModelDefinition& model, DType observation) {
  const std::vector<double>&mean = model.input_mean, &deviation = model.input_deviation;
  check_numbers("input_mean", mean, -kMost, model.network.input());
  check_numbers("input_deviation", deviation, 1 / kMost, model.network.input());
  const double scale = observation == DType::u8 ? model.input_scale : 1;
  const auto of = [](const std::vector<double>& numbers, std::size_t channel, double otherwise) {
    return numbers.empty() ? otherwise : numbers[numbers.size() == 1 ? 0 : channel];
  };
  GatherAttributes attributes{{}, {}};
  for (std::size_t c = 0; c < std::max({std::size_t{1}, mean.size(), deviation.size()}); ++c) {
    attributes.scale.push_back(scale / of(deviation, c, 1));
    attributes.offset.push_back((0 - of(mean, c, 0)) / of(deviation, c, 1));
  }
  return attributes;
}

}  // namespace engine
