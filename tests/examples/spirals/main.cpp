// An application that builds, trains and uses a small network of its own: which of three spirals
// does a point in the plane lie on?
#include <engine.h>

#include <cmath>
#include <iostream>
#include <vector>

namespace {

constexpr int kSpirals = 3;

// `count` points, shared out among the spirals, with a little noise. Draws by counter: the same
// points on every machine.
engine::ArrayPart spirals(int count, std::uint64_t seed) {
  const engine::RandomKey key = engine::random_key(seed, "spirals");
  std::vector<float> points;
  std::vector<std::uint8_t> labels;
  for (int i = 0; i < count; ++i) {
    const auto draw = [&](std::uint64_t which) {
      return engine::uniform_from_word(
          engine::random_word(key, which, static_cast<std::uint64_t>(i)));
    };
    const int spiral = i % kSpirals;
    const double radius = draw(0);
    const double angle = 4 * radius + spiral * 2 * 3.14159265 / kSpirals + 0.15 * (draw(1) - 0.5);
    points.push_back(static_cast<float>(radius * std::cos(angle)));
    points.push_back(static_cast<float>(radius * std::sin(angle)));
    labels.push_back(static_cast<std::uint8_t>(spiral));
  }
  return {points, labels};
}

struct Printer : engine::Callback {
  void on_epoch(const engine::EpochMetrics& epoch, engine::TrainControl& control) override {
    if (epoch.epoch % 10 == 0)
      std::cout << "epoch " << epoch.epoch << ": accuracy " << *epoch.validation_accuracy << '\n';
    if (*epoch.validation_accuracy > 0.995) control.stop("good enough");
  }
};

}  // namespace

int main(int argc, char** argv) {
  const std::string run = argc > 1 ? argv[1] : "spirals-run";
  const std::string device = argc > 2 ? argv[2] : "auto";
  try {
    engine::Network network(engine::Shape{2});
    network.dense(64).relu().dense(64).relu().dense(kSpirals);
    engine::ModelDefinition model{"spirals", "three spirals in the plane", network};
    model.classes = kSpirals;
    model.batch = 64;

    engine::TrainSettings settings = engine::default_settings(model);
    settings.epochs = 60;
    settings.device = device;
    settings.optimizer = engine::default_optimizer("adam");
    settings.optimizer.learning_rate = 0.01;

    auto data = engine::make_dataset(network.input(), kSpirals, spirals(3000, 1), spirals(600, 2));
    Printer printer;
    const engine::TrainResult result =
        engine::train(model, std::move(data), settings, {.out = run, .resume = ""}, printer);
    std::cout << "test accuracy " << *result.test.accuracy << '\n';

    // The trained network answers for points that it has not seen.
    engine::RuntimeOptions options;
    options.device = device;
    engine::InferenceSession session(model, run + "/checkpoints/best.safetensors", 16,
                                     engine::DType::f32, options);
    const engine::ArrayPart fresh = spirals(300, 3);
    const auto& labels = std::get<std::vector<std::uint8_t>>(fresh.targets);
    const std::vector<float> logits =
        session.predict(std::get<std::vector<float>>(fresh.observations));
    int right = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const float* row = logits.data() + i * kSpirals;
      right += std::max_element(row, row + kSpirals) - row == labels[i];
    }
    std::cout << right << " of " << labels.size() << " new points are right\n";
    return right > 285 ? 0 : 1;
  } catch (const engine::Error& error) {
    std::cerr << "spirals: " << error.what() << '\n';
    return 1;
  }
}
