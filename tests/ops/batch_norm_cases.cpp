// Cases of batch_norm in training and inference: both layouts, matrices, few and many channels, one
// part and several, means of some 10^4 deviations.
#include "ops/batch_norm.h"

#include <vector>

#include "tests/support/case_table.h"

namespace engine::test {
namespace {

constexpr double kEpsilon = 1e-3;
constexpr InputDraw kScale{Kind::reals, 0.5, 2};
constexpr InputDraw kFarFromZero{Kind::reals, 9998, 10002};

// f32 of this shape, in every layout that it can have.
std::vector<TensorType> in_layouts(const Shape& shape) {
  std::vector<TensorType> types{f32(shape)};
  if (shape.rank() >= 3) types.push_back({shape, DType::f32, Layout::channels_last});
  return types;
}

bool is_small(const Shape& shape) {
  return shape.element_count() > 0 && shape.element_count() < 60 && shape[0] > 1;
}

void add_training(CaseTable& table, const TensorType& type, const std::string& name,
                  const InputDraw& dy, const InputDraw& x, const InputDraw& mean) {
  const TensorType channels = f32({type.shape[1]});
  table.add({.name = type.to_string() + " " + name,
             .op = ops::batch_norm(kEpsilon),
             .types = {type, channels, channels},
             .draws = {x, kScale, kReals},
             .large = is_large(type),
             .gradient = name == "reals" && is_small(type.shape)});
  table.add({.name = type.to_string() + " " + name,
             .op = ops::batch_norm_gradient(kEpsilon),
             .types = {type, type, channels, channels, channels},
             .draws = {dy, x, kScale, mean, kScale},
             .large = is_large(type)});
}

void add_inference(CaseTable& table, const TensorType& type, const std::string& name,
                   const InputDraw& x) {
  const TensorType channels = f32({type.shape[1]});
  table.add({.name = type.to_string() + " " + name,
             .op = ops::batch_norm_inference(kEpsilon),
             .types = {type, channels, channels, channels, channels},
             .draws = {x, kScale, kReals, kReals, kScale},
             .large = is_large(type),
             .gradient = name == "reals" && is_small(type.shape)});
  table.add({.name = type.to_string() + " " + name,
             .op = ops::batch_norm_inference_gradient(kEpsilon),
             .types = {type, channels, channels},
             .draws = {x, kScale, kScale},
             .large = is_large(type)});
}

}  // namespace

void register_batch_norm_cases(CaseTable& table) {
  for (const Shape& shape :
       {Shape{0, 5},          Shape{3, 0},        Shape{1, 1},          Shape{1, 7},
        Shape{4, 3},          Shape{7, 5},        Shape{33, 31},        Shape{32, 32},
        Shape{31, 33},        Shape{100, 65},     Shape{1500, 10},      Shape{600, 33},
        Shape{128, 512},      Shape{0, 3, 4},     Shape{2, 3, 0},       Shape{2, 3, 4},
        Shape{3, 2, 2, 3},    Shape{5, 4, 1, 1},  Shape{2, 3, 31},      Shape{3, 5, 33},
        Shape{9, 2, 7, 7},    Shape{2, 3, 129},   Shape{40, 1, 16, 16}, Shape{9, 2, 3, 11, 29},
        Shape{3, 31, 5, 5},   Shape{2, 32, 7, 3}, Shape{3, 33, 4, 5},   Shape{32, 16, 32, 32},
        Shape{2, 300, 19, 23}})
    for (const TensorType& type : in_layouts(shape)) {
      add_training(table, type, "reals", kReals, kReals, kReals);
      add_inference(table, type, "reals", kReals);
    }
  for (const Shape& shape :
       {Shape{40, 9}, Shape{700, 35}, Shape{6, 5, 9}, Shape{40, 1, 16, 16}, Shape{20, 33, 15, 16}})
    for (const TensorType& type : in_layouts(shape)) {
      add_training(table, type, "far from zero", kReals, kFarFromZero, kFarFromZero);
      add_training(table, type, "constant", kReals, {Kind::integers, 3, 4}, kReals);
      add_training(table, type, "specials", kReals, kSpecials, kReals);
      add_training(table, type, "special gradients", kSpecials, kReals, kReals);
      add_inference(table, type, "specials", kSpecials);
    }
  add_training(table, f32({2, 40}), "specials", kReals, kSpecials, kReals);
}

}  // namespace engine::test
