// What training needs to know of a data set: observations of one type as bytes, and integer labels.
// They are streamed once into device memory, where gather and normalization read them, so a data
// set never holds its observations in host memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/core/tensor.h"
#include "models/data/idx.h"

namespace engine {

enum class Part { train, test };

/// What a model reads.
struct DatasetExpectation {
  Shape observation;  ///< of one observation: [784], [1, 28, 28]
  int classes = 0;    ///< labels are in [0, classes), at most 256
};

class Dataset {
 public:
  virtual ~Dataset() = default;

  /// One line for people: what it is and how many observations it has.
  virtual const std::string& description() const = 0;
  /// The type of one observation: unsigned bytes in the shape the model expects.
  virtual TensorType observation_type() const = 0;
  virtual int classes() const = 0;
  /// Observations of a part, at least 1.
  virtual std::int64_t count(Part part) const = 0;

  /// Streams the observations of a part in order, at most kSinkBytes a call; a call may end within
  /// an observation. Throws DataError when the data turn out damaged, which may be after the last
  /// call.
  virtual void read_observations(Part part, const ByteSink& sink) const = 0;
  /// One label an observation, each below classes(); throws DataError.
  virtual std::vector<std::uint8_t> read_labels(Part part) const = 0;
};

/// Opens `source`: "synthetic", "synthetic:N", or a folder whose layout is recognised
/// (models/data/README.md). Throws DataError for a folder that is missing or not recognised and for
/// data that do not fit `expected`, UsageError for a malformed synthetic size.
std::unique_ptr<Dataset> open_dataset(const std::string& source,
                                      const DatasetExpectation& expected);

}  // namespace engine
