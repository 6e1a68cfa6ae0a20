#include "tools/profile/roofline.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "engine/core/error.h"
#include "engine/tune/registry.h"
#include "engine/tune/timing.h"
#include "graph/op.h"
#include "ops/dense.h"
#include "tools/profile/step_times.h"

namespace engine::tools {
namespace {

constexpr std::int64_t kFirstExtent = 128;
constexpr std::int64_t kLastExtent = 8192;
constexpr double kLongEnough = 5000;  // microseconds: a launch is nothing beside it
constexpr Repetitions kLaunches{1e5, 5, 500};
constexpr std::size_t kSmallestPass = std::size_t{1} << 20;

// The shortest of many runs: a peak is what can be reached, and a busy neighbour only hides it.
double shortest(Device& device, Stream& stream, const std::function<void()>& body) {
  const auto time = [&](int runs) {
    const std::vector<double> times = device.time(
        stream, runs, [] {}, body);
    return *std::min_element(times.begin(), times.end());
  };
  time(1);
  const double first = time(1);
  return std::min(first, time(kLaunches.of(first)));
}

// The kernels of every candidate for one problem, over operands of their own.
class Contest {
 public:
  Contest(const Problem& problem, Device& device, Stream& stream)
      : device_(device), stream_(stream) {
    for (const TensorType& type : problem.inputs) inputs_.push_back(make_operand(type));
    for (const TensorType& type : problem.outputs) outputs_.push_back(make_operand(type));
    for (const KernelCandidate* candidate :
         CandidateRegistry::global().find(problem.op, device.backend()))
      enter(*candidate, problem);
  }

  struct Best {
    std::string candidate;
    double microseconds = std::numeric_limits<double>::infinity();
  };

  Best best() {
    Best best;
    for (Entry& entry : entries_)
      if (const double time = measure(entry); time < best.microseconds)
        best = {entry.candidate, time};
    return best;
  }

 private:
  struct Entry {
    std::string candidate;
    std::unique_ptr<Kernel> kernel;
    std::size_t workspace;
  };

  // Random numbers: a device that saves power on zeros would look faster than it is.
  TensorView make_operand(const TensorType& type) {
    buffers_.emplace_back(device_, type.bytes());
    std::vector<float> values(type.bytes() / sizeof(float));
    std::uint64_t state = 1;
    for (float& value : values) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      value = static_cast<float>(state >> 40) * 0x1p-24f - 0.5f;
    }
    stream_.copy_to_device(buffers_.back().data(), values.data(), values.size() * sizeof(float));
    stream_.synchronize();
    return {type, buffers_.back().data()};
  }

  void enter(const KernelCandidate& candidate, const Problem& problem) {
    const std::string failure = failure_of([&] {
      for (const Configuration& configuration : candidate.query(problem, device_).configurations)
        entries_.push_back({candidate.id(), candidate.prepare(problem, configuration, device_),
                            configuration.workspace});
    });
    if (!failure.empty()) return;  // as the tuner has it: a candidate that fails is no candidate
  }

  double measure(Entry& entry) {
    double time = std::numeric_limits<double>::infinity();
    const std::string failure = failure_of([&] {
      const Buffer workspace(device_, entry.workspace);
      time = shortest(device_, stream_, [&] {
        entry.kernel->launch({inputs_, outputs_, workspace.data(), stream_});
      });
    });
    return failure.empty() ? time : std::numeric_limits<double>::infinity();
  }

  Device& device_;
  Stream& stream_;
  std::vector<Buffer> buffers_;
  std::vector<TensorView> inputs_, outputs_;
  std::vector<Entry> entries_;
};

// Ever larger square products until one takes long enough; the best rate on the way.
void measure_arithmetic(Device& device, Stream& stream, Math math, Peaks& peaks) {
  for (std::int64_t n = kFirstExtent; n <= kLastExtent; n *= 2) {
    const TensorType matrix{{n, n}, DType::f32};
    const TensorType types[] = {matrix, matrix, {{n}, DType::f32}};
    Problem problem = graph::make_problem(*ops::dense(), types);
    problem.math = math;
    const Contest::Best best = Contest(problem, device, stream).best();
    const auto extent = static_cast<double>(n);
    const double rate = 2 * extent * extent * extent / best.microseconds / 1e3;
    if (rate > peaks.gigaflops) {
      peaks.gigaflops = rate;
      peaks.product = fmt::format("{0}x{0}x{0} by {1}", n, best.candidate);
    }
    if (best.microseconds >= kLongEnough) break;
  }
}

double copy_rate(Device& device, Stream& stream, std::size_t footprint) {
  const std::size_t half = footprint / 2;
  const Buffer from(device, half), to(device, half);
  stream.fill(from.data(), 1, half);
  const double time =
      shortest(device, stream, [&] { stream.copy_on_device(to.data(), from.data(), half); });
  return static_cast<double>(2 * half) / time / 1e3;
}

// a + b -> c, each a third of the footprint: on a CPU a copy is the work of one thread, this of
// all.
double sum_rate(Device& device, Stream& stream, std::size_t footprint) {
  const auto elements = static_cast<std::int64_t>(footprint / 3 / sizeof(float));
  const TensorType vector{{elements}, DType::f32};
  const TensorType types[] = {vector, vector};
  Contest contest(graph::make_problem(*graph::make_add(), types), device, stream);
  return static_cast<double>(3 * vector.bytes()) / contest.best().microseconds / 1e3;
}

}  // namespace

double Peaks::attainable(const graph::Step& step) const {
  const double arithmetic = gigaflops > 0 ? step.flops / gigaflops / 1e3 : 0;
  const double memory = gigabytes > 0 ? static_cast<double>(step.bytes) / gigabytes / 1e3 : 0;
  return std::max(arithmetic, memory);
}

bool Peaks::is_arithmetic_bound(const graph::Step& step) const {
  return step.flops * gigabytes > static_cast<double>(step.bytes) * gigaflops;
}

Peaks measure_peaks(Device& device, Stream& stream, Math math, std::size_t footprint) {
  Peaks peaks;
  measure_arithmetic(device, stream, math, peaks);
  peaks.footprint = std::max(footprint, kSmallestPass);
  peaks.gigabytes = std::max(copy_rate(device, stream, peaks.footprint),
                             sum_rate(device, stream, peaks.footprint));
  return peaks;
}

}  // namespace engine::tools
