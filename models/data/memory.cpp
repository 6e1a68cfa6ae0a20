#include "models/data/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "engine/core/error.h"

namespace engine {
namespace {

template <class Array>
std::span<const std::byte> bytes_of(const Array& array) {
  return std::visit([](const auto& values) { return std::as_bytes(std::span(values)); }, array);
}
template <class Array>
std::int64_t size_of(const Array& array) {
  return std::visit([](const auto& values) { return static_cast<std::int64_t>(values.size()); },
                    array);
}
template <class Array>
DType dtype_of_array(const Array& array) {
  return std::visit([]<class T>(const std::vector<T>&) { return dtype_of<T>; }, array);
}

void stream(std::span<const std::byte> rest, const ByteSink& sink) {
  while (!rest.empty()) {
    const std::size_t size = std::min<std::size_t>(rest.size(), kSinkBytes);
    sink(rest.first(size));
    rest = rest.subspan(size);
  }
}

class ArrayDataset final : public Dataset {
 public:
  ArrayDataset(const Shape& observation, int classes, ArrayPart train, ArrayPart test,
               std::int64_t vocabulary, const std::string& name,
               std::vector<std::string> class_names)
      : name_(name),
        class_names_(std::move(class_names)),
        observation_(observation),
        classes_(classes),
        vocabulary_(vocabulary),
        parts_{std::move(train), std::move(test)},
        counts_{count_rows(0), count_rows(1)},
        target_(target_of(0)),
        description_(
            fmt::format("{}: {} training and {} test observations", name, counts_[0], counts_[1])) {
    require(observation_dtype(0) == observation_dtype(1) && target_of(1) == target_,
            "training and test arrays of the same types");
    for (std::size_t part : {0, 1}) {
      check_tokens(part);
      check_labels(part);
    }
  }

  const std::string& description() const override { return description_; }
  TensorType observation_type() const override { return {observation_, observation_dtype(0)}; }
  TensorType target_type() const override { return target_; }
  int classes() const override { return target_.dtype == DType::u8 ? classes_ : 0; }
  std::vector<std::string> class_names() const override { return class_names_; }
  std::int64_t count(Part part) const override {
    return part == Part::validation ? 0 : counts_[static_cast<std::size_t>(part)];
  }
  void read_observations(Part part, const ByteSink& sink) const override {
    stream(bytes_of(parts_[static_cast<std::size_t>(part)].observations), sink);
  }
  void read_targets(Part part, const ByteSink& sink) const override {
    stream(bytes_of(parts_[static_cast<std::size_t>(part)].targets), sink);
  }

  std::unique_ptr<RowReader> rows(Part part) const override {
    return std::make_unique<MemoryRows>(
        bytes_of(parts_[static_cast<std::size_t>(part)].observations));
  }
  bool holds_rows() const override { return false; }

 private:
  void require(bool holds, const std::string& expectation) const {
    if (!holds) throw DataError(name_ + ": expected " + expectation);
  }
  static std::string name(std::size_t part) { return part_name(static_cast<Part>(part)); }
  DType observation_dtype(std::size_t part) const {
    return dtype_of_array(parts_[part].observations);
  }

  std::int64_t count_rows(std::size_t part) const {
    const std::int64_t elements = size_of(parts_[part].observations);
    const std::int64_t row = observation_.element_count();
    require(row >= 1 && elements >= row && elements % row == 0,
            fmt::format("observations of {} elements in the {} part, and it has {}", row,
                        name(part), elements));
    return elements / row;
  }

  TensorType target_of(std::size_t part) const {
    const std::int64_t elements = size_of(parts_[part].targets);
    const DType dtype = dtype_of_array(parts_[part].targets);
    require(elements >= 1 && elements % counts_[part] == 0 &&
                (dtype == DType::f32 || elements == counts_[part]),
            fmt::format("as many targets for each of {} observations in the {} part, and it has {}",
                        counts_[part], name(part), elements));
    if (dtype == DType::u8) return {Shape{}, dtype};
    return {Shape{elements / counts_[part]}, dtype};
  }

  void check_tokens(std::size_t part) const {
    const auto* tokens = std::get_if<std::vector<std::int32_t>>(&parts_[part].observations);
    if (tokens == nullptr) return;
    for (std::size_t i = 0; i < tokens->size(); ++i)
      if ((*tokens)[i] < 0 || (*tokens)[i] >= vocabulary_)
        throw DataError(fmt::format(
            "{}: token {} in observation {} of the {} part, expected one from 0 to below the "
            "vocabulary of {}",
            name_, (*tokens)[i], static_cast<std::int64_t>(i) / observation_.element_count(),
            name(part), vocabulary_));
  }

  void check_labels(std::size_t part) const {
    const auto* labels = std::get_if<std::vector<std::uint8_t>>(&parts_[part].targets);
    if (labels == nullptr) return;
    for (std::size_t i = 0; i < labels->size(); ++i)
      if ((*labels)[i] >= classes_)
        throw DataError(
            fmt::format("{}: label {} of observation {} of the {} part, expected one below {}",
                        name_, (*labels)[i], i, name(part), classes_));
  }

  std::string name_;
  std::vector<std::string> class_names_;
  Shape observation_;
  int classes_;
  std::int64_t vocabulary_;
  std::array<ArrayPart, 2> parts_;
  std::array<std::int64_t, 2> counts_;
  TensorType target_;
  std::string description_;
};

}  // namespace

std::unique_ptr<Dataset> make_dataset(const Shape& observation, int classes, ArrayPart train,
                                      ArrayPart test, std::int64_t vocabulary,
                                      const std::string& name,
                                      std::vector<std::string> class_names) {
  return std::make_unique<ArrayDataset>(observation, classes, std::move(train), std::move(test),
                                        vocabulary, name, std::move(class_names));
}

}  // namespace engine
