// LSTM and GRU layers over sequences.
#include "kernels/recurrent.h"

#include <fmt/format.h>

#include "kernels/gru.h"
#include "kernels/lstm.h"
#include "models/layers/layer_type.h"
#include "models/layers/network.h"
#include "ops/binary.h"
#include "ops/dropout.h"
#include "ops/movement.h"
#include "ops/recurrent.h"

namespace engine {
namespace {

constexpr std::int64_t kMostUnits = std::int64_t{1} << 16;

template <class Options>
OptionFields<Options> recurrent_fields() {
  return {
      {"units", &Options::units, "of the state", true},
      {"return_sequences", &Options::return_sequences, "the state after every step"},
      {"reverse", &Options::reverse, "from the last step to the first"},
      {"dropout", &Options::dropout, "of the input, the same at every step"},
      {"recurrent_dropout", &Options::recurrent_dropout, "of the state, likewise"},
      {"use_bias", &Options::use_bias, "whether a bias is added"},
      {"kernel_initializer", &Options::kernel_initializer, "how the input's weights start"},
      {"recurrent_initializer", &Options::recurrent_initializer, "how the state's weights start"},
      {"bias_initializer", &Options::bias_initializer, "how the bias starts"}};
}

// 0 and 1 / (1 - rate), drawn for a tensor of this shape.
graph::Value* drop_mask(Builder& builder, const Shape& shape, double rate,
                        const std::string& label) {
  graph::Value* ones = builder.graph().read({fmt::format("ones/{}", shape.to_string()),
                                             {shape, DType::f32},
                                             graph::StateRole::constant,
                                             1});
  return builder.graph().apply(ops::dropout({rate, builder.key(label)}), {ones, builder.step()},
                               label);
}

template <class Self, class Options>
class RecurrentLayer : public LayerOf<Self, Options> {
 public:
  RecurrentLayer(std::string name, Options options)
      : LayerOf<Self, Options>(std::move(name), std::move(options)) {
    const Options& o = this->options_;
    if (o.units < 1 || o.units > kMostUnits)
      throw OptionError("units", o.units, fmt::format("1 to {}", kMostUnits));
    for (const auto& [option, rate] :
         {std::pair{"dropout", o.dropout}, {"recurrent_dropout", o.recurrent_dropout}})
      if (!(rate >= 0 && rate < 1)) throw OptionError(option, rate, "one in [0, 1)");
    if (o.bias_initializer.kind == Initializer::Kind::orthogonal)
      throw OptionError("bias_initializer", o.bias_initializer, "one for a vector");
  }

  std::string description() const override {
    const Options& o = this->options_;
    std::string text = fmt::format("{} {}", Self::kType, o.units);
    if (o.return_sequences) text += ", sequences";
    if (o.reverse) text += ", reverse";
    if (o.dropout > 0) text += fmt::format(", dropout {}", o.dropout);
    if (o.recurrent_dropout > 0) text += fmt::format(", recurrent dropout {}", o.recurrent_dropout);
    return o.use_bias ? text : text + ", no bias";
  }

  graph::Value* build(Builder& builder, graph::Value* x) const override {
    const Options& o = this->options_;
    const std::string& name = this->name();
    if (x->type().shape.rank() != 3)
      throw ShapeError(fmt::format("{}: the input is {}, expected [batch, steps, features]", name,
                                   x->type().to_string()));
    const RecurrentCell& cell = static_cast<const Self*>(this)->cell();
    const std::int64_t batch = x->type().shape[0], features = x->type().shape[2];
    const std::int64_t columns = cell.input_gates * o.units;
    const bool drops = builder.mode() == Mode::training;
    graph::Value* mask = builder.step_mask();
    RecurrentAttributes attributes;
    attributes.mask = mask != nullptr;
    attributes.reverse = o.reverse;
    attributes.scale = drops && o.recurrent_dropout > 0;
    if (drops && o.dropout > 0) x = drop_input(builder, x);
    std::vector<graph::Value*> operands{
        x,
        builder.parameter(name + "/weights", {features, columns}, o.kernel_initializer, features,
                          columns),
        builder.parameter(name + "/recurrent_weights", {o.units, columns}, o.recurrent_initializer,
                          o.units, columns),
        bias(builder, cell, features)};
    if (attributes.mask) operands.push_back(mask);
    if (attributes.scale)
      operands.push_back(
          drop_mask(builder, {batch, o.units}, o.recurrent_dropout, name + "/recurrent_dropout"));
    const graph::Node& node = builder.graph().add(ops::recurrent(cell, attributes), operands, name);
    const RecurrentResults results(attributes, cell);
    if (!o.return_sequences) builder.set_step_mask(nullptr);
    return node.output(o.return_sequences ? results.y : results.states);
  }

 private:
  graph::Value* drop_input(Builder& builder, graph::Value* x) const {
    const std::int64_t batch = x->type().shape[0], features = x->type().shape[2];
    const std::string label = this->name() + "/dropout";
    graph::Value* mask = drop_mask(builder, {batch, features}, this->options_.dropout, label);
    mask = builder.graph().apply(ops::reshape({batch, 1, features}), {mask}, label);
    return builder.graph().apply(ops::multiply(), {x, mask}, label);
  }

  graph::Value* bias(Builder& builder, const RecurrentCell& cell, std::int64_t features) const {
    const std::int64_t columns = cell.input_gates * this->options_.units;
    const Shape shape = cell.two_biases ? Shape{2, columns} : Shape{columns};
    if (this->options_.use_bias)
      return builder.parameter(this->name() + "/bias", shape, this->options_.bias_initializer,
                               features, columns);
    return builder.graph().read(
        {this->name() + "/no_bias", {shape, DType::f32}, graph::StateRole::constant});
  }
};

class LstmLayer final : public RecurrentLayer<LstmLayer, LstmOptions> {
 public:
  static constexpr const char* kType = "lstm";
  static OptionFields<LstmOptions> fields() { return recurrent_fields<LstmOptions>(); }
  using RecurrentLayer::RecurrentLayer;
  const RecurrentCell& cell() const { return kLstm; }
};

class GruLayer final : public RecurrentLayer<GruLayer, GruOptions> {
 public:
  static constexpr const char* kType = "gru";
  static OptionFields<GruOptions> fields() {
    OptionFields<GruOptions> fields = recurrent_fields<GruOptions>();
    fields.push_back({"reset_after", &GruOptions::reset_after,
                      "the reset gate acts after the product, not before it"});
    return fields;
  }
  using RecurrentLayer::RecurrentLayer;
  const RecurrentCell& cell() const { return options_.reset_after ? kGruResetAfter : kGru; }
};

}  // namespace

Network& Network::lstm(std::int64_t units, LstmOptions options) {
  options.units = units;
  return append<LstmLayer>(std::move(options));
}

Network& Network::gru(std::int64_t units, GruOptions options) {
  options.units = units;
  return append<GruLayer>(std::move(options));
}

void register_recurrent_layers(LayerTypes& types) {
  types.add<LstmLayer>("long short-term memory over [steps, features]");
  types.add<GruLayer>("gated recurrent units over [steps, features]");
}

}  // namespace engine
