#include "ops/gather.h"

#include <fmt/format.h>

#include <vector>

#include "ops/expect.h"

namespace engine::ops {
namespace {

class GatherOp final : public graph::Op {
 public:
  GatherOp(const GatherAttributes& attributes, DType output)
      : Op("gather", attributes.to_attributes().set("to", std::string(dtype_name(output)))),
        output_(output),
        layout_(attributes.layout),
        normalized_(static_cast<std::int64_t>(attributes.scale.size())) {}

  std::vector<TensorType> infer(std::span<const TensorType> inputs) const override {
    expect_count(inputs, 2);
    if (inputs[0].shape.rank() < 1) throw ShapeError("the data has no observations to choose from");
    expect(inputs[1], DType::i32, 1, "the indices");
    if (normalized_ > 1 && (inputs[0].shape.rank() < 2 || inputs[0].shape[1] != normalized_))
      throw ShapeError(
          fmt::format("{} scales and offsets for the data {}, expected 1 or as many "
                      "as there are channels",
                      normalized_, inputs[0].to_string()));
    const DType plain = output_ == DType::bf16 ? DType::f32 : output_;
    if (inputs[0].dtype != DType::u8 && inputs[0].dtype != plain)
      throw ShapeError(fmt::format("the data is {}, expected u8 or {}", inputs[0].to_string(),
                                   dtype_name(plain)));
    std::vector<std::int64_t> extents(inputs[0].shape.extents().begin(),
                                      inputs[0].shape.extents().end());
    extents[0] = inputs[1].shape[0];
    if (layout_ != Layout::row_major && (extents.size() < 3 || !is_floating(output_)))
      throw ShapeError(
          fmt::format("the data is {}, expected observations of rank 2 on that become "
                      "real numbers for a result that is {}",
                      inputs[0].to_string(), layout_name(layout_)));
    return {{Shape(extents), output_, layout_}};
  }

  // Only the rows that are chosen are read.
  std::size_t bytes(const graph::Node& node) const override {
    const TensorType rows{node.output()->type().shape, node.input(0)->type().dtype};
    return rows.bytes() + node.input(1)->type().bytes() + node.output()->type().bytes();
  }

 private:
  DType output_;
  Layout layout_;
  std::int64_t normalized_;  ///< channels with numbers of their own, or 1
};

}  // namespace

std::shared_ptr<const graph::Op> gather_normalized(const GatherAttributes& attributes,
                                                   DType output) {
  const std::size_t scales = attributes.scale.size(), offsets = attributes.offset.size();
  if (scales != offsets || scales < 1 || scales > Normalization::kMost)
    throw UsageError(
        fmt::format("a gather with {} scales and {} offsets, expected as many, 1 to {}", scales,
                    offsets, Normalization::kMost));
  return std::make_shared<GatherOp>(attributes, output);
}
std::shared_ptr<const graph::Op> gather_integers() {
  return std::make_shared<GatherOp>(GatherAttributes{}, DType::i32);
}

}  // namespace engine::ops
