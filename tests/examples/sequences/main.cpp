// A recurrent network on sequences of different lengths: which of two markers came last?
// sequences RUN [DEVICE]. Sequences are padded on the left, the padding is passed over, and they
// are trained on in buckets of their lengths.
#include <engine.h>

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

namespace {

constexpr std::int32_t kFirstMarker = 1, kSecondMarker = 2, kTokens = 12;
constexpr std::int64_t kLongest = 24;

// `count` sequences and which marker came last in each. Draws by counter: the same everywhere.
engine::ArrayPart sequences(int count, std::uint64_t seed) {
  const engine::RandomKey key = engine::random_key(seed, "sequences");
  std::vector<std::int32_t> tokens;
  std::vector<std::uint8_t> labels;
  for (int i = 0; i < count; ++i) {
    const auto below = [&](std::uint64_t which, std::int64_t bound) {
      const auto word = engine::random_word(key, which, static_cast<std::uint64_t>(i));
      return static_cast<std::int64_t>(engine::uniform_from_word(word) *
                                       static_cast<double>(bound));
    };
    const std::int64_t length = 2 + below(100, kLongest - 1);
    std::vector<std::int32_t> sequence;
    for (std::int64_t n = 0; n < length; ++n)
      sequence.push_back(
          static_cast<std::int32_t>(1 + below(static_cast<std::uint64_t>(n), kTokens - 1)));
    sequence[static_cast<std::size_t>(below(101, length))] =
        below(102, 2) == 0 ? kFirstMarker : kSecondMarker;
    const auto last = std::find_if(sequence.rbegin(), sequence.rend(), [](std::int32_t token) {
      return token == kFirstMarker || token == kSecondMarker;
    });
    labels.push_back(*last == kSecondMarker);
    tokens.resize(tokens.size() + kLongest);
    engine::place_tokens(sequence, engine::Padding::left, std::span(tokens).last(kLongest));
  }
  return {tokens, labels};
}

}  // namespace

int main(int argc, char** argv) {
  const std::string run = argc > 1 ? argv[1] : "sequences-run";
  const std::string device = argc > 2 ? argv[2] : "auto";
  try {
    engine::Network network(engine::Shape{kLongest}, engine::DType::i32);
    network.embedding(kTokens, 8, {.mask_zero = true}).gru(24).dense(2);
    engine::ModelDefinition model{"sequences", "which marker came last", network};
    model.classes = 2;
    model.batch = 32;
    model.text = engine::TextFormat{kTokens, {kLongest}, engine::Padding::left};

    engine::TrainSettings settings = engine::default_settings(model);
    settings.epochs = 12;
    settings.buckets = 4;
    settings.device = device;
    settings.autotune = "off";  // too small for its kernels to be worth measuring
    settings.optimizer = engine::default_optimizer("adam");
    settings.optimizer.learning_rate = 0.01;

    auto data = engine::make_dataset(network.input(), model.classes, sequences(2000, 1),
                                     sequences(400, 2), kTokens);
    engine::Callback silent;
    const engine::TrainResult result =
        engine::train(model, std::move(data), settings, {.out = run, .resume = ""}, silent);
    std::cout << "test accuracy " << *result.test.accuracy << '\n';

    engine::RuntimeOptions options;
    options.device = device;
    engine::InferenceSession session(model, run + "/checkpoints/best.safetensors", 16,
                                     engine::DType::i32, options);
    const engine::ArrayPart fresh = sequences(200, 3);
    const auto& labels = std::get<std::vector<std::uint8_t>>(fresh.targets);
    const std::vector<float> logits =
        session.predict(std::get<std::vector<std::int32_t>>(fresh.observations));
    int right = 0;
    for (std::size_t i = 0; i < labels.size(); ++i)
      right += (logits[2 * i + 1] > logits[2 * i]) == (labels[i] == 1);
    std::cout << right << " of " << labels.size() << " new sequences are right\n";
    return right > 185 ? 0 : 1;
  } catch (const engine::Error& error) {
    std::cerr << "sequences: " << error.what() << '\n';
    return 1;
  }
}
