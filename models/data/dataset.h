// What training needs to know of a data set: observations and targets, each of one type. They are
// streamed once into device memory, where gather and normalization read them, or row by row into
// the batches of steps, so a data set need never hold its observations in host memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/core/tensor.h"
#include "models/data/idx.h"
#include "models/data/row_reader.h"
#include "models/data/text.h"

namespace engine {

enum class Part { train, test, validation };

/// "train", "test", "validation".
std::string part_name(Part part);

/// Labels are bytes: a data set has no more classes, whatever a model could tell apart.
inline constexpr int kMostLabels = 256;

/// What a model reads.
struct DatasetExpectation {
  Shape observation;  ///< of one observation: [784], [1, 28, 28]
  int classes = 0;    ///< labels are in [0, classes)
  /// Where observations are tokens: a shape of one axis, the segments one after the other.
  std::optional<TextFormat> text = {};
  /// What happens to an image that cannot be decoded: DataError, or a warning that names it, and
  /// the data set goes without it.
  bool reject_broken_images = false;
  /// Images become an eighth part larger than the observation, of which a window is then cut: see
  /// RowReader.
  bool random_crop = false;
};

/// Neighbouring observations of a part that are shortened to the same length.
struct LengthBucket {
  std::int64_t rows = 0;
  std::int64_t length = 0;  ///< tokens of an observation without the padding beyond them
};

class Dataset {
 public:
  virtual ~Dataset() = default;

  /// One line for people: what it is and how many observations it has.
  virtual const std::string& description() const = 0;
  /// The type of one observation, in the shape the model expects: unsigned bytes, f32, or
  /// i32 where they are tokens.
  virtual TensorType observation_type() const = 0;
  /// The type of one observation's target: a label u8[] below classes(), or numbers f32[K].
  virtual TensorType target_type() const { return {Shape{}, DType::u8}; }
  /// Of labels; 0 where targets are numbers.
  virtual int classes() const = 0;
  /// What the data call the classes, in their order, fit to be printed; empty where they have no
  /// names.
  virtual std::vector<std::string> class_names() const { return {}; }
  /// Observations of a part: at least 1 for training and test, 0 for a validation part that is not
  /// there.
  virtual std::int64_t count(Part part) const = 0;

  /// Streams the observations of a part in order, at most kSinkBytes a call; a call may end within
  /// an observation. Throws DataError when the data turn out damaged, which may be after the last
  /// call.
  virtual void read_observations(Part part, const ByteSink& sink) const = 0;
  /// The same for the targets; throws DataError for a label that is not below classes().
  virtual void read_targets(Part part, const ByteSink& sink) const = 0;
  /// The observations of a part one by one, the same as read_observations() has them. The reader
  /// may refer to this. Unless it is overridden, it holds them in host memory.
  virtual std::unique_ptr<RowReader> rows(Part part) const;
  /// Whether rows() holds them so.
  virtual bool holds_rows() const { return true; }
  /// Where observations are in order of their lengths (models/data/length_buckets.h): the buckets,
  /// which together are the part, and the place that each observation had before. Else empty.
  virtual std::vector<LengthBucket> buckets(Part) const { return {}; }
  virtual std::span<const std::int64_t> places(Part) const { return {}; }
  /// Whether rows are cut at random where they are varied.
  virtual bool crops_at_random() const { return false; }
  /// The targets of a part where they are labels.
  std::vector<std::uint8_t> read_labels(Part part) const;
};

/// Opens `source`: "synthetic", "synthetic:N", or a folder whose layout is recognised
/// (models/data/README.md). `task` names one of those that a folder holds, where it holds several.
/// Throws DataError for a folder that is missing or not recognised and for data that do not fit
/// `expected`, UsageError for a malformed synthetic size, a task that is missing or not there.
std::unique_ptr<Dataset> open_dataset(const std::string& source, const DatasetExpectation& expected,
                                      const std::string& task = {});

/// What a data set asks of a model.
struct DatasetNature {
  Shape observation;  ///< of rank 0: images or reviews that are brought to any size
  int classes = 0;
  /// Where observations are tokens; without a vocabulary they serve any, as they are of any size.
  std::optional<TextFormat> text = {};
};

/// Of what open_dataset() would open, as far as it can be told without reading observations;
/// nothing where the data are made to fit any model. Throws as open_dataset() does.
std::optional<DatasetNature> nature_of_dataset(const std::string& source,
                                               const std::string& task = {});

/// The same data with the last `fraction` of its training observations, rounded to the nearest
/// number, as Part::validation. Throws UsageError for a fraction outside (0, 1) and DataError where
/// a part would be left empty.
std::unique_ptr<Dataset> split_validation(std::unique_ptr<Dataset> data, double fraction);

}  // namespace engine
