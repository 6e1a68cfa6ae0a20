// Cases of layer_norm and its gradients. "far from zero" has means of some 10^4 deviations, where a
// variance from squares of x would be noise.
#include "ops/layer_norm.h"

#include "kernels/layer_norm.h"
#include "tests/support/case_table.h"

namespace engine::test {
namespace {

constexpr InputDraw kScale{Kind::reals, 0.5, 2};
constexpr InputDraw kFarFromZero{Kind::reals, 9998, 10002};

void add_forward(CaseTable& table, const Shape& shape, const std::string& name,
                 const InputDraw& x) {
  const TensorType features = f32({shape[-1]});
  const std::int64_t count = shape.element_count();
  table.add({.name = shape.to_string() + " " + name,
             .op = ops::layer_norm(1e-3),
             .types = {f32(shape), features, features},
             .draws = {x, kScale, kReals},
             .large = is_large(f32(shape)),
             .gradient = name == "reals" && count > 0 && count < 40 && shape[-1] > 1});
}

void add_gradients(CaseTable& table, const Shape& shape, const std::string& name,
                   const InputDraw& dy, const InputDraw& x, const InputDraw& mean) {
  const TensorType type = f32(shape), features = f32({shape[-1]});
  const TensorType rows = f32({LayerNormExtents::of(type).rows});
  table.add({.name = shape.to_string() + " " + name,
             .op = ops::layer_norm_input_gradient(),
             .types = {type, type, features, rows, rows},
             .draws = {dy, x, kScale, mean, kScale},
             .large = is_large(type)});
  table.add({.name = shape.to_string() + " " + name,
             .op = ops::layer_norm_parameter_gradient(),
             .types = {type, type, rows, rows},
             .draws = {dy, x, mean, kScale},
             .large = is_large(type)});
}

}  // namespace

void register_layer_norm_cases(CaseTable& table) {
  for (const Shape& shape :
       {Shape{0, 8},        Shape{1},       Shape{5},       Shape{3, 1},     Shape{4, 7},
        Shape{2, 3, 5},     Shape{33, 10},  Shape{7, 31},   Shape{64, 32},   Shape{65, 33},
        Shape{2, 2, 3, 65}, Shape{200, 17}, Shape{5, 129},  Shape{300, 48},  Shape{3, 1023},
        Shape{2, 1024},     Shape{2, 1500}, Shape{4500, 4}, Shape{2000, 64}, Shape{128, 512}}) {
    add_forward(table, shape, "reals", kReals);
    add_gradients(table, shape, "reals", kReals, kReals, kReals);
  }
  for (const Shape& shape : {Shape{9, 40}, Shape{2, 1500}, Shape{130, 33}}) {
    add_forward(table, shape, "far from zero", kFarFromZero);
    add_gradients(table, shape, "far from zero", kReals, kFarFromZero, kFarFromZero);
    add_forward(table, shape, "constant", {Kind::integers, 3, 4});
    add_forward(table, shape, "specials", kSpecials);
    add_gradients(table, shape, "specials", kSpecials, kReals, kReals);
    add_gradients(table, shape, "special inputs", kReals, kSpecials, kReals);
  }
  add_forward(table, {60, 3}, "specials", kSpecials);
}

}  // namespace engine::test
