// Checkpoints of a store on the CPU: what they hold, what they refuse, and that one is always
// whole.
#include "models/train/checkpoint.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "engine/device/cpu/cpu_device.h"
#include "tests/models/scratch.h"

namespace engine {
namespace {

using graph::State;
using graph::StateRole;
using graph::StateStore;

/// A store whose every byte is a function of `salt`.
class FilledStore {
 public:
  explicit FilledStore(int salt, std::vector<State> states = states_of_a_run())
      : device_(cpu::make_cpu_device(1)), stream_(device_->make_stream()), store_(*device_) {
    for (const State& state : states) store_.add(state, *stream_);
    fill(salt);
  }

  static std::vector<State> states_of_a_run() {
    return {{"dense/weights", {Shape{3, 5}, DType::f32}, StateRole::parameter},
            {"dense/bias", {Shape{5}, DType::f32}, StateRole::parameter},
            {"dense/weights/moment", {Shape{3, 5}, DType::f32}, StateRole::optimizer},
            {"train/step", {Shape{}, DType::i64}, StateRole::counter},
            {"data/train", {Shape{100}, DType::u8}, StateRole::data},
            {"constant", {Shape{2}, DType::f32}, StateRole::constant},
            {"logits", {Shape{4}, DType::f32}, StateRole::output}};
  }

  void fill(int salt) {
    for (const State& state : store_.states()) {
      const std::vector<char> bytes(state.type.bytes(),
                                    static_cast<char>(salt + state.name.size()));
      store_.upload(state.name, bytes.data(), *stream_);
    }
  }

  /// The contents of every state that `wanted` selects.
  template <class Filter>
  std::string contents(Filter wanted) const {
    std::string all;
    for (const State& state : store_.states()) {
      std::string bytes(state.type.bytes(), '\0');
      store_.download(state.name, bytes.data(), *stream_);
      if (wanted(state.role)) all += bytes;
    }
    return all;
  }
  std::string saved() const { return contents(is_saved); }
  std::string all() const {
    return contents([](StateRole) { return true; });
  }

  StateStore& store() { return store_; }
  Stream& stream() { return *stream_; }

 private:
  std::unique_ptr<Device> device_;
  std::unique_ptr<Stream> stream_;
  StateStore store_;
};

TEST(Checkpoint, RestoresSavedStatesAndTouchesNoOthers) {
  const ScratchFolder folder;
  FilledStore run(1);
  save_checkpoint(folder / "x", run.store(), run.stream(), {{"epoch", "7"}});
  FilledStore other(50);
  const std::string not_saved = other.contents([](StateRole role) { return !is_saved(role); });
  EXPECT_EQ(load_checkpoint(folder / "x", other.store(), other.stream()),
            (Metadata{{"epoch", "7"}}));
  EXPECT_EQ(other.saved(), run.saved());
  EXPECT_EQ(other.contents([](StateRole role) { return !is_saved(role); }), not_saved);
  EXPECT_EQ(SafetensorsFile(folder / "x").tensors().size(), 4u);
}

TEST(Checkpoint, IsTheSameFileForTheSameState) {
  const ScratchFolder folder;
  FilledStore run(1);
  save_checkpoint(folder / "x", run.store(), run.stream(), {{"epoch", "7"}});
  FilledStore again(1);
  save_checkpoint(folder / "y", again.store(), again.stream(), {{"epoch", "7"}});
  EXPECT_EQ(read_text(folder / "x"), read_text(folder / "y"));
}

TEST(Checkpoint, ParametersLoadWithoutTheRest) {
  const ScratchFolder folder;
  FilledStore run(1);
  save_checkpoint(folder / "x", run.store(), run.stream(), {});
  std::vector<State> states = FilledStore::states_of_a_run();
  std::erase_if(states, [](const State& state) { return state.role == StateRole::optimizer; });
  FilledStore evaluation(50, states);
  const auto is_parameter = [](StateRole role) { return role == StateRole::parameter; };
  load_parameters(folder / "x", evaluation.store(), evaluation.stream());
  EXPECT_EQ(evaluation.contents(is_parameter), run.contents(is_parameter));
  expect_error<DataError>(
      [&] { load_checkpoint(folder / "x", evaluation.store(), evaluation.stream()); },
      {folder / "x", "unexpected tensor 'dense/weights/moment'"});
}

TEST(Checkpoint, AMismatchUploadsNothing) {
  const ScratchFolder folder;
  FilledStore run(1);
  save_checkpoint(folder / "x", run.store(), run.stream(), {});
  struct Case {
    State state;
    std::vector<std::string> message;
  };
  const std::vector<Case> cases{
      {{"train/step", {Shape{2}, DType::i64}, StateRole::counter}, {"i64[]", "expected i64[2]"}},
      {{"train/step", {Shape{}, DType::i32}, StateRole::counter}, {"i64[]", "expected i32[]"}},
      {{"zzz", {Shape{1}, DType::f32}, StateRole::parameter}, {"no tensor 'zzz'", "f32[1]"}}};
  for (const Case& wrong : cases) {
    std::vector<State> states = FilledStore::states_of_a_run();
    std::erase_if(states, [&](const State& state) { return state.name == wrong.state.name; });
    states.push_back(wrong.state);
    FilledStore other(50, states);
    const std::string before = other.all();
    expect_error<DataError>([&] { load_checkpoint(folder / "x", other.store(), other.stream()); },
                            wrong.message);
    EXPECT_EQ(other.all(), before);
  }
}

class Pair : public testing::Test {
 protected:
  /// Saves the state of `salt` under that number.
  void save(int salt) {
    run_.fill(salt);
    pair_.save(run_.store(), run_.stream(), {{"salt", std::to_string(salt)}});
  }
  std::string load() {
    run_.fill(99);
    return pair_.load(run_.store(), run_.stream()).at("salt");
  }
  void damage(const std::string& name) {
    std::filesystem::resize_file(folder_ / name, std::filesystem::file_size(folder_ / name) - 1);
  }

  ScratchFolder folder_;
  FilledStore run_{0};
  CheckpointPair pair_{folder_.path()};
};

TEST_F(Pair, KeepsTheLastTwoAndNothingElse) {
  for (int salt : {1, 2, 3}) save(salt);
  EXPECT_EQ(load(), "3");
  EXPECT_EQ(SafetensorsFile(folder_ / "previous.safetensors").metadata().at("salt"), "2");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 2);
}

TEST_F(Pair, FallsBackToThePreviousWhenTheLastIsDamagedOrMissing) {
  for (int salt : {1, 2}) save(salt);
  damage("last.safetensors");
  EXPECT_EQ(load(), "1");
  EXPECT_EQ(run_.saved(), FilledStore(1).saved());
  std::filesystem::remove(folder_ / "last.safetensors");
  EXPECT_EQ(load(), "1");
  run_.fill(99);
  EXPECT_EQ(pair_.load_parameters(run_.store(), run_.stream()).at("salt"), "1");
}

TEST_F(Pair, NamesTheLastWhenBothAreDamaged) {
  for (int salt : {1, 2}) save(salt);
  damage("last.safetensors");
  damage("previous.safetensors");
  expect_error<DataError>([&] { load(); }, {"last.safetensors"});
}

TEST_F(Pair, ADamagedLastDoesNotDisplaceAWholePrevious) {
  for (int salt : {1, 2}) save(salt);
  damage("last.safetensors");
  save(3);
  EXPECT_EQ(load(), "3");
  damage("last.safetensors");
  EXPECT_EQ(load(), "1");
}

TEST_F(Pair, AFailedSaveLeavesBothWhole) {
  for (int salt : {1, 2}) save(salt);
  std::filesystem::create_directory(folder_ / "next.safetensors");  // nothing can be renamed to it
  EXPECT_THROW(save(3), FileError);
  EXPECT_EQ(load(), "2");
  damage("last.safetensors");
  EXPECT_EQ(load(), "1");
}

// Children save without pause and are killed at moments that differ; one whole checkpoint must
// remain.
TEST_F(Pair, AKilledProcessLeavesAWholeCheckpoint) {
  save(0);
  for (int trial = 0; trial < 20; ++trial) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      try {
        for (int salt = 1;; ++salt) save(salt % 90);
      } catch (const Error&) {
        _exit(1);
      }
    }
    usleep(static_cast<useconds_t>(1000 + 700 * trial));
    ASSERT_EQ(kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    const int salt = std::stoi(load());
    EXPECT_EQ(run_.saved(), FilledStore(salt).saved());
  }
}

}  // namespace
}  // namespace engine
