// Loads the checkpoint of a reference model and classifies: predict MODEL CHECKPOINT.
#include <engine.h>

#include <algorithm>
#include <iostream>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: predict MODEL CHECKPOINT\n";
    return 2;
  }
  try {
    const engine::ModelDefinition model = engine::find_model(argv[1]);
    engine::InferenceSession session(model, argv[2], 8, engine::DType::u8);
    const auto data = engine::open_dataset("synthetic:60", {model.network.input(), model.classes});
    std::vector<std::uint8_t> observations;
    data->read_observations(engine::Part::test, [&](std::span<const std::byte> bytes) {
      for (std::byte byte : bytes) observations.push_back(std::to_integer<std::uint8_t>(byte));
    });
    const std::vector<float> logits = session.predict(std::span<const std::uint8_t>(observations));
    for (auto row = logits.begin(); row != logits.end(); row += session.output_size())
      std::cout << std::max_element(row, row + session.output_size()) - row << '\n';
    return 0;
  } catch (const engine::Error& error) {
    std::cerr << "predict: " << error.what() << '\n';
    return 1;
  }
}
