#include "models/train/batch_feed.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/core/error.h"
#include "engine/core/log.h"
#include "engine/device/cpu/cpu_device.h"

namespace engine {
namespace {

// The device works on half of the slots while the other half is filled: a step that changed nothing
// is then repeated on the same batch until the host sees it (gradient_scale).
constexpr std::int64_t kSlots = 4;
constexpr std::int64_t kStepsAtOnce = kSlots / 2;

using Reader = void (Dataset::*)(Part, const ByteSink&) const;

void upload(const Dataset& dataset, Part part, Reader read, const std::string& state,
            Runtime& runtime) {
  const TensorView view = runtime.store().view(state);
  std::size_t offset = 0;
  (dataset.*read)(part, [&](std::span<const std::byte> bytes) {
    ENGINE_CHECK(offset + bytes.size() <= view.type.bytes(), "a data set grew while read");
    runtime.stream().copy_to_device(static_cast<std::byte*>(view.data) + offset, bytes.data(),
                                    bytes.size());
    offset += bytes.size();
  });
  ENGINE_CHECK(offset == view.type.bytes(), "a data set shrank while read");
}

/// The states that the batches of a part are read from.
BatchSlots slots_of(const Feed& feed, const graph::StateStore& store) {
  const auto bytes_of = [&](const std::string& state) {
    return store.has(state) ? static_cast<std::byte*>(store.view(state).data) : nullptr;
  };
  return {feed.slots, bytes_of(observations_name(feed.part)), bytes_of(targets_name(feed.part))};
}

/// Of one slot.
struct SlotBytes {
  std::size_t observations, targets;
  std::size_t total() const { return observations + targets; }
};

/// As many slots in the memory at `begin`, with targets where `like` has them.
BatchSlots slots_at(std::byte* begin, const BatchSlots& like, const SlotBytes& bytes) {
  std::byte* targets = begin + static_cast<std::size_t>(like.count) * bytes.observations;
  return {like.count, begin, like.targets != nullptr ? targets : nullptr};
}

/// Waits, as a loader thread may.
void copy_slot(std::size_t slot, const SlotBytes& bytes, const BatchSlots& from,
               const BatchSlots& to, Stream& stream) {
  const auto copy = [&](std::byte* destination, const std::byte* source, std::size_t size) {
    if (source != nullptr)
      stream.copy_to_device(destination + slot * size, source + slot * size, size);
  };
  copy(to.observations, from.observations, bytes.observations);
  copy(to.targets, from.targets, bytes.targets);
  stream.synchronize();
}

std::size_t resident_bytes(const Dataset& data, std::span<const Part> parts) {
  std::int64_t rows = 0;
  for (Part part : parts) rows += data.count(part);
  const std::size_t row = data.observation_type().bytes() + data.target_type().bytes();
  return static_cast<std::size_t>(
      checked_multiply(rows, static_cast<std::int64_t>(row), "bytes of a data set"));
}

}  // namespace

void upload_dataset(const Dataset& dataset, Part part, Runtime& runtime) {
  upload(dataset, part, &Dataset::read_observations, observations_name(part), runtime);
  // Prediction has no use for targets, and its programs declare none.
  if (runtime.store().has(targets_name(part)))
    upload(dataset, part, &Dataset::read_targets, targets_name(part), runtime);
}

DataPipeline data_pipeline_from_name(const std::string& name) {
  if (name == "auto") return DataPipeline::automatic;
  if (name == "resident") return DataPipeline::resident;
  if (name == "stream") return DataPipeline::stream;
  throw UsageError(fmt::format("--data-pipeline {}: expected auto, resident or stream", name));
}

bool compile_for_data(Runtime& runtime, const Dataset& data, std::span<const Part> parts,
                      DataPipeline wanted, const std::function<void(bool stream)>& compile) {
  if (wanted == DataPipeline::stream) {
    compile(true);
    return true;
  }
  const bool helps = runtime.device().backend() != "cpu" || !data.holds_rows();
  const bool in_buckets = !parts.empty() && !data.buckets(parts.front()).empty();
  const bool may_stream = wanted == DataPipeline::automatic && helps && !in_buckets;
  const std::size_t bytes = resident_bytes(data, parts);
  const std::size_t limit = runtime.memory_limit();
  // What does not fit even alone need not be compiled for, which may be long.
  if (!may_stream || bytes <= limit) {
    compile(false);
    if (!may_stream || runtime.budget().total() <= limit) return false;
    runtime.discard_programs();
  }
  log::info(
      fmt::format("the data are streamed: their {} bytes do not fit beside the rest into the {} "
                  "that the run may "
                  "take on {}",
                  bytes, limit, runtime.device().name()));
  compile(true);
  return true;
}

Feed streamed(Feed feed) {
  feed.slots = kSlots;
  return feed;
}

BatchFeed::BatchFeed(const Dataset& data, const Feed& feed, std::uint64_t seed, int loader_threads,
                     Runtime& runtime) {
  if (feed.slots == 0) {
    upload_dataset(data, feed.part, runtime);
    return;
  }
  ENGINE_CHECK(feed.buckets.empty(), "a stream of data in buckets");
  const BatchSlots on_device = slots_of(feed, runtime.store());
  const SlotBytes bytes{static_cast<std::size_t>(feed.batch) * data.observation_type().bytes(),
                        static_cast<std::size_t>(feed.batch) * data.target_type().bytes()};
  BatchSlots slots = on_device;
  BatchPipeline::Deliver deliver = [](std::int64_t) {};
  staging_ = runtime.device().host_memory(bytes.total() * static_cast<std::size_t>(feed.slots));
  if (staging_ != nullptr) {
    slots = slots_at(staging_.get(), on_device, bytes);
    copies_ = runtime.device().make_stream();
    deliver = [=, &stream = *copies_](std::int64_t slot) {
      copy_slot(static_cast<std::size_t>(slot), bytes, slots, on_device, stream);
    };
  }
  std::optional<RandomKey> variation;
  if (feed.shuffle) variation = random_key(seed, "vary/" + part_name(feed.part));
  pipeline_ = std::make_unique<BatchPipeline>(
      data, feed.part, observations_of_steps(feed, seed), variation, slots, std::move(deliver),
      loader_threads > 0 ? loader_threads : cpu::cpu_facts().cores);
}

void BatchFeed::start(std::int64_t first, std::int64_t end) {
  if (pipeline_) pipeline_->start(first, end);
}

std::int64_t BatchFeed::ready(std::int64_t step, std::int64_t most) {
  if (!pipeline_) return most;
  const std::int64_t count = std::min(most, kStepsAtOnce);
  for (std::int64_t i = 0; i < count; ++i) pipeline_->wait(step + i);
  return count;
}

void BatchFeed::done(std::int64_t step) {
  if (pipeline_) pipeline_->release(step);
}

}  // namespace engine
