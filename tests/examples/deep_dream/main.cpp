// Images that a network likes to see (Mordvintsev, Olah, Tyka, 2015): trains a small one to tell
// stripes of three directions apart, then changes gray noise so that what is asked for rises, by
// gradient ascent on the image: deep_dream FOLDER [DEVICE [LAYER CHANNEL]]. FOLDER gets the run and
// before.png and after.png. Without a layer the logit of the class "vertical" rises.
#include <engine.h>
#include <png.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iostream>
#include <string>
#include <vector>

namespace {

constexpr int kSide = 24;
constexpr int kPixels = kSide * kSide;
constexpr int kClasses = 3;  // horizontal, vertical, diagonal
constexpr int kSteps = 60;
constexpr float kRate = 0.02f;  // what a step changes of a pixel in [0, 1], root mean square

using Pixels = std::vector<float>;

Pixels noise(float middle, float width, std::uint64_t seed) {
  const engine::RandomKey key = engine::random_key(seed, "noise");
  Pixels pixels;
  for (std::uint64_t i = 0; i < kPixels; ++i)
    pixels.push_back(middle +
                     width * static_cast<float>(
                                 engine::uniform_from_word(engine::random_word(key, 0, i)) - 0.5));
  return pixels;
}

// `count` images of stripes under noise, whose width and place differ.
engine::ArrayPart stripes(int count, std::uint64_t seed) {
  std::vector<float> images;
  std::vector<std::uint8_t> labels;
  for (int n = 0; n < count; ++n) {
    const int kind = n % kClasses;
    const Pixels under = noise(0.5f, 0.6f, seed * 1000003 + static_cast<std::uint64_t>(n));
    const double frequency = 0.8 + 0.05 * (n % 11), phase = 0.7 * (n % 9);
    for (int y = 0; y < kSide; ++y)
      for (int x = 0; x < kSide; ++x) {
        const double along = kind == 0 ? y : kind == 1 ? x : 0.7 * (x + y);
        images.push_back(under[static_cast<std::size_t>(y * kSide + x)] +
                         0.2f * static_cast<float>(std::sin(frequency * along + phase)));
      }
    labels.push_back(static_cast<std::uint8_t>(kind));
  }
  return {images, labels};
}

engine::ModelDefinition stripes_model() {
  engine::Network network(engine::Shape{1, kSide, kSide});
  network.convolution(8, {5}).relu().max_pool({2}).convolution(16, {3}).relu();
  network.global_average_pool().dense(kClasses);
  engine::ModelDefinition model{"stripes", "stripes of three directions", network};
  model.classes = kClasses;
  model.batch = 32;
  return model;
}

void train(const engine::ModelDefinition& model, const std::string& run,
           const std::string& device) {
  engine::TrainSettings settings = engine::default_settings(model);
  settings.epochs = 6;
  settings.device = device;
  settings.autotune = "off";  // too small for its kernels to be worth measuring
  settings.optimizer = engine::default_optimizer("adam");
  settings.optimizer.learning_rate = 0.005;
  engine::Callback silent;
  const engine::TrainResult result = engine::train(
      model,
      engine::make_dataset(model.network.input(), kClasses, stripes(1200, 1), stripes(300, 2)),
      settings, {.out = run, .resume = ""}, silent);
  std::cout << "test accuracy " << *result.test.accuracy << '\n';
}

void write_png(const std::string& path, const Pixels& image) {
  std::vector<std::uint8_t> bytes;
  for (float pixel : image) bytes.push_back(static_cast<std::uint8_t>(std::lround(255 * pixel)));
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = png.height = kSide;
  png.format = PNG_FORMAT_GRAY;
  if (png_image_write_to_file(&png, path.c_str(), 0, bytes.data(), 0, nullptr) == 0)
    throw engine::FileError(path + ": " + png.message);
}

// The weights that make Σ weights · outputs the mean of a channel, or one class's logit.
std::vector<float> channel_weights(const engine::Shape& outputs, std::int64_t channel) {
  if (channel < 0 || channel >= outputs[1])
    throw engine::UsageError("CHANNEL: expected a number below " + std::to_string(outputs[1]));
  const std::int64_t positions = outputs.elements_after(1);
  std::vector<float> weights(static_cast<std::size_t>(outputs.elements_after(0)));
  std::fill_n(weights.begin() + channel * positions, positions, 1 / static_cast<float>(positions));
  return weights;
}

// -1, which no channel is, for what is not a number.
std::int64_t number(const std::string& text) {
  std::int64_t value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? value : -1;
}

double score(const std::vector<float>& outputs, const std::vector<float>& weights) {
  double sum = 0;
  for (std::size_t i = 0; i < outputs.size(); ++i) sum += outputs[i] * weights[i];
  return sum;
}

// A step uphill, as long wherever it is taken: how steep a score is differs by orders of magnitude.
void climb(Pixels& image, const std::vector<float>& gradient) {
  double squares = 0;
  for (float g : gradient) squares += static_cast<double>(g) * g;
  const float scale = kRate / static_cast<float>(std::sqrt(squares / kPixels) + 1e-12);
  for (std::size_t i = 0; i < image.size(); ++i)
    image[i] = std::clamp(image[i] + scale * gradient[i], 0.0f, 1.0f);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc == 4 || argc > 5) {
    std::cerr << "usage: deep_dream FOLDER [DEVICE [LAYER CHANNEL]]\n";
    return 2;
  }
  const std::string folder = argv[1], device = argc > 2 ? argv[2] : "auto";
  try {
    engine::ModelDefinition model = stripes_model();
    train(model, folder, device);
    if (argc > 3) model.network = model.network.up_to(argv[3]);

    engine::RuntimeOptions options;
    options.device = device;
    options.tuner.mode = engine::Autotune::off;
    engine::InputGradientSession session(model, folder + "/checkpoints/best.safetensors", 1,
                                         options);
    const std::vector<float> weights =
        channel_weights(session.output_shape(), argc > 4 ? number(argv[4]) : 1);
    Pixels image = noise(0.5f, 0.1f, 3);
    write_png(folder + "/before.png", image);
    const double before = score(session.run(image, weights).outputs, weights);
    for (int step = 0; step < kSteps; ++step) climb(image, session.run(image, weights).gradient);
    write_png(folder + "/after.png", image);
    const double after = score(session.run(image, weights).outputs, weights);
    std::cout << "score " << before << " before, " << after << " after\n";
    return after > before + 1 ? 0 : 1;
  } catch (const engine::Error& error) {
    std::cerr << "deep_dream: " << error.what() << '\n';
    return 1;
  }
}
