// A fixture around cuDNN's candidates on the simulated device.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/core/error.h"
#include "engine/core/log.h"
#include "engine/device/backend.h"
#include "engine/tune/registry.h"
#include "tests/simcuda_engine/simulator.h"

namespace engine::test {

class CudnnCandidates : public testing::Test {
 protected:
  void SetUp() override {
    log::set_level(log::Level::off);
    SIMULATOR(simcuda_reset)();
    device_ = open_device("cuda");
  }
  void TearDown() override {
    device_.reset();
    SIMULATOR(simcuda_reset)();
    std::string report;
    EXPECT_TRUE(nothing_lives(report)) << report;
  }
  const KernelCandidate& candidate(const std::string& op, const std::string& id) {
    for (const KernelCandidate* found : CandidateRegistry::global().find(op, "cuda"))
      if (found->id() == id) return *found;
    throw InternalError("no candidate " + id);
  }
  Support query(const std::string& id, const Problem& problem) {
    return candidate(problem.op, id).query(problem, *device_);
  }
  std::set<std::string> names(const std::string& id, const Problem& problem) {
    std::set<std::string> names;
    for (const Configuration& configuration : query(id, problem).configurations)
      EXPECT_TRUE(names.insert(configuration.name).second) << configuration.name;
    return names;
  }

  /// Every call of a query, a preparation and a launch of its first configuration fails in turn;
  /// the error has a type, and nothing is left behind.
  void expect_survival(const std::string& id, const Problem& problem);

  std::unique_ptr<Device> device_;
};

/// Operands of a problem, all of one value, and all that a launch needs.
struct Operands {
  std::unique_ptr<Stream> stream;
  std::vector<Buffer> buffers;
  std::vector<TensorView> inputs, outputs;
  Buffer workspace;

  Operands(Device& device, const Problem& problem, std::size_t workspace_bytes, float value = 1)
      : stream(device.make_stream()), workspace(device, workspace_bytes) {
    for (const TensorType& type : problem.inputs) {
      inputs.push_back(add(device, type));
      const std::vector<float> values(static_cast<std::size_t>(type.element_count()), value);
      stream->copy_to_device(inputs.back().data, values.data(), type.bytes());
    }
    for (const TensorType& type : problem.outputs) outputs.push_back(add(device, type));
  }
  TensorView add(Device& device, const TensorType& type) {
    buffers.emplace_back(device, type.bytes());
    return {type, buffers.back().data()};
  }
  LaunchArguments arguments() { return {inputs, outputs, workspace.data(), *stream}; }
  std::vector<float> result(std::size_t output = 0) {
    const TensorView& view = outputs.at(output);
    std::vector<float> values(static_cast<std::size_t>(view.type.element_count()));
    stream->copy_to_host(values.data(), view.data, view.type.bytes());
    stream->synchronize();
    return values;
  }
};

inline void CudnnCandidates::expect_survival(const std::string& id, const Problem& problem) {
  constexpr std::uint64_t kFaults = 80;
  for (const int error : {1, 2}) {  // cudaErrorInvalidValue, cudaErrorMemoryAllocation
    const auto use = [&] {
      const auto fresh = open_device("cuda");
      const KernelCandidate& tried = candidate(problem.op, id);
      const Support support = tried.query(problem, *fresh);
      const auto kernel = tried.prepare(problem, support.configurations.at(0), *fresh);
      Operands operands(*fresh, problem, support.configurations[0].workspace);
      kernel->launch(operands.arguments());
      operands.result();
    };
    SIMULATOR(simcuda_fail_call)(0, 0);
    use();
    const std::uint64_t calls = SIMULATOR(simcuda_call_count)();
    const bool every = std::getenv("ENGINE_TEST_EXHAUSTIVE") != nullptr;
    const std::uint64_t step = every ? 1 : calls / kFaults + 1;
    std::uint64_t failures = 0;
    for (std::uint64_t call = 1; call <= calls; call += step) {
      SIMULATOR(simcuda_fail_call)(call, error);
      try {
        use();
      } catch (const DeviceError&) {
        ++failures;
      }
    }
    EXPECT_GT(failures, calls / step / 2) << id;
  }
}

}  // namespace engine::test
