#include "models/data/synthetic.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "engine/core/rng.h"

namespace engine {
namespace {

/// Bytes [begin, begin + out.size()) of the byte stream of (key, step).
void random_bytes(RandomKey key, std::uint64_t step, std::uint64_t begin,
                  std::span<std::byte> out) {
  constexpr std::uint64_t kBlock = 16;
  for (std::size_t done = 0; done < out.size();) {
    const std::uint64_t position = begin + done;
    const Random4 random = philox(key, position / kBlock, step);
    for (std::uint64_t i = position % kBlock; i < kBlock && done < out.size(); ++i, ++done)
      out[done] = static_cast<std::byte>(random.word[i / 4] >> (8 * (i % 4)));
  }
}

class Synthetic final : public Dataset {
 public:
  Synthetic(std::int64_t train, DatasetExpectation expected)
      : expected_(std::move(expected)),
        classes_(std::min(expected_.classes, kMostLabels)),
        counts_{train, std::max<std::int64_t>(train / 6, 1)},
        description_(fmt::format("synthetic: {} training and {} test observations", counts_[0],
                                 counts_[1])) {}

  const std::string& description() const override { return description_; }
  TensorType observation_type() const override { return {expected_.observation, DType::u8}; }
  int classes() const override { return classes_; }
  std::int64_t count(Part part) const override {
    return part == Part::validation ? 0 : counts_[static_cast<std::size_t>(part)];
  }

  void read_observations(Part part, const ByteSink& sink) const override {
    const std::size_t size = observation_type().bytes();
    const std::uint64_t total = static_cast<std::uint64_t>(checked_multiply(
        count(part), static_cast<std::int64_t>(size), "bytes of the synthetic data set"));
    std::vector<std::byte> patterns(size * static_cast<std::size_t>(classes_));
    random_bytes(random_key(0, "synthetic/patterns"), 0, 0, patterns);
    const RandomKey noise = random_key(0, "synthetic/noise");

    std::vector<std::byte> chunk(std::min<std::uint64_t>(total, kSinkBytes));
    for (std::uint64_t begin = 0; begin < total; begin += chunk.size()) {
      const std::span<std::byte> bytes =
          std::span(chunk).first(std::min<std::uint64_t>(chunk.size(), total - begin));
      random_bytes(noise, static_cast<std::uint64_t>(part), begin, bytes);
      add_patterns(part, begin, bytes, patterns);
      sink(bytes);
    }
  }

  void read_targets(Part part, const ByteSink& sink) const override {
    const auto total = static_cast<std::uint64_t>(count(part));
    std::vector<std::byte> chunk(std::min<std::uint64_t>(total, kSinkBytes));
    for (std::uint64_t begin = 0; begin < total; begin += chunk.size()) {
      const std::size_t size = std::min<std::uint64_t>(chunk.size(), total - begin);
      for (std::size_t i = 0; i < size; ++i) chunk[i] = std::byte{label(part, begin + i)};
      sink(std::span(chunk).first(size));
    }
  }

 private:
  std::uint8_t label(Part part, std::uint64_t observation) const {
    const std::uint32_t word =
        random_word(label_key_, static_cast<std::uint64_t>(part), observation);
    return static_cast<std::uint8_t>(word % static_cast<std::uint32_t>(classes_));
  }

  /// `bytes` are noise for positions [begin, …) of the part; turns them into observations.
  void add_patterns(Part part, std::uint64_t begin, std::span<std::byte> bytes,
                    std::span<const std::byte> patterns) const {
    const std::uint64_t size = observation_type().bytes();
    for (std::size_t done = 0; done < bytes.size();) {
      const std::uint64_t observation = (begin + done) / size;
      const std::uint64_t within = (begin + done) % size;
      const std::size_t run = std::min<std::uint64_t>(size - within, bytes.size() - done);
      const std::span<const std::byte> pattern =
          patterns.subspan(label(part, observation) * size + within, run);
      for (std::size_t i = 0; i < run; ++i)
        bytes[done + i] = static_cast<std::byte>(
            (std::to_integer<int>(bytes[done + i]) + std::to_integer<int>(pattern[i])) / 2);
      done += run;
    }
  }

  DatasetExpectation expected_;
  int classes_;
  std::array<std::int64_t, 2> counts_;
  std::string description_;
  RandomKey label_key_ = random_key(0, "synthetic/labels");
};

}  // namespace

std::int64_t default_synthetic_count(const DatasetExpectation& expected) {
  constexpr std::int64_t kMost = 60000, kMostBytes = 256 << 20, kWhole = 6 * 256;
  const std::int64_t count = kMostBytes / expected.observation.element_count();
  if (count >= kMost) return kMost;
  return std::max<std::int64_t>(1, count < kWhole ? count : count / kWhole * kWhole);
}

std::unique_ptr<Dataset> make_synthetic(std::int64_t train, const DatasetExpectation& expected) {
  return std::make_unique<Synthetic>(train, expected);
}

}  // namespace engine
