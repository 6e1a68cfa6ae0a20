// Writes a data set down as a model sees it, for other frameworks to train on the same numbers and
// tokens: OUT/{train,test}.observations and .labels, rows one after the other, and OUT/header.json.
//
//   engine-dataset-dump MODEL DATA OUT [TASK]
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <span>
#include <string>

#include "engine/core/error.h"
#include "models/train/settings.h"
#include "ops/registry.h"

namespace {

using namespace engine;

class Sink {
 public:
  explicit Sink(const std::filesystem::path& path) : path_(path), file_(path, std::ios::binary) {}
  void operator()(std::span<const std::byte> bytes) {
    file_.write(reinterpret_cast<const char*>(bytes.data()),
                static_cast<std::streamsize>(bytes.size()));
  }
  void close() {
    file_.close();
    if (!file_) throw FileError(fmt::format("{}: cannot be written", path_.native()));
  }

 private:
  std::filesystem::path path_;
  std::ofstream file_;
};

void dump(const std::string& name, const std::string& source, const std::string& folder,
          const std::string& task) {
  const ModelDefinition model = for_data(find_model(name), source, task);
  const auto data = open_dataset(source, {model.network.input(), model.classes, model.text}, task);
  std::filesystem::create_directories(folder);
  std::string counts;
  for (Part part : {Part::train, Part::test}) {
    counts += fmt::format(", \"{}\": {}", part_name(part), data->count(part));
    const std::filesystem::path stem = std::filesystem::path(folder) / part_name(part);
    Sink observations(stem.native() + ".observations"), labels(stem.native() + ".labels");
    data->read_observations(part, std::ref(observations));
    data->read_targets(part, std::ref(labels));
    observations.close();
    labels.close();
  }
  const TensorType type = data->observation_type();
  std::string header =
      fmt::format("{{\"dtype\": \"{}\", \"shape\": [{}], \"classes\": {}{}", dtype_name(type.dtype),
                  fmt::join(type.shape.extents(), ", "), data->classes(), counts);
  if (model.text)
    header += fmt::format(", \"vocabulary\": {}, \"segments\": [{}]", model.text->vocabulary,
                          fmt::join(model.text->segments, ", "));
  header += "}\n";
  Sink file(std::filesystem::path(folder) / "header.json");
  file(std::as_bytes(std::span(header)));
  file.close();
}

}  // namespace

int main(int count, char** words) {
  if (count < 4 || count > 5) {
    fmt::print(stderr, "usage: engine-dataset-dump MODEL DATA OUT [TASK]\n");
    return 2;
  }
  try {
    engine::initialize();
    dump(words[1], words[2], words[3], count == 5 ? words[4] : "");
  } catch (const std::exception& error) {
    fmt::print(stderr, "engine-dataset-dump: error: {}\n", error.what());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
