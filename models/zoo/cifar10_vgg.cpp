// The CNN of Karmanov's comparison of frameworks.
#include "models/zoo/zoo.h"

namespace engine {

ModelDefinition cifar10_vgg() {
  Network network(Shape{3, 32, 32});
  const ConvolutionOptions same{.padding = "same"};
  network.convolution(50, {3}, same).relu().convolution(50, {3}, same).max_pool({2}).relu();
  network.dropout(0.25);
  network.convolution(100, {3}, same).relu().convolution(100, {3}, same).max_pool({2}).relu();
  network.dropout(0.25).flatten().dense(512).relu().dropout(0.5).dense(10);
  ModelDefinition model{"cifar10-vgg",
                        "Karmanov's CNN on CIFAR-10: four convolutions, two dense layers", network};
  model.batch = 64;
  model.epochs = 10;
  model.partial_batches = false;
  model.optimizer = {.name = "sgd", .learning_rate = 0.01, .momentum = 0.9};
  return model;
}

}  // namespace engine
