// Keras' mnist_mlp example: two hidden layers of 512 with drop-out.
#include "models/zoo/zoo.h"

namespace engine {

ModelDefinition mnist_mlp() {
  Network network(Shape{784});
  network.dense(512).relu().dropout(0.2).dense(512).relu().dropout(0.2).dense(10);
  ModelDefinition model{"mnist-mlp", "Keras' example on MNIST: 784-512-512-10 with drop-out",
                        network};
  model.batch = 128;
  model.epochs = 20;
  model.optimizer = {.name = "rmsprop", .learning_rate = 1e-3, .rho = 0.9, .epsilon = 1e-7};
  return model;
}

}  // namespace engine
