// Every kernel of every back end present against the references, over the table of cases, and the
// promises of the kernels' headers that a bound on errors cannot express.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <iostream>
#include <limits>
#include <map>
#include <memory>
#include <set>

#include "engine/core/rng.h"
#include "engine/device/backend.h"
#include "engine/tune/registry.h"
#include "kernels/dense.h"
#include "kernels/gather.h"
#include "ops/registry.h"
#include "tests/support/op_case.h"

namespace engine::test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::string printable(std::string name) {
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

class KernelParity : public testing::TestWithParam<std::tuple<std::string, std::string>> {};

TEST_P(KernelParity, EveryCandidateMatchesTheReference) {
  initialize();
  const auto& [device_name, op] = GetParam();
  const auto device = open_device(device_name);
  const auto candidates = CandidateRegistry::global().find(op, device->backend());
  ASSERT_FALSE(candidates.empty()) << "no candidate of " << op << " on " << device_name;
  double worst = 0;
  std::map<std::string, int> exact;  // shapes, by candidate
  for (const OpCase& test : CaseTable::global().of(op)) {
    if (test.large && !run_large_cases()) continue;
    int configurations = 0;
    for (const KernelCandidate* candidate : candidates) {
      const CaseResult result = check_case(test, *device, *candidate);
      for (const std::string& failure : result.failures) ADD_FAILURE() << failure;
      EXPECT_TRUE(result.configurations > 0 || !result.refusal.empty())
          << candidate->id() << " neither solves nor refuses " << test.name;
      configurations += result.configurations;
      if (test.exact && result.configurations > 0) ++exact[candidate->id()];
      worst = std::max(worst, result.worst);
    }
    EXPECT_GT(configurations, 0) << "nothing solves " << op << " '" << test.name << "'";
  }
  RecordProperty("worst_error_in_eps", std::to_string(worst));
  for (const auto& [id, shapes] : exact) RecordProperty(printable(id) + "_exact_cases", shapes);
}

INSTANTIATE_TEST_SUITE_P(Ops, KernelParity,
                         testing::Combine(testing::ValuesIn(test_devices()),
                                          testing::ValuesIn(CaseTable::global().ops())),
                         [](const auto& test) {
                           return printable(std::get<0>(test.param) + "_" +
                                            std::get<1>(test.param));
                         });

TEST(OpCases, CoverEveryOp) {
  initialize();
  for (const std::string& op : ReferenceRegistry::global().ops()) {
    EXPECT_FALSE(CaseTable::global().of(op).empty()) << op;
    for (const OpCase& test : CaseTable::global().of(op))
      EXPECT_EQ(test.draws.size(), test.types.size()) << op << " '" << test.name << "'";
  }
}

// Shapes on which all convolutions must agree to the last bit, each run by every candidate that
// takes it in EveryCandidateMatchesTheReference.
TEST(OpCases, HaveManyExactConvolutions) {
  initialize();
  for (const char* op :
       {"convolution", "convolution_input_gradient", "convolution_weight_gradient"}) {
    std::set<std::string> shapes;
    for (const OpCase& test : CaseTable::global().of(op))
      if (test.exact && !test.large) shapes.insert(test.problem().key());
    std::cout << op << ": " << shapes.size() << " exact shapes\n";
    RecordProperty(std::string(op) + "_exact_shapes", static_cast<int>(shapes.size()));
    EXPECT_GE(shapes.size(), 300u) << op;
  }
}

// Runs every configuration of every candidate of a problem on host data, on one device.
class KernelPromise : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    initialize();
    device_ = open_device(GetParam());
    stream_ = device_->make_stream();
  }

  // Calls check(id, first output) after a launch over `inputs`, one vector of elements an input.
  template <class Out, class Check, class... In>
  void each(const Problem& problem, const Check& check, const std::vector<In>&... inputs) {
    std::vector<Buffer> buffers;
    std::vector<TensorView> in, out;
    const auto upload = [&](const auto& values) {
      const TensorType& type = problem.inputs[in.size()];
      ASSERT_EQ(values.size() * sizeof values[0], type.bytes());
      buffers.emplace_back(*device_, type.bytes());
      stream_->copy_to_device(buffers.back().data(), values.data(), type.bytes());
      in.push_back({type, buffers.back().data()});
    };
    (upload(inputs), ...);
    for (const TensorType& type : problem.outputs) {
      buffers.emplace_back(*device_, type.bytes());
      out.push_back({type, buffers.back().data()});
    }
    int runs = 0;
    for (const auto* candidate : CandidateRegistry::global().find(problem.op, device_->backend()))
      for (const auto& configuration : candidate->query(problem, *device_).configurations) {
        const Buffer workspace(*device_, configuration.workspace);
        const auto kernel = candidate->prepare(problem, configuration, *device_);
        kernel->launch({in, out, workspace.data(), *stream_});
        std::vector<Out> values(static_cast<std::size_t>(problem.outputs[0].element_count()));
        stream_->copy_to_host(values.data(), out[0].data, problem.outputs[0].bytes());
        stream_->synchronize();
        check(candidate->id(), values);
        ++runs;
      }
    EXPECT_GT(runs, 0);
  }

  static Problem problem(const std::string& op, Attributes attributes,
                         std::vector<TensorType> inputs, TensorType output) {
    Problem result;
    result.op = op;
    result.attributes = std::move(attributes);
    result.inputs = std::move(inputs);
    result.outputs = {std::move(output)};
    return result;
  }
  static TensorType floats(Shape shape) { return {std::move(shape), DType::f32}; }
  static TensorType integers(Shape shape) { return {std::move(shape), DType::i32}; }
  static TensorType step() { return {Shape{}, DType::i64}; }

  std::unique_ptr<Device> device_;
  std::unique_ptr<Stream> stream_;
};

TEST_P(KernelPromise, ReluPassesNanAndClearsTheSignOfZero) {
  const std::vector<float> x{-0.0f, 0.0f, kNan, -kInfinity, kInfinity, -1.0f, 1e-42f};
  each<float>(
      problem("relu", {}, {floats({7})}, floats({7})),
      [](const std::string& id, const std::vector<float>& y) {
        EXPECT_FALSE(std::signbit(y[0])) << id;
        EXPECT_EQ(y[1], 0) << id;
        EXPECT_TRUE(std::isnan(y[2])) << id;
        EXPECT_EQ(y[3], 0) << id;
        EXPECT_EQ(y[4], kInfinity) << id;
        EXPECT_EQ(y[5], 0) << id;
        EXPECT_GE(y[6], 0) << id;
      },
      x);
}

TEST_P(KernelPromise, ReluGradientIsZeroWhereTheOutputIs) {
  const std::vector<float> dy{1, 2, kNan, kInfinity, 5}, y{0, -0.0f, 0, 0, 1};
  each<float>(
      problem("relu_gradient", Attributes().set("scale", 2.0), {floats({5}), floats({5})},
              floats({5})),
      [](const std::string& id, const std::vector<float>& dx) {
        EXPECT_EQ(dx, (std::vector<float>{0, 0, 0, 0, 10})) << id;
      },
      dy, y);
}

TEST_P(KernelPromise, DenseWithReluShowsNan) {
  const DenseAttributes attributes{Activation::relu, {}};
  std::vector<float> x(64 * 32, 1.0f);
  x[0] = kNan;
  each<float>(
      problem("dense", attributes.to_attributes(),
              {floats({64, 32}), floats({32, 16}), floats({16})}, floats({64, 16})),
      [](const std::string& id, const std::vector<float>& y) {
        EXPECT_TRUE(std::isnan(y[0])) << id;
        EXPECT_TRUE(std::isnan(y[15])) << id;
        EXPECT_EQ(y[16], 16.0f) << id;
      },
      x, std::vector<float>(32 * 16, 0.5f), std::vector<float>(16, 0.0f));
}

TEST_P(KernelPromise, DropoutDrawsTheSharedMask) {
  constexpr std::size_t count = 100003;
  constexpr std::int64_t at = (std::int64_t{1} << 33) + 5;
  Attributes attributes;
  const DropoutAttributes dropout{0.3, random_key(7, "dropout")};
  dropout.add_to(attributes);
  each<float>(
      problem("dropout", attributes, {floats({count}), step()}, floats({count})),
      [&](const std::string& id, const std::vector<float>& y) {
        std::size_t kept = 0, wrong = 0;
        for (std::size_t e = 0; e < count; ++e) {
          const bool expected = random_word(dropout.key, at, e) >= dropout.threshold();
          wrong += expected != (y[e] != 0);
          kept += expected;
        }
        EXPECT_EQ(wrong, 0u) << id;
        // Four standard deviations of a binomial.
        EXPECT_NEAR(static_cast<double>(kept), 0.7 * count, 4 * std::sqrt(0.21 * count)) << id;
      },
      std::vector<float>(count, 1.0f), std::vector<std::int64_t>{at});
}

TEST_P(KernelPromise, LabelsOutOfRangeGiveNanAndTouchNothing) {
  const std::vector<float> logits{1, 2, 3, 4, 5, 6};
  for (std::int32_t stray : {-1, 3, std::numeric_limits<std::int32_t>::max(),
                             std::numeric_limits<std::int32_t>::min()}) {
    const std::vector<std::int32_t> labels{1, stray};
    each<float>(
        problem("softmax_cross_entropy", {}, {floats({2, 3}), integers({2})}, floats({})),
        [](const std::string& id, const auto& loss) { EXPECT_TRUE(std::isnan(loss[0])) << id; },
        logits, labels);
    each<float>(
        problem("softmax_cross_entropy_gradient", {}, {floats({2, 3}), integers({2}), floats({})},
                floats({2, 3})),
        [](const std::string& id, const auto& gradient) {
          for (int i = 0; i < 6; ++i) EXPECT_EQ(std::isnan(gradient[i]), i >= 3) << id << ' ' << i;
        },
        logits, labels, std::vector<float>{1.0f});
    each<std::int32_t>(
        problem("accuracy", {}, {floats({2, 3}), integers({2})}, integers({})),
        [](const std::string& id, const auto& correct) { EXPECT_EQ(correct[0], 0) << id; }, logits,
        labels);
  }
}

TEST_P(KernelPromise, SoftmaxSurvivesLargeLogits) {
  const std::vector<float> logits{1e30f, -1e30f, 0, 88.0f, 89.0f, -200.0f};
  each<float>(
      problem("softmax_cross_entropy_gradient", {}, {floats({2, 3}), integers({2}), floats({})},
              floats({2, 3})),
      [](const std::string& id, const auto& gradient) {
        EXPECT_EQ(gradient[0], 0.0f) << id;
        EXPECT_EQ(gradient[1], 0.0f) << id;
        EXPECT_NEAR(gradient[3], 0.5 * (1 / (1 + std::exp(1.0)) - 1), 1e-6) << id;
        EXPECT_NEAR(gradient[4], 0.5 / (1 + std::exp(-1.0)), 1e-6) << id;
        EXPECT_EQ(gradient[5], 0.0f) << id;
      },
      logits, std::vector<std::int32_t>{0, 0}, std::vector<float>{1.0f});
}

TEST_P(KernelPromise, AccuracyCountsTheFirstLargestOnly) {
  const std::vector<float> logits{3,         3, 1, /**/ 3,          3,          1,
                                  /**/ kNan, 9, 1, /**/ -kInfinity, -kInfinity, -kInfinity};
  each<std::int32_t>(
      problem("accuracy", {}, {floats({4, 3}), integers({4})}, integers({})),
      [](const std::string& id, const auto& correct) { EXPECT_EQ(correct[0], 2) << id; }, logits,
      std::vector<std::int32_t>{0, 1, 1, 0});
}

TEST_P(KernelPromise, GatherOutOfRangeGivesZeroRows) {
  const GatherAttributes attributes{{2.0}, {1.0}};
  each<float>(
      problem("gather", attributes.to_attributes(), {{Shape{2, 2}, DType::u8}, integers({4})},
              floats({4, 2})),
      [](const std::string& id, const std::vector<float>& rows) {
        EXPECT_EQ(rows, (std::vector<float>{7, 9, 1, 1, 1, 1, 3, 511})) << id;
      },
      std::vector<std::uint8_t>{1, 255, 3, 4}, std::vector<std::int32_t>{1, 2, -1, 0});
}

INSTANTIATE_TEST_SUITE_P(Devices, KernelPromise, testing::ValuesIn(test_devices()),
                         [](const auto& test) { return printable(test.param); });

}  // namespace
}  // namespace engine::test
