// How observations and targets get into the states that the programs of a part read: all at once,
// before the first step, or batch by batch, from a pipeline that runs beside the device.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "models/data/batch_pipeline.h"
#include "models/train/runtime.h"
#include "models/train/step_graphs.h"

namespace engine {

/// Uploads a part's observations and targets into the states that the graphs read, after
/// allocate().
void upload_dataset(const Dataset& dataset, Part part, Runtime& runtime);

/// Where data lie while they are used: in device memory as a whole, or there a few batches at a
/// time; automatic: the former, where there is room.
enum class DataPipeline { automatic, resident, stream };
/// Of "auto", "resident", "stream"; throws UsageError.
DataPipeline data_pipeline_from_name(const std::string& name);

/// Calls compile(stream), once or twice, so that what is left compiled reads these parts as
/// `wanted`; returns whether that is as a stream. Automatic is not, unless the parts do not fit
/// beside the rest of the run (which a message then says), and never on the CPU where streaming
/// would hold them in its memory as well. Data in buckets of lengths, whose batches come in no
/// order that a stream knows, are resident always.
bool compile_for_data(Runtime& runtime, const Dataset& data, std::span<const Part> parts,
                      DataPipeline wanted, const std::function<void(bool stream)>& compile);

/// `feed`, as a stream.
Feed streamed(Feed feed);

class BatchFeed {
 public:
  /// For programs of `feed`, after allocate(): uploads a resident part of `data`, or prepares to
  /// stream it by so many threads (0: one a core). `seed` is that of the graphs. `data` and
  /// `runtime` must outlive this.
  BatchFeed(const Dataset& data, const Feed& feed, std::uint64_t seed, int loader_threads,
            Runtime& runtime);

  /// Steps [first, end) will follow.
  void start(std::int64_t first, std::int64_t end);
  /// Waits until steps from `step` on can be enqueued, as many as returned, at most `most`. Throws
  /// what reading the data threw.
  std::int64_t ready(std::int64_t step, std::int64_t most);
  /// All before `step` have been executed. A step whose batch may be needed again is not done.
  void done(std::int64_t step);
  /// That ready() has taken, in all.
  double seconds_waited() const { return pipeline_ ? pipeline_->seconds_waited() : 0; }

 private:
  // Where kernels do not read host memory: slots in it, and the stream by which their copies run
  // beside the steps.
  std::shared_ptr<std::byte> staging_;
  std::unique_ptr<Stream> copies_;
  std::unique_ptr<BatchPipeline> pipeline_;  // none: the data are resident
};

}  // namespace engine
