// Reads model files. The TOML library's headers are heavy: this is the only file that has them.
#include "models/file/model_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <toml++/toml.h>
#include <algorithm>
#include <filesystem>

#include "engine/core/error.h"
#include "models/data/input_file.h"
#include "models/file/model_options.h"

namespace engine {
namespace {

constexpr std::uint64_t kLargestFile = 1 << 20;
constexpr const char* kLayer = "layer";
constexpr const char* kOptimizer = "optimizer";

std::string read_text(const std::string& path) {
  const InputFile file(path);
  if (file.size() > kLargestFile)
    throw DataError(
        fmt::format("{}: has {} bytes, a model file at most {}", path, file.size(), kLargestFile));
  std::string text(file.size(), '\0');
  text.resize(file.read_at(0, std::as_writable_bytes(std::span(text))));
  return text;
}

std::string one_line(std::string_view text) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c > 0x7E; }, '?');
  return line;
}

class ModelReader {
 public:
  explicit ModelReader(const std::string& path) : path_(path), root_(parse(read_text(path))) {}

  ModelDefinition read() const;

 private:
  [[noreturn]] void fail(const toml::node& place, const std::string& message) const {
    throw DataError(fmt::format("{}:{}: {}", path_, place.source().begin.line, one_line(message)));
  }

  toml::table parse(const std::string& text) const {
    try {
      return toml::parse(text, path_);
    } catch (const toml::parse_error& error) {
      throw DataError(fmt::format("{}:{}: is no valid TOML: {}", path_, error.source().begin.line,
                                  one_line(error.description())));
    }
  }

  // Runs `action`, whose errors are about options of `table`, or about `table`.
  template <class Action>
  auto guarded(const toml::table& table, const std::string& where, Action&& action) const {
    try {
      return action();
    } catch (const OptionError& error) {
      const toml::node* value = table.get(error.option());
      fail(value == nullptr ? table : *value, where + error.what());
    } catch (const UsageError& error) {
      fail(table, where + error.what());
    } catch (const ShapeError& error) {
      fail(table, where + error.what());
    }
  }

  template <class Owner>
  void apply(const toml::table& table, const std::vector<std::string>& others,
             const std::string& where, const OptionFields<Owner>& fields, Owner& owner) const {
    const OptionValues values = read_values(table, others, where);
    guarded(table, where, [&] { set_options(fields, values, owner); });
  }

  OptimizerSettings read_optimizer() const {
    const toml::node& node = *root_.get(kOptimizer);
    if (!node.is_table()) fail(node, "'optimizer' is no table, expected [optimizer]");
    const toml::table& table = *node.as_table();
    return guarded(table, "optimizer: ", [&] {
      const toml::node* name = table.get("name");
      const bool named = name != nullptr && name->is_string();
      OptimizerOptions options(default_optimizer(named ? name->as_string()->get() : "sgd"));
      apply(table, {}, "optimizer: ", optimizer_fields(), options);
      return options.to_settings();
    });
  }

  // All keys of `table` but `others`.
  OptionValues read_values(const toml::table& table, const std::vector<std::string>& others,
                           const std::string& where) const {
    OptionValues values;
    for (const auto& [key, node] : table) {
      const std::string name(key.str());
      if (std::find(others.begin(), others.end(), name) == others.end())
        values.emplace(name, read_value(name, node, where));
    }
    return values;
  }

  OptionValue read_value(const std::string& name, const toml::node& node,
                         const std::string& where) const {
    if (const auto* flag = node.as_boolean()) return flag->get();
    if (const auto* integer = node.as_integer()) return integer->get();
    if (const auto* number = node.as_floating_point()) return number->get();
    if (const auto* text = node.as_string()) return text->get();
    const toml::array* array = node.as_array();
    if (array != nullptr && !array->empty() && array->is_homogeneous(toml::node_type::table)) {
      Network branch;
      for (const toml::node& each : *array) add_layer(*each.as_table(), branch, where);
      return branch.layers();
    }
    if (array != nullptr && (array->empty() || array->is_homogeneous(toml::node_type::integer))) {
      std::vector<std::int64_t> integers;
      for (const toml::node& each : *array) integers.push_back(each.as_integer()->get());
      return integers;
    }
    fail(node,
         fmt::format("{}'{}' is a table, a date, or a list of mixed things, expected a single "
                     "value or a list of integers",
                     where, name));
  }

  // "layer 3 (dense): "
  std::string layer_place(const toml::table& table, const Network& network,
                          const std::string& where) const {
    const toml::node* type = table.get("type");
    if (type == nullptr || !type->is_string())
      fail(type == nullptr ? table : *type,
           fmt::format("{}layer {}: {}", where, network.layers().size() + 1,
                       type == nullptr ? "'type' is missing: a layer type" : "'type' is no text"));
    return fmt::format("{}layer {} ({}): ", where, network.layers().size() + 1,
                       printable(type->as_string()->get()));
  }

  void add_layer(const toml::table& table, Network& network, const std::string& where) const {
    const std::string place = layer_place(table, network, where);
    const OptionValues values = read_values(table, {"type"}, place);
    guarded(table, place, [&] { network.add(table.get("type")->as_string()->get(), values); });
  }

  void read_layers(ModelDefinition& model) const {
    const toml::node* node = root_.get(kLayer);
    const toml::array* layers = node == nullptr ? nullptr : node->as_array();
    if (layers == nullptr || !layers->is_homogeneous(toml::node_type::table))
      fail(node == nullptr ? root_ : *node, "there are no layers, expected tables [[layer]]");
    Summarizer summarizer(model.network.input());
    for (const toml::node& each : *layers) {
      const toml::table& table = *each.as_table();
      const std::string place = layer_place(table, model.network, "");
      add_layer(table, model.network, "");
      const LayerSummary made =
          guarded(table, place, [&] { return summarizer.add(*model.network.layers().back()); });
      if (&each == &layers->back()) check_output(table, place, made.output, model);
    }
  }

  void check_output(const toml::table& table, const std::string& place, const Shape& output,
                    const ModelDefinition& model) const {
    if (model.loss == Loss::softmax_cross_entropy && output != Shape{model.classes})
      fail(table, fmt::format("{}the last layer gives {}, expected {}, a logit for each class",
                              place, output.to_string(), Shape{model.classes}.to_string()));
  }

  std::string path_;
  toml::table root_;
};

ModelDefinition ModelReader::read() const {
  ModelOptions options;
  options.name = std::filesystem::path(path_).stem().native();
  apply(root_, {kLayer, kOptimizer}, "", model_fields(), options);
  ModelDefinition model = guarded(root_, "", [&] { return options.to_model(); });
  read_layers(model);
  if (root_.contains(kOptimizer)) model.optimizer = read_optimizer();
  return model;
}

}  // namespace

ModelDefinition load_model_file(const std::string& path) {
  return ModelReader(path).read();
}

}  // namespace engine
