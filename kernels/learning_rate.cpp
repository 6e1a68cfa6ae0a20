#include "kernels/learning_rate.h"

#include <array>
#include <string>

#include "engine/core/error.h"

namespace engine {
namespace {

constexpr std::array<const char*, 4> kCurves{"constant", "step", "cosine", "decay"};

RateCurve curve_from(const std::string& name) {
  for (std::size_t i = 0; i < kCurves.size(); ++i)
    if (name == kCurves[i]) return static_cast<RateCurve>(i);
  throw UsageError("learning_rate: no curve is called '" + name + "'");
}

}  // namespace

LearningRateAttributes LearningRateAttributes::from(const Attributes& attributes) {
  return {curve_from(attributes.text("curve")), attributes.real("factor"),
          attributes.integer("period"), attributes.integer("warmup"), attributes.integer("every")};
}

Attributes LearningRateAttributes::to_attributes() const {
  Attributes attributes;
  attributes.set_untuned("curve", std::string(kCurves[static_cast<std::size_t>(curve)]));
  attributes.set_untuned("factor", factor).set_untuned("period", period);
  return attributes.set_untuned("warmup", warmup).set_untuned("every", every);
}

}  // namespace engine
