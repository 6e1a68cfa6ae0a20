// What it means to pass a case: see check_case() in op_case.h.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <memory>
#include <sstream>

#include "engine/core/error.h"
#include "engine/core/rng.h"
#include "tests/support/op_case.h"

namespace engine::test {
namespace {

using InPlace = std::vector<std::pair<std::size_t, std::size_t>>;
constexpr unsigned char kGuardByte = 0xa5;
constexpr unsigned char kUnwritten = 0xff;  ///< NaN in every floating type

double draw_one(const InputDraw& draw, bool whole, std::uint32_t word) {
  using Limits = std::numeric_limits<float>;
  static constexpr std::array<double, 12> specials{Limits::quiet_NaN(),
                                                   Limits::infinity(),
                                                   -Limits::infinity(),
                                                   0.0,
                                                   -0.0,
                                                   Limits::denorm_min(),
                                                   -Limits::min() / 2,
                                                   Limits::min(),
                                                   1.0,
                                                   -1.0,
                                                   2.5,
                                                   -1e10};
  if (draw.kind == InputDraw::Kind::specials) return specials[word % specials.size()];
  // One number, which may be infinite, or any in between.
  const double value =
      draw.low == draw.high ? draw.low : draw.low + (draw.high - draw.low) * (word / 4294967296.0);
  return draw.unit * (whole || draw.kind == InputDraw::Kind::integers ? std::floor(value) : value);
}

std::vector<std::byte> bytes_of(const ReferenceTensor& tensor) {
  std::vector<std::byte> bytes(tensor.type.bytes());
  narrow(tensor, bytes.data());
  return bytes;
}

// Device memory between two zones that nothing may write to.
class GuardedMemory {
 public:
  GuardedMemory(Device& device, Stream& stream, std::size_t bytes)
      : guard_(std::max<std::size_t>(256, device.alignment())),
        bytes_(bytes),
        buffer_(device, bytes + 2 * guard_) {
    stream.fill(buffer_.data(), kGuardByte, buffer_.bytes());
    refill(stream);
  }
  void* data() const { return buffer_.data() + guard_; }
  void refill(Stream& stream) const { stream.fill(data(), kUnwritten, bytes_); }

  std::vector<std::byte> read(Stream& stream) const { return read(stream, guard_, bytes_); }
  bool intact(Stream& stream) const {
    const auto whole = [&](std::size_t offset) {
      const auto zone = read(stream, offset, guard_);
      return std::all_of(zone.begin(), zone.end(),
                         [](std::byte b) { return b == std::byte{kGuardByte}; });
    };
    return whole(0) && whole(guard_ + bytes_);
  }

 private:
  std::vector<std::byte> read(Stream& stream, std::size_t offset, std::size_t bytes) const {
    std::vector<std::byte> host(bytes);
    stream.copy_to_host(host.data(), buffer_.data() + offset, bytes);
    stream.synchronize();
    return host;
  }

  std::size_t guard_, bytes_;
  Buffer buffer_;
};

// One launch of one configuration: its memory, and the checks of what it left there.
class Trial {
 public:
  Trial(const Problem& problem, Device& device, const std::vector<ReferenceTensor>& inputs,
        const Configuration& configuration, const InPlace& in_place)
      : stream_(device.make_stream()),
        in_place_(in_place),
        workspace_(device, *stream_, configuration.workspace) {
    for (const ReferenceTensor& input : inputs) {
      inputs_.push_back(std::make_unique<GuardedMemory>(device, *stream_, input.type.bytes()));
      uploads_.push_back(bytes_of(input));
      input_views_.push_back({input.type, inputs_.back()->data()});
    }
    for (const TensorType& type : problem.outputs) {
      outputs_.push_back(std::make_unique<GuardedMemory>(device, *stream_, type.bytes()));
      output_views_.push_back({type, outputs_.back()->data()});
    }
    for (const auto& [output, input] : in_place)
      output_views_[output].data = input_views_[input].data;
  }

  void launch(Kernel& kernel) {
    for (std::size_t i = 0; i < uploads_.size(); ++i)
      stream_->copy_to_device(inputs_[i]->data(), uploads_[i].data(), uploads_[i].size());
    for (const auto& output : outputs_) output->refill(*stream_);
    workspace_.refill(*stream_);
    kernel.launch({input_views_, output_views_, workspace_.data(), *stream_});
    stream_->synchronize();
  }

  std::vector<std::byte> output(std::size_t index) const {
    for (const auto& [output, input] : in_place_)
      if (output == index) return inputs_[input]->read(*stream_);
    return outputs_[index]->read(*stream_);
  }

  // Calls fail(what) for every stray write.
  template <class Fail>
  void check_memory(const Fail& fail) const {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (!inputs_[i]->intact(*stream_)) fail(fmt::format("wrote around input {}", i));
      const bool overwritten = std::any_of(in_place_.begin(), in_place_.end(),
                                           [i](const auto& pair) { return pair.second == i; });
      if (!overwritten && inputs_[i]->read(*stream_) != uploads_[i])
        fail(fmt::format("changed input {}", i));
    }
    for (std::size_t i = 0; i < outputs_.size(); ++i)
      if (!outputs_[i]->intact(*stream_)) fail(fmt::format("wrote around output {}", i));
    if (!workspace_.intact(*stream_)) fail("wrote around the workspace");
  }

 private:
  std::unique_ptr<Stream> stream_;
  InPlace in_place_;
  GuardedMemory workspace_;
  std::vector<std::unique_ptr<GuardedMemory>> inputs_, outputs_;
  std::vector<std::vector<std::byte>> uploads_;
  std::vector<TensorView> input_views_, output_views_;
};

struct Check {
  const OpCase& test;
  Problem problem;
  Device& device;
  const KernelCandidate& candidate;
  std::vector<ReferenceTensor> inputs;
  std::vector<ReferenceTensor> expected;
  CaseResult result;

  void run(const Configuration& configuration, const InPlace& in_place) {
    const std::string where =
        fmt::format("{} '{}' on {}, {}{}{}{}: ", problem.op, test.name, device.name(),
                    candidate.id(), configuration.name.empty() ? "" : "/", configuration.name,
                    in_place.empty() ? "" : fmt::format(", output {} in place", in_place[0].first));
    const auto fail = [&](const std::string& what) { result.failures.push_back(where + what); };
    try {
      Trial trial(problem, device, inputs, configuration, in_place);
      const auto kernel = candidate.prepare(problem, configuration, device);
      trial.launch(*kernel);
      trial.check_memory(fail);
      std::vector<std::vector<std::byte>> first;
      for (std::size_t i = 0; i < expected.size(); ++i) {
        first.push_back(trial.output(i));
        check_values(i, first.back(), fail);
      }
      if (!configuration.deterministic) return;
      trial.launch(*kernel);
      for (std::size_t i = 0; i < expected.size(); ++i)
        if (trial.output(i) != first[i])
          fail(fmt::format("output {} differs on a second launch", i));
    } catch (const Error& error) {
      fail(error.what());
    }
  }

  template <class Fail>
  void check_values(std::size_t index, const std::vector<std::byte>& bytes, const Fail& fail) {
    const Comparison found = compare(problem.outputs[index], bytes.data(), expected[index]);
    const double limit = test.exact ? 0 : candidate.error_factor(problem);
    result.worst = std::max(result.worst, found.worst);
    if (found.worst <= limit) return;
    fail(fmt::format("output {} element {} is {:.9g}, expected {:.9g}: error {:.3g}, bound {:.3g}",
                     index, found.at, found.got, found.expected, found.worst, limit));
  }
};

}  // namespace

std::vector<ReferenceTensor> draw_inputs(const OpCase& test) {
  const RandomKey key = random_key(1, test.op->name() + test.name);
  std::vector<ReferenceTensor> inputs;
  for (std::size_t i = 0; i < test.types.size(); ++i) {
    ReferenceTensor tensor{test.types[i], {}, {}};
    const bool whole = !is_floating(tensor.type.dtype);
    for (std::int64_t e = 0; e < tensor.type.element_count(); ++e)
      tensor.values.push_back(
          draw_one(test.draws[i], whole, random_word(key, i, static_cast<std::uint64_t>(e))));
    inputs.push_back(widen(tensor.type, bytes_of(tensor).data()));
  }
  derive_inputs(test.problem(), inputs);
  return inputs;
}

// Which outputs may share storage with which inputs: where an output has several such inputs, each
// in a variant of its own.
std::vector<InPlace> in_place_variants(const OpCase& test) {
  graph::Graph scratch("case");
  std::vector<graph::Value*> operands;
  for (std::size_t i = 0; i < test.types.size(); ++i)
    operands.push_back(scratch.read({std::to_string(i), test.types[i], graph::StateRole::data}));
  std::vector<InPlace> variants;
  std::map<std::size_t, std::size_t> seen;
  for (const auto& pair : test.op->in_place_pairs(scratch.add(test.op, operands, "case"))) {
    const std::size_t variant = seen[pair.first]++;
    if (variant == variants.size()) variants.emplace_back();
    variants[variant].push_back(pair);
  }
  return variants;
}

struct Operands {
  std::vector<ReferenceTensor> inputs, outputs;
};

// The candidates of an op come one after another to a case: its operands are drawn, and its
// reference is evaluated, once.
const Operands& operands_of(const OpCase& test, const Problem& problem) {
  static std::string last;
  static Operands operands;
  if (std::string name = problem.key() + ' ' + test.name; name != last) {
    operands.inputs = draw_inputs(test);
    operands.outputs = evaluate_reference(problem, operands.inputs);
    last = std::move(name);
  }
  return operands;
}

CaseResult check_case(const OpCase& test, Device& device, const KernelCandidate& candidate) {
  Check check{test, test.problem(), device, candidate, {}, {}, {}};
  // A kernel that divides errs by the magnitudes of a whole tile, which among whole numbers, many
  // of them 0, may be any multiple of an element's.
  const Exactness exactness = candidate.exactness(check.problem);
  if (test.exact &&
      (test.divisible ? exactness == Exactness::none : exactness != Exactness::integers)) {
    check.result.refusal = "not exact for these numbers";
    return check.result;
  }
  const Support support = candidate.query(check.problem, device);
  check.result.refusal = support.refusal;
  if (!support.configurations.empty()) {
    const Operands& operands = operands_of(test, check.problem);
    check.inputs = operands.inputs;
    check.expected = operands.outputs;
  }
  for (const Configuration& configuration : support.configurations) {
    check.run(configuration, {});
    for (const InPlace& in_place : in_place_variants(test)) check.run(configuration, in_place);
    ++check.result.configurations;
  }
  return check.result;
}

std::vector<std::string> test_devices() {
  std::vector<std::string> names{"cpu"};
  const char* list = std::getenv("ENGINE_TEST_DEVICES");
  std::istringstream stream(list == nullptr ? "" : list);
  for (std::string name; std::getline(stream, name, ',');)
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(name);
  return names;
}

bool run_large_cases() {
  const char* value = std::getenv("ENGINE_TEST_LARGE");
  return value == nullptr || std::string(value) != "0";
}

}  // namespace engine::test
