// Keras' imdb_lstm example.
#include "models/zoo/zoo.h"

namespace engine {

ModelDefinition imdb_lstm() {
  constexpr std::int64_t kVocabulary = 20000, kTokens = 80;
  Network network(Shape{kTokens}, DType::i32);
  network.embedding(kVocabulary, 128).lstm(128, {{.dropout = 0.2, .recurrent_dropout = 0.2}});
  network.dense(1);
  ModelDefinition model{"imdb-lstm", "Keras' LSTM with drop-out on IMDB reviews", network};
  model.text = {kVocabulary, {kTokens}, Padding::left};
  model.classes = 2;
  model.loss = Loss::sigmoid_cross_entropy;
  model.batch = 32;
  model.epochs = 15;
  model.optimizer = {.name = "adam", .learning_rate = 1e-3, .epsilon = 1e-7};
  return model;
}

}  // namespace engine
