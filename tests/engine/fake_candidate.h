// Candidates with chosen vices for an op that exists in these tests only: y = x + 1, f32 or i32.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/tune/registry.h"
#include "engine/tune/tuner.h"

namespace engine {

inline constexpr const char* kFakeOp = "add_one";

/// The same op, with a reference by element.
inline constexpr const char* kSampledOp = "add_one_sampled";

/// z = x + y, where y is 2x: the second operand follows from the first.
inline constexpr const char* kDerivedOp = "add_twice";

/// Registers the references of all; safe to repeat.
void register_fake_reference();

/// y = x + 1 over `count` elements.
Problem fake_problem(std::int64_t count = 64, DType dtype = DType::f32);

/// One candidate with one or more configurations.
struct Fake {
  std::string id;
  double microseconds = 1;  ///< by which a launch advances the clock of ClockedDevice
  std::vector<Configuration> configurations = {{"", 0, true}};
  /// What a launch does in place of adding one.
  std::function<void(const LaunchArguments&)> launch = {};
  std::function<void()> prepare = {};  ///< called first by prepare(); may throw
  std::string refusal = {};
  int version = 1;
  std::string op = kFakeOp;
};

/// Fakes in a registry of their own, with counts of what was asked of each.
class FakeField {
 public:
  void add(Fake fake);
  const CandidateRegistry& registry() const { return registry_; }
  int launches(const std::string& id) const;

 private:
  CandidateRegistry registry_;
  std::map<std::string, int> launches_;
};

/// The addition itself, for fakes that do something more.
void add_one(const LaunchArguments& arguments);

/// The result of candidate `id` in `record`.
const CandidateResult& result_of(const TuningRecord& record, const std::string& id);

}  // namespace engine
