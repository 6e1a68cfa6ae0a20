// Trains a network with an op of the application's own, on the device named on the command line.
#include <iostream>

#include "softsign.h"

int main(int argc, char** argv) {
  const std::string run = argc > 1 ? argv[1] : "custom-op-run";
  const std::string device = argc > 2 ? argv[2] : "auto";
  try {
    example::register_softsign();
    engine::Network network(engine::Shape{30});
    network.dense(16);
    network.add(std::make_shared<example::SoftsignLayer>("softsign_1"));
    network.dense(4);
    engine::ModelDefinition model{"custom-op", "a hidden layer with softsign", network};
    model.classes = 4;
    model.batch = 50;
    engine::TrainSettings settings = engine::default_settings(model);
    settings.data = "synthetic:600";
    settings.epochs = 4;
    settings.device = device;
    settings.optimizer.learning_rate = 0.5;
    engine::Callback nothing;
    const engine::TrainResult result =
        engine::train(model, settings, {.out = run, .resume = ""}, nothing);
    std::cout << "test accuracy " << *result.test.accuracy << " on " << device << '\n';
    return *result.test.accuracy > 0.9 ? 0 : 1;
  } catch (const engine::Error& error) {
    std::cerr << "custom_op: " << error.what() << '\n';
    return 1;
  }
}
