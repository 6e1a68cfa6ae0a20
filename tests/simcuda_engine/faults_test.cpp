// A short training on the simulated device, evaluation and prediction included, in which each CUDA
// call in turn fails once: the run ends as if nothing had happened or with a typed error, gives
// everything back, and after a sticky error leaves the device alone. Each run is a process of its
// own, forked before anything is loaded, so that an abort is found and a lost context forgotten.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <numeric>

#include "engine/core/error.h"
#include "engine/core/log.h"
#include "models/train/inference.h"
#include "models/train/trainer.h"
#include "tests/models/scratch.h"
#include "tests/simcuda_engine/simulator.h"

namespace engine::test {
namespace {

constexpr std::size_t kFaults = 80;
// cudaErrorInvalidValue, cudaErrorMemoryAllocation, cudaErrorIllegalAddress: the last is sticky.
constexpr std::array<int, 3> kErrors{1, 2, 700};
constexpr int kSticky = 700;

/// What `body` returns, or how its process died instead.
std::string in_child(const std::function<std::string()>& body) {
  std::array<int, 2> ends{};
  ENGINE_CHECK(pipe(ends.data()) == 0, "a pipe");
  const pid_t child = fork();
  ENGINE_CHECK(child >= 0, "a process");
  if (child == 0) {
    std::string text;
    try {
      text = body();
    } catch (const std::exception& error) {
      text = std::string("BAD: ") + error.what();
    }
    _exit(write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  close(ends[1]);
  std::string text;
  std::array<char, 4096> part{};
  for (ssize_t got = 0; (got = read(ends[0], part.data(), part.size())) > 0;)
    text.append(part.data(), static_cast<std::size_t>(got));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return fmt::format("died of signal {}", WTERMSIG(status));
  return WEXITSTATUS(status) == 0 ? text : fmt::format("exit status {}", WEXITSTATUS(status));
}

// Two epochs of four steps, the last of fewer observations.
void train_a_little(const std::string& run) {
  ModelDefinition model{.name = "little", .description = "", .network = Network(Shape{6})};
  model.network.dense(5).relu().dropout(0.25).batch_norm().dense(3);
  model.classes = 3;
  model.batch = 8;
  TrainSettings settings = default_settings(model);
  settings.data = "synthetic:30";
  settings.device = "cuda";
  settings.autotune = "off";
  settings.epochs = 2;
  Callback silent;
  train(model, settings, {run, ""}, silent);

  RuntimeOptions options;
  options.device = "cuda";
  options.tuner.mode = Autotune::off;
  InferenceSession session(model, RunFolder::open(run).path() + "/checkpoints/last.safetensors", 2,
                           DType::f32, options);
  std::vector<float> observations(3 * 6);
  std::iota(observations.begin(), observations.end(), 0.0f);
  const std::vector<float> logits = session.predict(observations);
  ENGINE_CHECK(logits.size() == 9, "three classes of three observations");
}

// How the run ended, with "BAD" in front where it may not end so.
std::string how_it_ended(const std::string& run, bool& sticky) {
  try {
    train_a_little(run);
    return "finished";
  } catch (const DeviceError& error) {
    sticky = error.sticky();
    return fmt::format("device error: {}", error.what());
  } catch (const Error& error) {
    return fmt::format("BAD: not a device error: {}", error.what());
  } catch (const std::exception& error) {
    return fmt::format("BAD: untyped: {}", error.what());
  }
}

struct Fault {
  std::uint64_t call;
  int error;
};

// In a process of its own.
std::string run_with(const Fault& fault, const std::string& run) {
  log::set_level(log::Level::off);
  setenv("SIMCUDA_FAIL", fmt::format("{}:{}", fault.call, fault.error).c_str(), 1);
  bool sticky = false;
  const std::string ending = how_it_ended(run, sticky);
  const std::uint64_t calls = SIMULATOR(simcuda_call_count)();
  if (fault.call == 0) return fmt::format("{}", calls);
  if (fault.error == kSticky && calls != fault.call)
    return fmt::format("BAD: {} calls after a sticky error; {}", calls - fault.call, ending);
  if (sticky != (fault.error == kSticky) && ending != "finished" &&
      ending.find("cannot be used") == std::string::npos)
    return fmt::format("BAD: {} said to be sticky; {}", sticky ? "wrongly" : "not", ending);
  std::string report;
  if (fault.error != kSticky && !nothing_lives(report))
    return fmt::format("BAD: left {}; {}", report, ending);
  return ending;
}

std::vector<Fault> faults(std::uint64_t calls) {
  std::vector<Fault> all;
  for (std::uint64_t call = 1; call <= calls; ++call)
    for (int error : kErrors) all.push_back({call, error});
  const char* exhaustive = std::getenv("ENGINE_TEST_EXHAUSTIVE");
  if (exhaustive != nullptr && std::string(exhaustive) == "1") return all;
  std::vector<Fault> chosen;
  for (std::size_t i = 0; i < kFaults; ++i) chosen.push_back(all[i * all.size() / kFaults]);
  return chosen;
}

TEST(CudaFaults, EndInATypedErrorAndGiveEverythingBack) {
  const ScratchFolder folder;
  const std::string counted = in_child([&] { return run_with({0, 0}, folder / "whole"); });
  const std::uint64_t calls = std::strtoull(counted.c_str(), nullptr, 10);
  ASSERT_GT(calls, 100u) << counted;
  const std::string whole = read_text(folder / "whole/checkpoints/last.safetensors");
  int finished = 0, failed = 0;
  for (const Fault& fault : faults(calls)) {
    SCOPED_TRACE(fmt::format("error {} at call {} of {}", fault.error, fault.call, calls));
    const std::string ending = in_child([&] { return run_with(fault, folder / "run"); });
    if (ending == "finished") {
      // A kernel that cannot be prepared gives way to another, which may round otherwise.
      EXPECT_EQ(read_text(folder / "run/checkpoints/last.safetensors").size(), whole.size());
      ++finished;
    } else {
      EXPECT_TRUE(ending.starts_with("device error: ")) << ending;
      ++failed;
    }
    std::filesystem::remove_all(folder / "run");
  }
  fmt::print("{} calls; {} runs failed, {} coped\n", calls, failed, finished);
  EXPECT_GT(failed, finished);
}

}  // namespace
}  // namespace engine::test
