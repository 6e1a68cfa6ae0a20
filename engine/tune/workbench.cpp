#include "engine/tune/workbench.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/core/rng.h"
#include "engine/tune/registry.h"

namespace engine {
namespace {

constexpr std::int64_t kSamples = 256;        ///< of an output whose elements are sampled
constexpr std::int64_t kWholeOutput = 16384;  ///< elements that are all computed in any case

std::vector<std::byte> make_input(const TensorType& type, std::size_t index,
                                  const InputRange& range) {
  std::vector<std::byte> data(type.bytes());
  if (type.dtype == DType::i64 && type.shape.rank() == 0) return data;
  const RandomKey key = random_key(0, fmt::format("tuning input {}", index));
  visit_dtype(type.dtype, "make_input", [&](auto zero) {
    using T = decltype(zero);
    T* elements = reinterpret_cast<T*>(data.data());
    const auto count = static_cast<std::uint64_t>(type.element_count());
    for (std::uint64_t i = 0; i < count; i += 4) {
      const Random4 random = philox(key, i / 4, 0);
      for (std::uint64_t j = i; j < std::min(i + 4, count); ++j) {
        const std::uint32_t word = random.word[j - i];
        if constexpr (is_floating(dtype_of<T>))
          elements[j] =
              static_cast<T>(range.low + (range.high - range.low) * uniform_from_word(word));
        else
          elements[j] = static_cast<T>(word & 1);
      }
    }
  });
  return data;
}

// What rounding errors of a trusted kernel's output are in units of: the largest magnitude known,
// since terms that cancelled are not known here.
double largest_magnitude(const TensorType& type, const std::vector<std::byte>& data,
                         std::span<const Sample> samples) {
  double largest = 0;
  for (const Sample& sample : samples) largest = std::max(largest, sample.expected.magnitude);
  if (samples.empty())
    for (double value : widen(type, data.data()).values)
      if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
  return largest;
}

// Elements to look at, the same on every run: all of a small output.
std::vector<std::size_t> sampled_elements(std::int64_t count, std::size_t output) {
  std::vector<std::size_t> elements;
  const RandomKey key = random_key(0, fmt::format("samples of output {}", output));
  for (std::int64_t i = 0; i < std::min(count, kSamples); ++i)
    elements.push_back(static_cast<std::size_t>(
        count <= kSamples ? i : random_word(key, 0, static_cast<std::uint64_t>(i)) % count));
  return elements;
}

void add_operands(const std::vector<TensorType>& types, Device& device,
                  std::vector<GuardedBuffer>& buffers, std::vector<TensorView>& views) {
  for (const TensorType& type : types) {
    buffers.emplace_back(device, type.bytes());
    views.push_back({type, buffers.back().data()});
  }
}

}  // namespace

Workbench::Workbench(const Problem& problem, Device& device, Stream& stream)
    : device_(device), stream_(stream) {
  add_operands(problem.inputs, device, input_buffers_, inputs_);
  add_operands(problem.outputs, device, output_buffers_, outputs_);
  for (std::size_t i = 0; i < inputs_.size(); ++i)
    input_data_.push_back(
        make_input(problem.inputs[i], i, ReferenceRegistry::global().input_range(problem, i)));
  if (ReferenceRegistry::global().has(problem.op)) evaluate(problem);
}

void Workbench::evaluate(const Problem& problem) {
  std::vector<ReferenceTensor> wide;
  for (std::size_t i = 0; i < inputs_.size(); ++i)
    wide.push_back(widen(problem.inputs[i], input_data_[i].data()));
  if (derive_inputs(problem, wide))
    for (std::size_t i = 0; i < inputs_.size(); ++i) narrow(wide[i], input_data_[i].data());
  const AnyReference reference = ReferenceRegistry::global().find(problem.op);
  const auto* element = std::get_if<ElementReference>(&reference);
  std::int64_t elements = 0;
  for (const TensorType& type : problem.outputs) elements += type.element_count();
  if (element == nullptr || elements <= kWholeOutput) {
    expected_ = evaluate_reference(problem, wide);
    return;
  }
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    samples_.emplace_back();
    for (std::size_t at : sampled_elements(problem.outputs[i].element_count(), i))
      samples_.back().push_back({at, (*element)(problem, wide, i, at)});
  }
}

void Workbench::launch(Kernel& kernel, void* workspace) {
  uploaded_ = false;
  kernel.launch({inputs_, outputs_, workspace, stream_});
}

void Workbench::reset() {
  for (std::size_t i = 0; i < inputs_.size() && !uploaded_; ++i) {
    input_buffers_[i].reset(stream_);
    if (!input_data_[i].empty())
      stream_.copy_to_device(inputs_[i].data, input_data_[i].data(), input_data_[i].size());
  }
  for (GuardedBuffer& output : output_buffers_) output.reset(stream_);
}

Verdict Workbench::check(Kernel& kernel, std::size_t workspace_bytes, double bound) {
  GuardedBuffer workspace(device_, workspace_bytes);
  workspace.reset(stream_);
  reset();
  launch(kernel, workspace.data());
  stream_.synchronize();
  if (std::string stray = find_stray_write(workspace); !stray.empty()) return {0, std::move(stray)};
  uploaded_ = true;
  return compare_outputs(bound);
}

std::string Workbench::find_stray_write(const GuardedBuffer& workspace) const {
  if (!workspace.intact(stream_)) return "wrote outside its workspace";
  for (std::size_t i = 0; i < outputs_.size(); ++i)
    if (!output_buffers_[i].intact(stream_)) return fmt::format("wrote outside its output {}", i);
  for (std::size_t i = 0; i < inputs_.size(); ++i)
    if (!input_buffers_[i].intact(stream_) || !holds(input_buffers_[i], input_data_[i]))
      return fmt::format("wrote to its input {}", i);
  return {};
}

Verdict Workbench::compare_outputs(double bound) {
  std::vector<std::vector<std::byte>> data;
  for (const GuardedBuffer& output : output_buffers_) data.push_back(download(output));
  Verdict verdict;
  const auto judge = [&](std::size_t i, const Comparison& result) {
    verdict.error = std::max(verdict.error, result.worst);
    if (result.worst <= bound || !verdict.refusal.empty()) return;
    verdict.refusal = fmt::format(
        "wrong result: element {} of output {} is {}, expected {} (error {:.3g} eps, bound {:.3g})",
        result.at, i, result.got, result.expected, result.worst, bound);
  };
  for (std::size_t i = 0; i < samples_.size(); ++i)
    judge(i, compare(outputs_[i].type, data[i].data(), samples_[i]));
  for (std::size_t i = 0; i < expected_.size(); ++i)
    judge(i, compare(outputs_[i].type, data[i].data(), expected_[i]));
  for (std::size_t i = 0; i < trusted_.size(); ++i)
    judge(i, compare(outputs_[i].type, data[i].data(), trusted_[i].data.data(),
                     trusted_[i].magnitude));
  if (expected_.empty() && trusted_.empty() && verdict.refusal.empty())
    for (std::size_t i = 0; i < data.size(); ++i) {
      const double magnitude = largest_magnitude(
          outputs_[i].type, data[i], samples_.empty() ? std::span<const Sample>{} : samples_[i]);
      trusted_.push_back({std::move(data[i]), magnitude});
    }
  return verdict;
}

// Piece by piece: a copy of the whole would cost more than the comparison.
bool Workbench::holds(const GuardedBuffer& buffer, const std::vector<std::byte>& expected) const {
  constexpr std::size_t kPiece = 1 << 20;
  std::vector<std::byte> piece(std::min(kPiece, expected.size()));
  const auto* data = static_cast<const std::byte*>(buffer.data());
  for (std::size_t begin = 0; begin < expected.size(); begin += kPiece) {
    const std::size_t size = std::min(kPiece, expected.size() - begin);
    stream_.copy_to_host(piece.data(), data + begin, size);
    stream_.synchronize();
    if (std::memcmp(piece.data(), expected.data() + begin, size) != 0) return false;
  }
  return true;
}

std::vector<std::byte> Workbench::download(const GuardedBuffer& buffer) const {
  std::vector<std::byte> data(buffer.bytes());
  if (data.empty()) return data;
  stream_.copy_to_host(data.data(), buffer.data(), data.size());
  stream_.synchronize();
  return data;
}

}  // namespace engine
