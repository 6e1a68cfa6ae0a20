// Keras' mnist_hierarchical_rnn example: an LSTM reads the pixels of every row, another one the
// rows (Li, Luong, Jurafsky, ACL 2015, of sentences and documents).
#include "models/zoo/zoo.h"

namespace engine {

ModelDefinition mnist_hrnn() {
  Network network(Shape{28, 28, 1});
  network.time_distributed(Network().lstm(128)).lstm(128).dense(10);
  ModelDefinition model{"mnist-hrnn", "Keras' hierarchical RNN on MNIST: an LSTM of LSTMs",
                        network};
  model.batch = 32;
  model.epochs = 5;
  model.optimizer = {.name = "rmsprop", .learning_rate = 1e-3, .rho = 0.9, .epsilon = 1e-7};
  return model;
}

}  // namespace engine
