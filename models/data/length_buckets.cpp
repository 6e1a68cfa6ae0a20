#include "models/data/length_buckets.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <utility>

#include "engine/core/error.h"

namespace engine {
namespace {

constexpr std::array kAllParts{Part::train, Part::test, Part::validation};

std::int64_t length_of(std::span<const std::int32_t> row, Padding padding) {
  const auto is_padding = [](std::int32_t token) { return token == kPaddingToken; };
  const auto padded = padding == Padding::left
                          ? std::find_if_not(row.begin(), row.end(), is_padding) - row.begin()
                          : std::find_if_not(row.rbegin(), row.rend(), is_padding) - row.rbegin();
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(row.size()) - padded);
}

/// Of every observation of a part.
std::vector<std::int64_t> lengths_of(const Dataset& data, Part part, Padding padding) {
  std::vector<std::int64_t> lengths(static_cast<std::size_t>(data.count(part)));
  if (lengths.empty()) return lengths;
  const std::unique_ptr<RowReader> rows = data.rows(part);
  std::vector<std::int32_t> row(static_cast<std::size_t>(data.observation_type().element_count()));
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    rows->read(static_cast<std::int64_t>(i), {}, std::as_writable_bytes(std::span(row)));
    lengths[i] = length_of(row, padding);
  }
  return lengths;
}

std::vector<std::int64_t> histogram(std::span<const std::int64_t> lengths) {
  std::vector<std::int64_t> counts(1);
  for (std::int64_t length : lengths) {
    const auto at = static_cast<std::size_t>(length);
    if (counts.size() <= at) counts.resize(at + 1);
    ++counts[at];
  }
  return counts;
}

/// Rows of a part, one bucket after the other.
struct Order {
  std::vector<LengthBucket> buckets;
  std::vector<std::int64_t> places;  ///< of each row in the data as they came
};

Order order_rows(std::span<const std::int64_t> lengths, std::span<const std::int64_t> bucket_ends,
                 std::int64_t batch) {
  Order order;
  order.places.resize(lengths.size());
  std::iota(order.places.begin(), order.places.end(), 0);
  const auto bucket_of = [&](std::int64_t row) {
    return std::lower_bound(bucket_ends.begin(), bucket_ends.end(),
                            lengths[static_cast<std::size_t>(row)]) -
           bucket_ends.begin();
  };
  std::stable_sort(order.places.begin(), order.places.end(),
                   [&](std::int64_t a, std::int64_t b) { return bucket_of(a) < bucket_of(b); });
  const auto count = static_cast<std::int64_t>(lengths.size());
  std::int64_t begin = 0, so_far = 0;
  for (std::size_t bucket = 0; bucket < bucket_ends.size(); ++bucket) {
    while (so_far < count && bucket_of(order.places[static_cast<std::size_t>(so_far)]) <=
                                 static_cast<std::ptrdiff_t>(bucket))
      ++so_far;
    const bool last = bucket + 1 == bucket_ends.size() || so_far == count;
    const std::int64_t end = last ? so_far : so_far / batch * batch;
    if (end > begin) order.buckets.push_back({end - begin, bucket_ends[bucket]});
    begin = end;
  }
  return order;
}

class BucketedRows final : public RowReader {
 public:
  BucketedRows(std::unique_ptr<RowReader> rows, std::span<const std::int64_t> places)
      : rows_(std::move(rows)), places_(places) {}
  void read(std::int64_t index, const RowVariation& variation,
            std::span<std::byte> out) const override {
    rows_->read(places_[static_cast<std::size_t>(index)], variation, out);
  }

 private:
  std::unique_ptr<RowReader> rows_;
  std::span<const std::int64_t> places_;
};

class Bucketed final : public Dataset {
 public:
  Bucketed(std::unique_ptr<Dataset> data, std::array<Order, kAllParts.size()> orders)
      : data_(std::move(data)), orders_(std::move(orders)) {
    std::vector<std::int64_t> lengths;
    for (const LengthBucket& bucket : buckets(Part::train)) lengths.push_back(bucket.length);
    description_ =
        fmt::format("{}, in buckets of {} tokens", data_->description(), fmt::join(lengths, ", "));
  }

  const std::string& description() const override { return description_; }
  TensorType observation_type() const override { return data_->observation_type(); }
  TensorType target_type() const override { return data_->target_type(); }
  int classes() const override { return data_->classes(); }
  std::vector<std::string> class_names() const override { return data_->class_names(); }
  std::int64_t count(Part part) const override { return data_->count(part); }
  std::vector<LengthBucket> buckets(Part part) const override { return order(part).buckets; }
  std::span<const std::int64_t> places(Part part) const override { return order(part).places; }

  void read_observations(Part part, const ByteSink& sink) const override {
    const std::size_t size = observation_type().bytes();
    const std::unique_ptr<RowReader> reader = rows(part);
    std::vector<std::byte> row(size);
    for (std::int64_t i = 0; i < count(part); ++i) {
      reader->read(i, {}, row);
      sink(row);
    }
  }
  void read_targets(Part part, const ByteSink& sink) const override {
    std::vector<std::byte> targets;
    data_->read_targets(part, [&](std::span<const std::byte> bytes) {
      targets.insert(targets.end(), bytes.begin(), bytes.end());
    });
    const std::size_t size = target_type().bytes();
    for (std::int64_t place : places(part))
      sink(std::span(targets).subspan(static_cast<std::size_t>(place) * size, size));
  }
  std::unique_ptr<RowReader> rows(Part part) const override {
    return std::make_unique<BucketedRows>(data_->rows(part), places(part));
  }
  bool holds_rows() const override { return data_->holds_rows(); }

 private:
  const Order& order(Part part) const { return orders_[static_cast<std::size_t>(part)]; }

  std::unique_ptr<Dataset> data_;
  std::array<Order, kAllParts.size()> orders_;  // by part
  std::string description_;
};

}  // namespace

std::vector<std::int64_t> bucket_lengths(std::span<const std::int64_t> counts, std::int64_t most) {
  // Lengths that there are, and how many texts are no longer than each.
  std::vector<std::int64_t> lengths, up_to;
  std::int64_t texts = 0;
  for (std::size_t n = 0; n < counts.size(); ++n) {
    if (counts[n] == 0) continue;
    texts += counts[n];
    lengths.push_back(std::max<std::int64_t>(1, static_cast<std::int64_t>(n)));
    up_to.push_back(texts);
  }
  // cost[j]: of tokens, with the buckets so far, the last of which ends with length j.
  std::vector<std::int64_t> cost(lengths.size());
  for (std::size_t j = 0; j < lengths.size(); ++j) cost[j] = up_to[j] * lengths[j];
  // Of each further bucket, by where it ends: where the one before does.
  std::vector<std::vector<std::size_t>> before;
  constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
  for (std::int64_t bucket = 1; bucket < most; ++bucket) {
    std::vector<std::int64_t> better = cost;
    std::vector<std::size_t> from(lengths.size(), kNone);
    for (std::size_t j = 0; j < lengths.size(); ++j)
      for (std::size_t i = 0; i < j; ++i) {
        const std::int64_t split = cost[i] + (up_to[j] - up_to[i]) * lengths[j];
        if (split < better[j]) {
          better[j] = split;
          from[j] = i;
        }
      }
    cost = std::move(better);
    before.push_back(std::move(from));
  }
  std::vector<std::int64_t> ends;
  if (lengths.empty()) return ends;
  std::size_t at = lengths.size() - 1;
  ends.push_back(lengths[at]);
  for (auto from = before.rbegin(); from != before.rend(); ++from)
    if ((*from)[at] != kNone) {
      at = (*from)[at];
      ends.push_back(lengths[at]);
    }
  std::reverse(ends.begin(), ends.end());
  return ends;
}

std::unique_ptr<Dataset> bucket_by_length(std::unique_ptr<Dataset> data,
                                          const std::optional<TextFormat>& text, std::int64_t most,
                                          std::int64_t batch) {
  if (!text || text->segments.size() != 1)
    throw UsageError(fmt::format("--buckets {}: {} holds {}, expected one text an observation",
                                 most, data->description(),
                                 text ? "several texts an observation" : "no text"));
  std::array<std::vector<std::int64_t>, kAllParts.size()> lengths;
  std::int64_t longest = 1;
  for (Part part : kAllParts) {
    std::vector<std::int64_t>& of_part = lengths[static_cast<std::size_t>(part)];
    of_part = lengths_of(*data, part, text->padding);
    for (std::int64_t length : of_part) longest = std::max(longest, length);
  }
  std::vector<std::int64_t> ends = bucket_lengths(histogram(lengths[0]), most);
  ends.back() = longest;  // which another part may have
  std::array<Order, kAllParts.size()> orders;
  for (std::size_t part = 0; part < orders.size(); ++part)
    orders[part] = order_rows(lengths[part], ends, batch);
  return std::make_unique<Bucketed>(std::move(data), std::move(orders));
}

}  // namespace engine
