// A kernel candidate can solve some problems of one op on one back end. It answers with
// configurations to be timed, or with the reason why it refuses, and prepares kernels that only
// launch.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/core/tensor.h"
#include "engine/device/device.h"
#include "engine/tune/problem.h"

namespace engine {

/// The operands of one launch, in the order of the problem's types. Outputs may share storage with
/// inputs only where the op allows it (graph::Op::in_place_pairs).
struct LaunchArguments {
  std::span<const TensorView> inputs;
  std::span<const TensorView> outputs;
  void*
      workspace;  ///< as many bytes as the configuration stated, aligned to the device's alignment
  Stream& stream;
};

/// A prepared kernel: launch() enqueues, and never allocates or synchronizes.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual void launch(const LaunchArguments& arguments) = 0;
};

struct Configuration {
  std::string name;           ///< stable within the candidate; "" when there is only one
  std::size_t workspace = 0;  ///< bytes
  bool deterministic = true;  ///< same inputs, same bits, on every run
};

/// The answer to a query: configurations, or why there are none.
struct Support {
  std::vector<Configuration> configurations;
  std::string refusal;

  static Support refuse(std::string why) { return {{}, std::move(why)}; }
};

/// Which sums of products a kernel gets exactly right, beside those within its bound.
enum class Exactness {
  integers,   ///< of small integers
  multiples,  ///< of small multiples of what it divides by on its way
  none,       ///< it works with constants that are rounded
};

class KernelCandidate {
 public:
  virtual ~KernelCandidate() = default;
  virtual const std::string& op() const = 0;
  virtual const std::string& backend() const = 0;
  /// Stable identifier within (op, back end): "onednn.inner_product", "cuda.tiled".
  virtual const std::string& id() const = 0;
  /// Raised when the kernel changes, so that old timings miss.
  virtual int version() const = 0;
  virtual Support query(const Problem& problem, Device& device) const = 0;
  /// `configuration` is one that query() gave for the same problem and device.
  virtual std::unique_ptr<Kernel> prepare(const Problem& problem,
                                          const Configuration& configuration,
                                          Device& device) const = 0;
  /// c of the bound |err| <= c * eps * magnitude against the reference.
  virtual double error_factor(const Problem&) const { return 8.0; }
  virtual Exactness exactness(const Problem&) const { return Exactness::integers; }
};

/// The bound of a result that is computed in f32 with the bound `factor`, in the epsilon of the
/// type it is stored in: bf16 adds half an epsilon for each rounding.
double stored_error_factor(const Problem& problem, double factor, double roundings = 1);

/// What most hand-written kernels need: one configuration, and a launch function made per problem.
struct SimpleCandidate {
  std::string op;
  std::string backend;
  std::string id;
  int version = 1;
  using Launch = std::function<void(const LaunchArguments&)>;
  std::function<Launch(const Problem&)> prepare;
  /// Bytes of workspace; absent: none.
  std::function<std::size_t(const Problem&)> workspace = {};
  /// Why the problem is refused, or ""; absent: never.
  std::function<std::string(const Problem&)> refuse = {};
  double error_factor = 8.0;
};

std::unique_ptr<KernelCandidate> make_candidate(SimpleCandidate description);

}  // namespace engine
