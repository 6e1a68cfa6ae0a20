// The builder that an application writes networks with:
//
//   Network net(Shape{784});
//   net.dense(512).relu().dropout(0.2).dense(10);
//
// A network is a description. It is built into a graph once for each program (training, evaluation,
// prediction; full and partial batch), always with the same parameter names. Each kind of layer has
// a file of its own, which also puts it into the table that model files go by (layer_type.h).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/layers/layer.h"

namespace engine {

struct DenseOptions {
  std::int64_t units = 0;
  std::string activation = "linear";
  bool use_bias = true;
  Initializer kernel_initializer = Initializer::glorot_uniform();
  Initializer bias_initializer = Initializer::zeros();
};

struct EmbeddingOptions {
  std::int64_t input_dim = 0;
  std::int64_t output_dim = 0;
  Initializer embeddings_initializer = Initializer::uniform(0.05);
  /// Token 0 is padding: recurrent layers pass over its steps, up to one that returns no sequences.
  bool mask_zero = false;
};

/// Lists hold one number for all spatial dimensions, or one each.
struct ConvolutionOptions {
  std::int64_t filters = 0;
  std::vector<std::int64_t> kernel = {};
  std::vector<std::int64_t> stride = {1};
  std::vector<std::int64_t> dilation = {1};
  std::string padding = "valid";  ///< "same", or zeros on every side: "1"
  std::int64_t groups = 1;
  std::string activation = "linear";
  bool use_bias = true;
  Initializer kernel_initializer = Initializer::glorot_uniform();
  Initializer bias_initializer = Initializer::zeros();
};

struct PoolOptions {
  std::vector<std::int64_t> window = {};
  std::vector<std::int64_t> stride = {0};  ///< {0}: that of the window, side by side
  std::string padding = "valid";           ///< "same", or so much on every side: "1"
};

struct BatchNormOptions {
  double momentum = 0.99;
  double epsilon = 1e-3;
};

struct LayerNormOptions {
  double epsilon = 1e-3;
};

/// Of lstm and gru. Masks of drop-out are drawn once a step of training and serve all steps of the
/// sequences (Gal and Ghahramani, NIPS 2016).
struct RecurrentOptions {
  std::int64_t units = 0;
  bool return_sequences = false;  ///< the state after every step, or after the last one only
  bool reverse = false;           ///< from the last step to the first
  double dropout = 0;             ///< of x
  double recurrent_dropout = 0;   ///< of the state on its way into the product with its weights
  bool use_bias = true;
  Initializer kernel_initializer = Initializer::glorot_uniform();
  Initializer recurrent_initializer = Initializer::orthogonal();
};

struct LstmOptions : RecurrentOptions {
  Initializer bias_initializer = Initializer::unit_forget();
};

struct GruOptions : RecurrentOptions {
  bool reset_after = true;  ///< the reset gate acts after the product, as in cuDNN, or before it
  Initializer bias_initializer = Initializer::zeros();
};

struct AugmentOptions {
  double shift = 0;
  bool horizontal_flip = false;
};

/// Layers are called by their kind and number, "dense_2"; all throw UsageError, naming the layer
/// and the option, for options that make no sense.
class Network {
 public:
  /// A branch for residual() and concatenate(), whose input is what it is applied to.
  Network() : Network(Shape{}) {}
  /// `input` is the shape of one observation, of numbers, or of tokens where `dtype` is i32.
  explicit Network(Shape input, DType dtype = DType::f32)
      : input_(std::move(input)), input_dtype_(dtype) {}

  /// Fully connected, [B, features] to [B, units]: activation(x · weights + bias).
  Network& dense(std::int64_t units, DenseOptions options = {});
  /// Tokens i32[B, …] below `input_dim` to [B, …, output_dim]: rows of a trained table. Only as the
  /// first layer.
  Network& embedding(std::int64_t input_dim, std::int64_t output_dim,
                     EmbeddingOptions options = {});
  /// [B, channels, S...] of one to three spatial dimensions to [B, filters, P...]: activation(x ⋆
  /// weights + bias), as cross-correlation with `filters` filters of extents `kernel`.
  Network& convolution(std::int64_t filters, std::vector<std::int64_t> kernel,
                       ConvolutionOptions options = {});
  /// The largest element, or the mean, of every window over one to three spatial dimensions.
  Network& max_pool(std::vector<std::int64_t> window, PoolOptions options = {});
  Network& average_pool(std::vector<std::int64_t> window, PoolOptions options = {});
  /// The largest element, or the mean, of every channel: [B, channels, S...] to [B, channels].
  Network& global_max_pool();
  Network& global_average_pool();
  /// An element-wise function by its name (activation_names() in activation.h): "tanh", or "elu"
  /// with the options {{"alpha", 0.5}}.
  Network& activation(const std::string& function, const OptionValues& options = {});
  Network& relu() { return activation("relu"); }
  /// Drops with probability `rate` in [0, 1) in training, nothing otherwise.
  Network& dropout(double rate);
  /// Of images [B, C, H, W], in training: each moves by a random whole number of pixels, at most
  /// `shift` in [0, 1) of its height and of its width, the edge's pixels moving in, and is mirrored
  /// with probability one half where that is asked for. Nothing otherwise. Only before the first
  /// layer with parameters: no gradient passes.
  Network& augment(AugmentOptions options = {});
  /// Over the last axis. Before a softmax cross-entropy it is superfluous: that takes logits.
  Network& softmax();
  Network& log_softmax();
  /// Any shape to [B, features].
  Network& flatten();
  /// To [B, shape…], of as many elements; one extent may be -1, which is what makes them as many.
  Network& reshape(std::vector<std::int64_t> shape);
  /// Of axis 1, the channels, over all others.
  Network& batch_norm(BatchNormOptions options = {});
  /// Over the last axis.
  Network& layer_norm(LayerNormOptions options = {});
  /// Of sequences [B, T, features]: to [B, T, units] with return_sequences, else [B, units].
  Network& lstm(std::int64_t units, LstmOptions options = {});
  Network& gru(std::int64_t units, GruOptions options = {});
  /// The recurrent layer that `layer` consists of, forwards and backwards, side by side along the
  /// last axis. The second one has weights of its own.
  Network& bidirectional(const Network& layer);
  /// `branch`, applied to every step [B, ...] of [B, T, ...].
  Network& time_distributed(const Network& branch);
  /// [B, features] to [B, count, features]: the same at every step.
  Network& repeat_vector(std::int64_t count);
  /// `count` steps of [B, T, ...] from `begin` on.
  Network& slice(std::int64_t begin, std::int64_t count);
  /// shortcut(x) + branch(x), which must have the same shape; x itself without a shortcut.
  Network& residual(const Network& branch, const Network& shortcut = {});
  /// x and branch(x) side by side along axis 1.
  Network& concatenate(const Network& branch);

  /// By the name of a layer type. Throws OptionError.
  Network& add(const std::string& type, const OptionValues& options);
  /// A layer of the application's own; its name must be new.
  Network& add(std::shared_ptr<const Layer> layer);

  /// The network up to the layer `name` and with it, whose output then is the network's. Throws
  /// UsageError naming the layers there are; those within branches are not.
  Network up_to(const std::string& name) const;

  const Shape& input() const { return input_; }
  DType input_dtype() const { return input_dtype_; }
  const LayerList& layers() const { return layers_; }
  /// Emits all layers in order; throws ShapeError naming the layer that does not fit.
  graph::Value* build(Builder& builder, graph::Value* x) const;

  /// Adds a layer of class L, derived from LayerOf: what the methods above come down to.
  template <class L>
  Network& append(typename L::Options options) {
    const std::string name = next_name(L::kType);
    try {
      add(std::make_shared<L>(name, std::move(options)));
      ++numbers_[L::kType];
      return *this;
    } catch (const OptionError& error) {
      throw UsageError(name + ": " + error.what());
    }
  }

 private:
  std::string next_name(const std::string& kind) const;
  Shape input_;
  DType input_dtype_;
  LayerList layers_;
  std::map<std::string, int> numbers_;
};

/// One line of a summary.
struct LayerSummary {
  std::string name, description;
  Shape output;  ///< of one observation
  std::int64_t parameters;
  double forward_flops;  ///< for one observation
};

/// Sums up layers one by one as they are put one after another.
class Summarizer {
 public:
  /// Of a network with the input of `network`.
  explicit Summarizer(const Network& network);
  /// Throws ShapeError when the layer does not fit what comes before.
  LayerSummary add(const Layer& layer);

 private:
  graph::Graph graph_;
  Builder builder_;
  graph::Value* x_;  // what the last layer gave
};

std::vector<LayerSummary> summarize(const Network& network);

}  // namespace engine
