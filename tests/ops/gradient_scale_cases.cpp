// Cases of gradient_scale: with and without clipping, accumulating, and with one number that is not
// finite among the gradients or the guards.
#include "ops/gradient_scale.h"

#include "tests/ops/optimizer_cases.h"

namespace engine::test {
namespace {

struct Drawn {
  std::string name;
  InputDraw draw;
};

OpCase scale_case(const GradientScaleAttributes& attributes, double step,
                  const std::vector<TensorType>& tensors, const Drawn& gradients,
                  const std::vector<double>& guards) {
  std::vector<ScalarDraw> scalars{{DType::i64, always(step)}};
  std::string guard_names;
  for (double guard : guards) {
    scalars.push_back({DType::f32, always(guard)});
    guard_names += fmt::format(" {}", guard);
  }
  GradientScaleAttributes complete = attributes;
  complete.count = tensors.size();
  complete.guards = guards.size();
  return multi_tensor_case(
      fmt::format("{} {} gradients, clip {}, step {} by {}, guards{}", tensors.size(),
                  gradients.name, attributes.clip_norm, step, attributes.every, guard_names),
      ops::gradient_scale(complete), scalars, tensors, {gradients.draw});
}

}  // namespace

void register_gradient_scale_cases(CaseTable& table) {
  const Drawn ordinary{"ordinary", kReals};
  for (const auto& tensors : tensor_lists())
    for (double clip : {0.0, 0.5, 1e9})
      table.add(scale_case({.clip_norm = clip}, 7, tensors, ordinary, {}));
  const std::vector<TensorType> tensors{f32({31, 33}), f32({33}), f32({4097})};
  for (double clip : {0.0, 2.0}) {
    for (double step : {0.0, 2.0, 3.0, 4.0, 1e9 + 3})
      table.add(scale_case({.clip_norm = clip, .every = 4}, step, tensors, ordinary, {0.5}));
    const std::vector<Drawn> drawn{{"special", kSpecials},           {"zero", always(0)},
                                   {"denormal", always(1e-42)},      {"huge", always(3e38)},
                                   {"infinite", always(-kInfinity)}, {"undefined", always(kNan)}};
    for (const Drawn& gradients : drawn)
      for (std::int64_t every : {1, 4})
        table.add(scale_case({.clip_norm = clip, .every = every}, 3, tensors, gradients, {}));
    for (const std::vector<double>& guards :
         std::vector<std::vector<double>>{{1, 2}, {kNan, 1}, {1, kInfinity}, {1, 1, 1, -kInfinity}})
      for (double step : {0.0, 3.0})
        table.add(scale_case({.clip_norm = clip, .every = 4}, step, tensors, ordinary, guards));
  }
}

}  // namespace engine::test
