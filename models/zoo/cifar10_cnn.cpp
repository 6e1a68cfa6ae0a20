// Keras' cifar10_cnn example, with its augmentation.
#include "models/zoo/zoo.h"

namespace engine {

ModelDefinition cifar10_cnn() {
  Network network(Shape{3, 32, 32});
  network.augment({.shift = 0.1, .horizontal_flip = true});
  const ConvolutionOptions same{.padding = "same"};
  network.convolution(32, {3}, same).relu().convolution(32, {3}).relu().max_pool({2});
  network.dropout(0.25);
  network.convolution(64, {3}, same).relu().convolution(64, {3}).relu().max_pool({2});
  network.dropout(0.25).flatten().dense(512).relu().dropout(0.5).dense(10);
  ModelDefinition model{"cifar10-cnn",
                        "Keras' CNN on CIFAR-10: four convolutions, images shifted and mirrored",
                        network};
  model.batch = 32;
  model.epochs = 50;
  model.optimizer = {.name = "rmsprop",
                     .learning_rate = 1e-4,
                     .rho = 0.9,
                     .epsilon = 1e-7,
                     .schedule = {.kind = ScheduleKind::decay, .factor = 1e-6}};
  return model;
}

}  // namespace engine
