// Keras' mnist_cnn example.
#include "models/zoo/zoo.h"

namespace engine {

ModelDefinition mnist_cnn() {
  Network network(Shape{1, 28, 28});
  network.convolution(32, {3}).relu().convolution(64, {3}).relu().max_pool({2}).dropout(0.25);
  network.flatten().dense(128).relu().dropout(0.5).dense(10);
  ModelDefinition model{"mnist-cnn", "Keras' CNN on MNIST: two convolutions, two dense layers",
                        network};
  model.batch = 128;
  model.epochs = 12;
  model.optimizer = {.name = "adadelta", .learning_rate = 1, .rho = 0.95, .epsilon = 1e-7};
  return model;
}

}  // namespace engine
