// What a layer is: a name, options, and the nodes that it emits.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "models/layers/builder.h"
#include "models/layers/options.h"

namespace engine {

/// One layer: immutable, shared by copies of a network.
class Layer {
 public:
  explicit Layer(std::string name) : name_(std::move(name)) {}
  virtual ~Layer() = default;
  const std::string& name() const { return name_; }  ///< unique in its network: "dense_1"
  /// What a summary prints: "dense 512".
  virtual std::string description() const = 0;
  /// Emits the layer for a batch `x` of shape [B, …].
  virtual graph::Value* build(Builder& builder, graph::Value* x) const = 0;
  /// Whether build() takes bf16; a layer that does not is given f32.
  virtual bool takes_bf16() const { return false; }
  /// Whether build() takes tokens, i32, and nothing else.
  virtual bool takes_tokens() const { return false; }
  /// build() of `x` in a type that the layer takes.
  graph::Value* apply(Builder& builder, graph::Value* x) const {
    return build(builder, takes_bf16() || takes_tokens() ? x : builder.as_f32(x));
  }

  /// Its name in the table of layer types, and its options as that type has them. A layer of an
  /// application's own that is in no table keeps the empty ones; a network with such a layer cannot
  /// be written to a model file.
  virtual std::string type() const { return {}; }
  virtual OptionValues options() const { return {}; }
  /// The same layer under another name: a branch's layers are called "residual_1/dense_1". Throws
  /// UsageError for layers that do not support it.
  virtual std::shared_ptr<const Layer> renamed(std::string name) const;

 private:
  std::string name_;
};

/// A layer of type `Self` with options in a struct. Self has `static OptionFields<Options>
/// fields()` and `static constexpr const char* kType`, and checks its options when constructed.
template <class Self, class OptionsType>
class LayerOf : public Layer {
 public:
  using Options = OptionsType;
  LayerOf(std::string name, Options options)
      : Layer(std::move(name)), options_(std::move(options)) {}
  std::string type() const override { return Self::kType; }
  OptionValues options() const override { return get_options(Self::fields(), options_); }
  std::shared_ptr<const Layer> renamed(std::string name) const override {
    return std::make_shared<Self>(std::move(name), options_);
  }

 protected:
  const Options options_;
};

}  // namespace engine
