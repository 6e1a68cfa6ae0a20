// A validation part cut off the end of the training observations.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/core/error.h"
#include "models/data/dataset.h"

namespace engine {
namespace {

/// `sink` for the bytes [begin, end) of a stream only.
ByteSink window(const ByteSink& sink, std::uint64_t begin, std::uint64_t end) {
  return [&sink, begin, end, at = std::uint64_t{0}](std::span<const std::byte> bytes) mutable {
    const std::uint64_t first = std::clamp(begin, at, at + bytes.size()) - at;
    const std::uint64_t last = std::clamp(end, at, at + bytes.size()) - at;
    if (first < last) sink(bytes.subspan(first, last - first));
    at += bytes.size();
  };
}

/// The rows of a part from `first` on.
class LaterRows final : public RowReader {
 public:
  LaterRows(std::unique_ptr<RowReader> rows, std::int64_t first)
      : rows_(std::move(rows)), first_(first) {}
  void read(std::int64_t index, const RowVariation& variation,
            std::span<std::byte> out) const override {
    rows_->read(first_ + index, variation, out);
  }

 private:
  std::unique_ptr<RowReader> rows_;
  std::int64_t first_;
};

class Split final : public Dataset {
 public:
  Split(std::unique_ptr<Dataset> whole, std::int64_t validation)
      : whole_(std::move(whole)),
        train_(whole_->count(Part::train) - validation),
        validation_(validation),
        description_(fmt::format("{}, the last {} training observations for validation",
                                 whole_->description(), validation)) {}

  const std::string& description() const override { return description_; }
  TensorType observation_type() const override { return whole_->observation_type(); }
  TensorType target_type() const override { return whole_->target_type(); }
  int classes() const override { return whole_->classes(); }
  std::vector<std::string> class_names() const override { return whole_->class_names(); }
  std::int64_t count(Part part) const override {
    if (part == Part::test) return whole_->count(part);
    return part == Part::train ? train_ : validation_;
  }
  void read_observations(Part part, const ByteSink& sink) const override {
    read(part, observation_type().bytes(), sink, &Dataset::read_observations);
  }
  void read_targets(Part part, const ByteSink& sink) const override {
    read(part, target_type().bytes(), sink, &Dataset::read_targets);
  }

  std::unique_ptr<RowReader> rows(Part part) const override {
    if (part != Part::validation) return whole_->rows(part);
    return std::make_unique<LaterRows>(whole_->rows(Part::train), train_);
  }
  bool holds_rows() const override { return whole_->holds_rows(); }
  bool crops_at_random() const override { return whole_->crops_at_random(); }

 private:
  using Reader = void (Dataset::*)(Part, const ByteSink&) const;
  void read(Part part, std::uint64_t size, const ByteSink& sink, Reader reader) const {
    if (part == Part::test) return ((*whole_).*reader)(part, sink);
    const std::uint64_t middle = static_cast<std::uint64_t>(train_) * size;
    const std::uint64_t end = middle + static_cast<std::uint64_t>(validation_) * size;
    const bool train = part == Part::train;
    ((*whole_).*reader)(Part::train, window(sink, train ? 0 : middle, train ? middle : end));
  }

  std::unique_ptr<Dataset> whole_;
  std::int64_t train_, validation_;
  std::string description_;
};

}  // namespace

std::unique_ptr<Dataset> split_validation(std::unique_ptr<Dataset> data, double fraction) {
  if (!(fraction > 0 && fraction < 1))
    throw UsageError(
        fmt::format("--validation-split {}: expected a fraction between 0 and 1", fraction));
  const std::int64_t count = data->count(Part::train);
  const auto validation =
      static_cast<std::int64_t>(std::llround(static_cast<double>(count) * fraction));
  if (validation < 1 || validation >= count)
    throw DataError(
        fmt::format("{}: a validation split of {} of {} training observations leaves a "
                    "part empty",
                    data->description(), fraction, count));
  return std::make_unique<Split>(std::move(data), validation);
}

}  // namespace engine
