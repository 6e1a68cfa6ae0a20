// Keras' babi_rnn example: a question, read by an LSTM, is added to every word of a story, which
// another one then reads.
#include "models/zoo/zoo.h"

namespace engine {
namespace {

Network babi_network(const TextFormat& text) {
  constexpr std::int64_t kWidth = 50;
  constexpr double kDrop = 0.3;
  const std::int64_t story = text.segments.at(0), question = text.segments.at(1);
  const auto words = [&](std::int64_t begin, std::int64_t count) {
    return Network().slice(begin, count).embedding(text.vocabulary, kWidth).dropout(kDrop);
  };
  Network network(Shape{text.length()}, DType::i32);
  network.residual(words(0, story), words(story, question).lstm(kWidth).repeat_vector(story));
  return network.lstm(kWidth).dropout(kDrop).dense(text.vocabulary);
}

}  // namespace

ModelDefinition babi_rnn() {
  const TextFormat qa2{36, {552, 5}, Padding::left};
  ModelDefinition model{"babi-rnn", "Keras' LSTMs on a task of bAbI: a story and a question",
                        babi_network(qa2)};
  model.text = qa2;
  model.make_network = [](const DatasetNature& data) { return babi_network(data.text.value()); };
  model.classes = 36;
  model.batch = 32;
  model.epochs = 40;
  model.optimizer = {.name = "adam", .learning_rate = 1e-3, .epsilon = 1e-7};
  return model;
}

}  // namespace engine
