#include "models/data/synthetic.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
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
  TensorType observation_type() const override {
    return {expected_.observation, expected_.text ? DType::i32 : DType::u8};
  }
  int classes() const override { return classes_; }
  std::int64_t count(Part part) const override {
    return part == Part::validation ? 0 : counts_[static_cast<std::size_t>(part)];
  }

  void read_observations(Part part, const ByteSink& sink) const override {
    const std::size_t size = observation_type().bytes();
    const std::uint64_t total = static_cast<std::uint64_t>(checked_multiply(
        count(part), static_cast<std::int64_t>(size), "bytes of the synthetic data set"));
    const Patterns all = patterns();
    std::vector<std::byte> chunk(std::min<std::uint64_t>(total, kSinkBytes));
    for (std::uint64_t begin = 0; begin < total; begin += chunk.size()) {
      const std::span<std::byte> bytes =
          std::span(chunk).first(std::min<std::uint64_t>(chunk.size(), total - begin));
      fill(part, begin, bytes, all);
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

  std::unique_ptr<RowReader> rows(Part part) const override {
    return std::make_unique<Rows>(*this, part);
  }
  bool holds_rows() const override { return false; }

 private:
  using Patterns = std::vector<std::byte>;

  class Rows final : public RowReader {
   public:
    Rows(const Synthetic& data, Part part) : data_(data), part_(part), patterns_(data.patterns()) {}
    void read(std::int64_t index, const RowVariation&, std::span<std::byte> out) const override {
      data_.fill(part_, static_cast<std::uint64_t>(index) * out.size(), out, patterns_);
    }

   private:
    const Synthetic& data_;
    Part part_;
    Patterns patterns_;
  };

  /// Of every class, one after the other; tokens have none.
  Patterns patterns() const {
    if (expected_.text) return {};
    Patterns all(observation_type().bytes() * static_cast<std::size_t>(classes_));
    random_bytes(random_key(0, "synthetic/patterns"), 0, 0, all);
    return all;
  }

  /// Bytes [begin, …) of the part's observations.
  void fill(Part part, std::uint64_t begin, std::span<std::byte> bytes,
            const Patterns& patterns) const {
    if (expected_.text) return fill_tokens(part, begin, bytes);
    random_bytes(noise_key_, static_cast<std::uint64_t>(part), begin, bytes);
    add_patterns(part, begin, bytes, patterns);
  }

  /// The same of tokens, whole ones. Half of them, at random, tell the label: they are equal to it
  /// modulo the number of classes.
  void fill_tokens(Part part, std::uint64_t begin, std::span<std::byte> bytes) const {
    const auto length = static_cast<std::uint64_t>(expected_.observation.element_count());
    const auto vocabulary = static_cast<std::uint32_t>(expected_.text->vocabulary);
    const auto kinds = std::min(static_cast<std::uint32_t>(classes_), vocabulary);
    for (std::size_t done = 0; done < bytes.size(); done += sizeof(std::int32_t)) {
      const std::uint64_t position = (begin + done) / sizeof(std::int32_t);
      const std::uint32_t word =
          random_word(noise_key_, static_cast<std::uint64_t>(part), position);
      std::uint32_t token = (word >> 1) % vocabulary;
      if ((word & 1) != 0) {
        const std::uint32_t kind = label(part, position / length) % kinds;
        token = token - token % kinds + kind;
        if (token >= vocabulary) token = kind;
      }
      std::memcpy(&bytes[done], &token, sizeof token);
    }
  }

  std::uint8_t label(Part part, std::uint64_t observation) const {
    const std::uint32_t word =
        random_word(label_key_, static_cast<std::uint64_t>(part), observation);
    return static_cast<std::uint8_t>(word % static_cast<std::uint32_t>(classes_));
  }

  /// `bytes` are noise for positions [begin, …) of the part; turns them into observations.
  void add_patterns(Part part, std::uint64_t begin, std::span<std::byte> bytes,
                    const Patterns& patterns) const {
    const std::uint64_t size = observation_type().bytes();
    for (std::size_t done = 0; done < bytes.size();) {
      const std::uint64_t observation = (begin + done) / size;
      const std::uint64_t within = (begin + done) % size;
      const std::size_t run = std::min<std::uint64_t>(size - within, bytes.size() - done);
      const std::span<const std::byte> pattern =
          std::span(patterns).subspan(label(part, observation) * size + within, run);
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
  RandomKey noise_key_ = random_key(0, "synthetic/noise");
  RandomKey label_key_ = random_key(0, "synthetic/labels");
};

}  // namespace

std::int64_t default_synthetic_count(const DatasetExpectation& expected) {
  constexpr std::int64_t kMost = 60000, kMostBytes = 256 << 20, kWhole = 6 * 256;
  const std::int64_t element = expected.text ? sizeof(std::int32_t) : 1;
  const std::int64_t count = kMostBytes / (expected.observation.element_count() * element);
  if (count >= kMost) return kMost;
  return std::max<std::int64_t>(1, count < kWhole ? count : count / kWhole * kWhole);
}

std::unique_ptr<Dataset> make_synthetic(std::int64_t train, const DatasetExpectation& expected) {
  return std::make_unique<Synthetic>(train, expected);
}

}  // namespace engine
