// How fast a folder of images is made into batches, by number of loader threads: by the pipeline
// alone, and while a model trains on them, with the share of its time that it waits.
//
//   engine-pipeline-speed FOLDER [MODEL] [STEPS] [MOST_THREADS]
#include <fmt/format.h>

#include <cstdlib>

#include "engine/core/error.h"
#include "engine/device/cpu/cpu_device.h"
#include "models/train/evaluator.h"
#include "models/train/settings.h"
#include "tools/rosetta/training_step.h"

namespace {

using namespace engine;
using rosetta::milliseconds;

class Contest {
 public:
  Contest(const std::string& folder, const std::string& model, std::int64_t steps)
      : model_(for_data(find_model(model), folder)),
        data_(open_dataset(folder, {model_.network.input(), model_.classes})),
        steps_(steps),
        feed_(streamed(make_feed(*data_, Part::train, model_.batch, true, false))),
        runtime_(RuntimeOptions{}),
        programs_(runtime_, feed_,
                  [&](const Feed& feed) { return training_graph(model_, feed, {}); }) {
    runtime_.allocate();
    initialize_parameters(programs_.parameters(), 0, runtime_);
    fmt::print("{}, batch {}, on {}; {}\n", model_.name, feed_.batch, runtime_.device().name(),
               data_->description());
    fmt::print("threads  images/s alone  images/s trained on  step ms  waits\n");
  }

  void run(int threads) {
    BatchFeed feed(*data_, feed_, 0, threads, runtime_);
    const double alone = time(feed, [](auto, auto) {});
    const double waited = feed.seconds_waited();
    const double trained = time(feed, [&](std::int64_t step, std::int64_t count) {
      programs_.run(runtime_, step, step + count);
      runtime_.stream().synchronize();
    });
    const auto images = static_cast<double>(steps_ * feed_.batch);
    fmt::print("{:7} {:15.0f} {:20.0f} {:8.2f} {:5.1f}%\n", threads, 1e3 * images / alone,
               1e3 * images / trained, trained / static_cast<double>(steps_),
               1e5 * (feed.seconds_waited() - waited) / trained);
  }

 private:
  /// Milliseconds from step 1 on: the first one fills the slots and loads kernels.
  template <class Use>
  double time(BatchFeed& feed, const Use& use) {
    runtime_.clear(kTrainStep);
    feed.start(0, steps_ + 1);
    const auto go_on = [&](std::int64_t step, std::int64_t end) {
      while (step < end) {
        const std::int64_t count = feed.ready(step, end - step);
        use(step, count);
        feed.done(step += count);
      }
    };
    go_on(0, 1);
    return milliseconds([&] { go_on(1, steps_ + 1); });
  }

  ModelDefinition model_;
  std::unique_ptr<Dataset> data_;
  std::int64_t steps_;
  Feed feed_;
  Runtime runtime_;
  BatchPrograms programs_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, const char* otherwise) {
    return i < argc ? argv[i] : otherwise;
  };
  if (argc < 2) {
    fmt::print(stderr, "usage: engine-pipeline-speed FOLDER [MODEL] [STEPS] [MOST_THREADS]\n");
    return 2;
  }
  try {
    Contest contest(argv[1], argument(2, "resnet18"), std::atoll(argument(3, "20")));
    const int asked = std::atoi(argument(4, "0"));
    const int most = asked > 0 ? asked : cpu::cpu_facts().cores;
    for (int threads = 1; threads < most; threads *= 2) contest.run(threads);
    contest.run(most);
  } catch (const Error& error) {
    fmt::print(stderr, "engine-pipeline-speed: {}\n", error.what());
    return 1;
  }
}
