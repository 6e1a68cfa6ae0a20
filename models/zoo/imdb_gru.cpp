// Karmanov's GRU on IMDB, of his comparison of ten frameworks.
#include "models/zoo/zoo.h"

namespace engine {

ModelDefinition imdb_gru() {
  constexpr std::int64_t kVocabulary = 30000, kTokens = 150;
  Network network(Shape{kTokens}, DType::i32);
  network.embedding(kVocabulary, 125).gru(100).dense(2);
  ModelDefinition model{"imdb-gru", "Karmanov's GRU on IMDB reviews", network};
  model.text = {kVocabulary, {kTokens}, Padding::right};
  model.classes = 2;
  model.batch = 64;
  model.epochs = 3;
  model.partial_batches = false;
  model.optimizer = {.name = "adam", .learning_rate = 1e-3, .epsilon = 1e-8};
  return model;
}

}  // namespace engine
