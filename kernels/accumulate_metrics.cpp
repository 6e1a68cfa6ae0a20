#include "kernels/accumulate_metrics.h"

#include <array>

#include "engine/core/error.h"

namespace engine {
namespace {

constexpr std::array<const char*, 3> kWords{"ignored", "stopped", "skipped"};

BadSteps bad_steps_from(const std::string& word) {
  for (std::size_t i = 0; i < kWords.size(); ++i)
    if (word == kWords[i]) return static_cast<BadSteps>(i);
  throw UsageError("accumulate_metrics: bad steps cannot be '" + word + "'");
}

std::string weight_name(std::size_t k) {
  return "weight_" + std::to_string(k);
}

}  // namespace

MetricsAttributes MetricsAttributes::from(const Attributes& attributes) {
  MetricsAttributes metrics;
  metrics.bad_steps = bad_steps_from(attributes.text("bad_steps"));
  while (attributes.has(weight_name(metrics.weights.size())))
    metrics.weights.push_back(attributes.real(weight_name(metrics.weights.size())));
  return metrics;
}

Attributes MetricsAttributes::to_attributes() const {
  Attributes attributes;
  attributes.set("bad_steps", std::string(kWords[static_cast<std::size_t>(bad_steps)]));
  for (std::size_t k = 0; k < weights.size(); ++k) attributes.set(weight_name(k), weights[k]);
  return attributes;
}

}  // namespace engine
