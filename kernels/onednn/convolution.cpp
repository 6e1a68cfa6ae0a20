// Convolution by oneDNN: directly, by Winograd's algorithm where it has that, or as a product of
// gathered lines. Images have the problem's own layout ("plain"), or the blocked one that oneDNN
// likes best, with conversions at both ends ("blocked"); filters are always brought into the layout
// that the primitive wants.
//
// ReLU is not fused as a post-op: oneDNN's maps NaN to 0.
#include "kernels/convolution.h"

#include <array>
#include <string_view>

#include "engine/tune/registry.h"
#include "kernels/converted.h"
#include "kernels/cpu/convert.h"
#include "kernels/cpu/convolution.h"
#include "kernels/cpu/dense.h"
#include "kernels/onednn/candidate.h"
#include "kernels/padded_channels.h"

namespace engine {
namespace onednn {
namespace {

using dnnl::memory;
using Type = memory::data_type;
using Tag = memory::format_tag;

Type type_of(const TensorType& type) {
  return type.dtype == DType::bf16 ? Type::bf16 : Type::f32;
}

// Row-major, or with axis 1 innermost, by rank.
constexpr std::array<Tag, 7> kRowMajor{Tag::undef, Tag::a,     Tag::ab,    Tag::abc,
                                       Tag::abcd,  Tag::abcde, Tag::abcdef};
constexpr std::array<Tag, 6> kChannelsLast{Tag::undef, Tag::undef, Tag::undef,
                                           Tag::acb,   Tag::acdb,  Tag::acdeb};

memory::desc image(const TensorType& type) {
  memory::dims dims;
  for (int axis = 0; axis < type.shape.rank(); ++axis) dims.push_back(type.shape[axis]);
  const auto& tags = type.layout == Layout::row_major ? std::span<const Tag>(kRowMajor)
                                                      : std::span<const Tag>(kChannelsLast);
  return {dims, type_of(type), tags[dims.size()]};
}

memory::desc any(const memory::desc& plain) {
  return {plain.dims(), plain.data_type(), Tag::any};
}

// One of oneDNN's implementations, in the order in which it offers them.
struct Choice {
  const char* id;
  dnnl::algorithm algorithm;
  bool gathers;  ///< its implementation's name has "gemm:" in it
};
constexpr std::array<Choice, 3> kChoices{
    {{"onednn.direct", dnnl::algorithm::convolution_direct, false},
     {"onednn.winograd", dnnl::algorithm::convolution_winograd, false},
     {"onednn.gemm", dnnl::algorithm::convolution_direct, true}}};

template <class Description>
Description pick(Description description, const Choice& choice) {
  do {
    const std::string_view name = description.impl_info_str();
    const auto is = [&](const char* kind) { return name.find(kind) != std::string_view::npos; };
    if (!is("ref") && is("gemm:") == choice.gathers) return description;
  } while (description.next_impl());
  throw dnnl::error(dnnl_unimplemented, "there is no such implementation for this problem");
}

// What the primitives of a problem are built from: descriptions of x, w, b and y as stored, and as
// multiplied.
struct Setting {
  Choice choice;
  memory::desc x, stored_w, w, b, y;
  memory::dims stride, dilation, before, after;
  bool blocked;

  Setting(const Problem& problem, const Choice& algorithm, bool block)
      : choice(algorithm), blocked(block) {
    const auto g = ConvolutionGeometry::of(problem);
    const bool forward = problem.op == "convolution";
    const bool filter_gradient = problem.op == "convolution_weight_gradient";
    x = image(forward || filter_gradient ? problem.inputs[0] : problem.outputs[0]);
    y = image(forward ? problem.outputs[0] : problem.inputs[filter_gradient ? 1 : 0]);
    b = {{g.outputs}, Type::f32, Tag::a};
    memory::dims dims{g.group_outputs(), g.group_inputs()};
    if (g.groups > 1) dims.insert(dims.begin(), g.groups);
    for (int d = 3 - g.window.rank; d < 3; ++d) {
      const auto axis = static_cast<std::size_t>(d);
      dims.push_back(g.filter[axis]);
      stride.push_back(g.window.stride[axis]);
      dilation.push_back(g.window.dilation[axis] - 1);
      before.push_back(g.window.padding_before[axis]);
      // oneDNN wants what the last position needs, which a stride may leave less than was asked.
      after.push_back((g.output[axis] - 1) * g.window.stride[axis] +
                      (g.filter[axis] - 1) * g.window.dilation[axis] + 1 - g.input[axis] -
                      g.window.padding_before[axis]);
    }
    stored_w = {dims, Type::f32, kRowMajor[dims.size()]};
    const bool f32_weights = filter_gradient || !multiplies_bfloat16(problem);
    w = {dims, f32_weights ? Type::f32 : Type::bf16, Tag::any};
  }

  memory::desc laid(const memory::desc& plain) const { return blocked ? any(plain) : plain; }

  dnnl::convolution_forward::primitive_desc forward(bool as_hint) const {
    const memory::desc source(x.dims(), as_hint ? y.data_type() : x.data_type(), Tag::any);
    const memory::desc weights(w.dims(), source.data_type(), Tag::any);
    return pick<dnnl::convolution_forward::primitive_desc>(
        {{dnnl::prop_kind::forward_training, choice.algorithm, as_hint ? source : laid(x),
          as_hint ? weights : w, b, as_hint ? any(y) : laid(y), stride, dilation, before, after},
         primitive_attributes(),
         cpu_engine()},
        choice);
  }
};

// The builders bind operands in the order: inputs of the problem, then outputs.

Chain forward(const Setting& s) {
  const auto description = s.forward(false);
  Chain chain(4);
  const auto x = chain.converted(0, s.x, description.src_desc());
  const auto w = chain.converted(1, s.stored_w, description.weights_desc());
  const auto y = chain.target(3, description.dst_desc(), s.y);
  chain.append({"convolution",
                dnnl::convolution_forward(description),
                description.scratchpad_desc(),
                {{DNNL_ARG_SRC, description.src_desc()},
                 {DNNL_ARG_WEIGHTS, description.weights_desc()},
                 {DNNL_ARG_BIAS, description.bias_desc()},
                 {DNNL_ARG_DST, description.dst_desc()}}},
               {x, w, 2, y});
  chain.deliver(y, description.dst_desc(), 3, s.y);
  return chain;
}

Chain input_gradient(const Setting& s) {
  const auto description = pick<dnnl::convolution_backward_data::primitive_desc>(
      {{s.choice.algorithm, s.laid(s.x), s.w, s.laid(s.y), s.stride, s.dilation, s.before, s.after},
       primitive_attributes(),
       cpu_engine(),
       s.forward(true)},
      s.choice);
  Chain chain(3);
  const auto dz = chain.converted(0, s.y, description.diff_dst_desc());
  const auto w = chain.converted(1, s.stored_w, description.weights_desc());
  const auto dx = chain.target(2, description.diff_src_desc(), s.x);
  chain.append({"convolution, backward data",
                dnnl::convolution_backward_data(description),
                description.scratchpad_desc(),
                {{DNNL_ARG_DIFF_DST, description.diff_dst_desc()},
                 {DNNL_ARG_WEIGHTS, description.weights_desc()},
                 {DNNL_ARG_DIFF_SRC, description.diff_src_desc()}}},
               {dz, w, dx});
  chain.deliver(dx, description.diff_src_desc(), 2, s.x);
  return chain;
}

Chain weight_gradient(const Setting& s) {
  const auto description = pick<dnnl::convolution_backward_weights::primitive_desc>(
      {{s.choice.algorithm, s.laid(s.x), s.w, s.b, s.laid(s.y), s.stride, s.dilation, s.before,
        s.after},
       primitive_attributes(),
       cpu_engine(),
       s.forward(true)},
      s.choice);
  Chain chain(4);
  const auto x = chain.converted(0, s.x, description.src_desc());
  const auto dz = chain.converted(1, s.y, description.diff_dst_desc());
  const auto dw = chain.target(2, description.diff_weights_desc(), s.stored_w);
  chain.append({"convolution, backward weights",
                dnnl::convolution_backward_weights(description),
                description.scratchpad_desc(),
                {{DNNL_ARG_SRC, description.src_desc()},
                 {DNNL_ARG_DIFF_DST, description.diff_dst_desc()},
                 {DNNL_ARG_DIFF_WEIGHTS, description.diff_weights_desc()},
                 {DNNL_ARG_DIFF_BIAS, description.diff_bias_desc()}}},
               {x, dz, dw, 3});
  chain.deliver(dw, description.diff_weights_desc(), 2, s.stored_w);
  return chain;
}

struct Direction {
  const char* op;
  Chain (*build)(const Setting&);
};
constexpr std::array<Direction, 3> kDirections{{{"convolution", forward},
                                                {"convolution_input_gradient", input_gradient},
                                                {"convolution_weight_gradient", weight_gradient}}};

class OnednnKernel final : public Kernel {
 public:
  OnednnKernel(const Problem& problem, Chain chain)
      : geometry_(ConvolutionGeometry::of(problem)),
        epilogue_(ConvolutionAttributes::from(problem.attributes).epilogue),
        chain_(std::move(chain)) {}

  void launch(const LaunchArguments& arguments) override {
    pointers_.clear();
    // The step, if there is one, is no operand of a chain.
    for (std::size_t i = 0; i < std::min<std::size_t>(3, arguments.inputs.size()); ++i)
      pointers_.push_back(arguments.inputs[i].data);
    for (const TensorView& output : arguments.outputs) pointers_.push_back(output.data);
    chain_.run(pointers_, arguments.workspace);
    DenseAttributes epilogue = epilogue_;
    const bool drops_apart = epilogue.dropout.rate > 0 && geometry_.layout == Layout::channels_last;
    if (drops_apart) epilogue.dropout.rate = 0;
    cpu::finish_dense(epilogue, arguments);
    if (drops_apart) cpu::drop_channels_last(geometry_, epilogue_.dropout, arguments);
  }

 private:
  ConvolutionGeometry geometry_;
  DenseAttributes epilogue_;
  Chain chain_;
  std::vector<void*> pointers_;
};

class OnednnConvolution final : public ChainCandidate {
 public:
  OnednnConvolution(const Direction& direction, const Choice& choice, bool bf16)
      : ChainCandidate(direction.op, choice.id, bf16), direction_(direction), choice_(choice) {}
  double error_factor(const Problem& problem) const override {
    return convolution_error_factor(problem, winograd() ? cpu::kWinogradAmplification : 1);
  }
  // oneDNN's points are not whole numbers.
  Exactness exactness(const Problem&) const override {
    return winograd() ? Exactness::none : Exactness::integers;
  }

 private:
  bool winograd() const { return choice_.algorithm == dnnl::algorithm::convolution_winograd; }

  std::string refuse(const Problem& problem) const override {
    if (bf16() && !multiplies_bfloat16_natively()) return "the CPU has no instructions for bf16";
    const auto g = ConvolutionGeometry::of(problem);
    if (g.empty()) return "oneDNN multiplies no empty images";
    if (problem.op == "convolution" && problem.outputs[0].dtype == DType::bf16 &&
        g.layout == Layout::channels_last && problem.attributes.has("rate"))
      return "drop-out over channels-last images is for f32";
    return "";
  }
  // A product of gathered lines likes plain images best.
  std::vector<std::string> layouts() const override {
    return choice_.gathers ? std::vector{kPlain} : std::vector{kPlain, std::string("blocked")};
  }
  Chain build(const Problem& problem, bool plain) const override {
    return direction_.build(Setting(problem, choice_, !plain));
  }
  std::unique_ptr<Kernel> make(const Problem& problem, Chain chain) const override {
    return std::make_unique<OnednnKernel>(problem, std::move(chain));
  }

  const Direction& direction_;
  const Choice& choice_;
};

constexpr std::int64_t kGranule = 64;  // bytes of a vector register, and of a row of AMX's tiles

Problem padded(const Problem& problem) {
  return pad_channels(problem, kGranule);
}

std::string refuse_padding(const Problem& problem) {
  // oneDNN's blocks are padded already.
  if (problem.inputs[0].layout != Layout::channels_last) return "takes channels-last images";
  return refuse_padded_channels(problem, kGranule);
}

}  // namespace
}  // namespace onednn

void register_convolution_onednn(CandidateRegistry& registry) {
  for (const onednn::Direction& direction : onednn::kDirections)
    for (const onednn::Choice& choice : onednn::kChoices) {
      const auto candidate = [&](bool bf16) {
        return std::make_unique<onednn::OnednnConvolution>(direction, choice, bf16);
      };
      registry.add(candidate(false));
      registry.add(candidate(true));
      registry.add(
          make_converted(candidate(false), {".widened", cpu::widened_convolution, cpu::convert}));
    }
  // Products of f32 never gained by it.
  for (const onednn::Direction& direction : onednn::kDirections)
    registry.add(make_converted(
        std::make_unique<onednn::OnednnConvolution>(direction, onednn::kChoices.front(), true),
        {".padded", onednn::padded, cpu::convert, onednn::refuse_padding}));
}

}  // namespace engine
