// The embedding layer: tokens become rows of a trained table.
#include "ops/embedding.h"

#include <fmt/format.h>

#include "models/layers/layer_type.h"
#include "models/layers/network.h"
#include "ops/sequence_mask.h"

namespace engine {
namespace {

class EmbeddingLayer final : public LayerOf<EmbeddingLayer, EmbeddingOptions> {
 public:
  static constexpr const char* kType = "embedding";
  static OptionFields<EmbeddingOptions> fields() {
    return {{"input_dim", &EmbeddingOptions::input_dim, "tokens there are, from 0", true},
            {"output_dim", &EmbeddingOptions::output_dim, "numbers a token becomes", true},
            {"embeddings_initializer", &EmbeddingOptions::embeddings_initializer,
             "how the table starts"},
            {"mask_zero", &EmbeddingOptions::mask_zero,
             "token 0 is padding, which recurrent layers pass over"}};
  }

  EmbeddingLayer(std::string name, EmbeddingOptions options)
      : LayerOf(std::move(name), std::move(options)) {
    const auto check = [](const char* option, std::int64_t value) {
      if (value < 1 || value > kMost)
        throw OptionError(option, value, fmt::format("1 to {}", kMost));
    };
    check("input_dim", options_.input_dim);
    check("output_dim", options_.output_dim);
  }

  std::string description() const override {
    return fmt::format("embedding {} x {}", options_.input_dim, options_.output_dim);
  }

  bool takes_tokens() const override { return true; }

  graph::Value* build(Builder& builder, graph::Value* tokens) const override {
    if (tokens->type().dtype != DType::i32)
      throw ShapeError(fmt::format("{}: the input is {}, expected tokens, i32[batch, ...]", name(),
                                   tokens->type().to_string()));
    if (options_.mask_zero) {
      if (tokens->type().shape.rank() != 2)
        throw ShapeError(fmt::format("{}: the input is {}, expected i32[batch, steps] for a mask",
                                     name(), tokens->type().to_string()));
      builder.set_step_mask(builder.graph().apply(ops::token_mask(), {tokens}, name() + "/mask"));
    }
    graph::Value* table =
        builder.parameter(name() + "/embeddings", {options_.input_dim, options_.output_dim},
                          options_.embeddings_initializer, options_.input_dim, options_.output_dim);
    return builder.graph().apply(ops::embedding(builder.activations()), {table, tokens}, name());
  }

 private:
  static constexpr std::int64_t kMost = std::int64_t{1} << 24;
};

}  // namespace

Network& Network::embedding(std::int64_t input_dim, std::int64_t output_dim,
                            EmbeddingOptions options) {
  options.input_dim = input_dim;
  options.output_dim = output_dim;
  return append<EmbeddingLayer>(std::move(options));
}

void register_embedding_layers(LayerTypes& types) {
  types.add<EmbeddingLayer>("tokens to rows of a trained table, as the first layer");
}

}  // namespace engine
