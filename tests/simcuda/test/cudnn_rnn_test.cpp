// The simulated cuDNN's RNN API: a step by hand, gradients against central differences, and the
// errors it must answer.
#include <cudnn.h>

#include <array>
#include <cmath>
#include <memory>

#include "support.h"

namespace simcuda_test {
namespace {

constexpr int kSequences = 2, kSteps = 3, kInputs = 3;

class CudnnRnn : public DeviceTest {
 protected:
  void SetUp() override {
    DeviceTest::SetUp();
    ASSERT_EQ(cudnnCreate(&handle_), CUDNN_STATUS_SUCCESS);
    ASSERT_EQ(cudnnCreateRNNDescriptor(&rnn_), CUDNN_STATUS_SUCCESS);
    ASSERT_EQ(cudnnCreateRNNDataDescriptor(&x_), CUDNN_STATUS_SUCCESS);
    ASSERT_EQ(cudnnCreateRNNDataDescriptor(&y_), CUDNN_STATUS_SUCCESS);
    for (cudnnTensorDescriptor_t* tensor : {&states_, &matrix_, &bias_})
      ASSERT_EQ(cudnnCreateTensorDescriptor(tensor), CUDNN_STATUS_SUCCESS);
  }
  void TearDown() override {
    cudnnDestroyRNNDescriptor(rnn_);
    cudnnDestroyRNNDataDescriptor(x_);
    cudnnDestroyRNNDataDescriptor(y_);
    for (cudnnTensorDescriptor_t tensor : {states_, matrix_, bias_})
      cudnnDestroyTensorDescriptor(tensor);
    EXPECT_EQ(cudnnDestroy(handle_), CUDNN_STATUS_SUCCESS);
    DeviceTest::TearDown();
  }

  cudnnStatus_t set_rnn(cudnnRNNAlgo_t algorithm, cudnnRNNMode_t cell, int units,
                        cudnnRNNBiasMode_t bias = CUDNN_RNN_DOUBLE_BIAS) {
    return cudnnSetRNNDescriptor_v8(rnn_, algorithm, cell, bias, CUDNN_UNIDIRECTIONAL,
                                    CUDNN_LINEAR_INPUT, CUDNN_DATA_FLOAT, CUDNN_DATA_FLOAT,
                                    CUDNN_FMA_MATH, kInputs, units, units, 1, nullptr,
                                    CUDNN_RNN_PADDED_IO_DISABLED);
  }
  static cudnnStatus_t set_data(cudnnRNNDataDescriptor_t data, int features, int last_length,
                                cudnnRNNDataLayout_t layout) {
    const std::array<int, kSequences> lengths{kSteps, last_length};
    return cudnnSetRNNDataDescriptor(data, CUDNN_DATA_FLOAT, layout, kSteps, kSequences, features,
                                     lengths.data(), nullptr);
  }
  void set_all(cudnnRNNAlgo_t algorithm, cudnnRNNMode_t cell, int units) {
    ASSERT_EQ(set_rnn(algorithm, cell, units), CUDNN_STATUS_SUCCESS);
    constexpr auto kPacked = CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED;
    ASSERT_EQ(set_data(x_, kInputs, kSteps, kPacked), CUDNN_STATUS_SUCCESS);
    ASSERT_EQ(set_data(y_, units, kSteps, kPacked), CUDNN_STATUS_SUCCESS);
    const std::array<int, 3> dims{1, kSequences, units}, strides{kSequences * units, units, 1};
    ASSERT_EQ(cudnnSetTensorNdDescriptor(states_, CUDNN_DATA_FLOAT, 3, dims.data(), strides.data()),
              CUDNN_STATUS_SUCCESS);
  }
  cudnnStatus_t ask_sizes(cudnnForwardMode_t mode = CUDNN_FWD_MODE_TRAINING) {
    return cudnnGetRNNTempSpaceSizes(handle_, rnn_, mode, x_, &work_bytes_, &reserve_bytes_);
  }
  std::size_t weight_bytes() {
    std::size_t bytes = 0;
    EXPECT_EQ(cudnnGetRNNWeightSpaceSize(handle_, rnn_, &bytes), CUDNN_STATUS_SUCCESS);
    return bytes;
  }
  // Where a gate's matrix and bias are in a weight space, in floats.
  std::pair<std::size_t, std::size_t> places(float* weights, int gate) {
    void *matrix = nullptr, *bias = nullptr;
    EXPECT_EQ(cudnnGetRNNWeightParams(handle_, rnn_, 0, weight_bytes(), weights, gate, matrix_,
                                      &matrix, bias_, &bias),
              CUDNN_STATUS_SUCCESS);
    return {static_cast<float*>(matrix) - weights, static_cast<float*>(bias) - weights};
  }

  cudnnHandle_t handle_ = nullptr;
  cudnnRNNDescriptor_t rnn_ = nullptr;
  cudnnRNNDataDescriptor_t x_ = nullptr, y_ = nullptr;
  cudnnTensorDescriptor_t states_ = nullptr, matrix_ = nullptr, bias_ = nullptr;
  std::size_t work_bytes_ = 0, reserve_bytes_ = 0;
};

std::vector<float> numbers(std::size_t count, float scale, float phase) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i)
    values[i] = scale * std::sin(phase + 1.7f * static_cast<float>(i));
  return values;
}

// The memory of a layer of `units` in training, with a cell's states.
struct Memory {
  int units;
  bool lstm;
  Buffer<float> x, y, dy, dx, hx, cx, hy, cy, dhx, dcx, weights, dweights;
  Buffer<float> work, reserve;

  Memory(int h, bool cells, std::size_t weight_bytes, std::size_t work_bytes,
         std::size_t reserve_bytes)
      : units(h),
        lstm(cells),
        x(numbers(kSteps * kSequences * kInputs, 1, 0)),
        y(rows()),
        dy(numbers(rows(), 1, 2)),
        dx(kSteps * kSequences * kInputs),
        hx(numbers(state(), 0.5f, 3)),
        cx(numbers(state(), 0.5f, 4)),
        hy(state()),
        cy(state()),
        dhx(state()),
        dcx(state()),
        weights(numbers(weight_bytes / sizeof(float), 0.5f, 5)),
        dweights(std::vector<float>(weight_bytes / sizeof(float), 0)),
        work(work_bytes / sizeof(float)),
        reserve(reserve_bytes / sizeof(float)) {}
  std::size_t state() const { return static_cast<std::size_t>(kSequences * units); }
  std::size_t rows() const { return kSteps * state(); }
  float* cells(const Buffer<float>& buffer) const { return lstm ? buffer.data() : nullptr; }
};

class CudnnRnnPass : public CudnnRnn {
 protected:
  void make(cudnnRNNAlgo_t algorithm, cudnnRNNMode_t cell, int units) {
    set_all(algorithm, cell, units);
    ASSERT_EQ(ask_sizes(), CUDNN_STATUS_SUCCESS);
    m_ = std::make_unique<Memory>(units, cell == CUDNN_LSTM, weight_bytes(), work_bytes_,
                                  reserve_bytes_);
  }
  void TearDown() override {
    m_.reset();
    CudnnRnn::TearDown();
  }
  cudnnStatus_t forward(cudnnForwardMode_t mode = CUDNN_FWD_MODE_TRAINING) {
    return cudnnRNNForward(handle_, rnn_, mode, nullptr, x_, m_->x.data(), y_, m_->y.data(),
                           states_, m_->hx.data(), m_->hy.data(), states_, m_->cells(m_->cx),
                           m_->cells(m_->cy), m_->weights.bytes(), m_->weights.data(), work_bytes_,
                           m_->work.data(), reserve_bytes_, m_->reserve.data());
  }
  cudnnStatus_t backward_data() {
    return cudnnRNNBackwardData_v8(handle_, rnn_, nullptr, y_, m_->y.data(), m_->dy.data(), x_,
                                   m_->dx.data(), states_, m_->hx.data(), nullptr, m_->dhx.data(),
                                   states_, m_->cells(m_->cx), nullptr, m_->cells(m_->dcx),
                                   m_->weights.bytes(), m_->weights.data(), work_bytes_,
                                   m_->work.data(), reserve_bytes_, m_->reserve.data());
  }
  cudnnStatus_t backward_weights(cudnnWgradMode_t mode = CUDNN_WGRAD_MODE_ADD) {
    return cudnnRNNBackwardWeights_v8(handle_, rnn_, mode, nullptr, x_, m_->x.data(), states_,
                                      m_->hx.data(), y_, m_->y.data(), m_->weights.bytes(),
                                      m_->dweights.data(), work_bytes_, m_->work.data(),
                                      reserve_bytes_, m_->reserve.data());
  }
  // The sum of dy · y over all elements, with one number of a buffer changed.
  double objective(const Buffer<float>& of, std::size_t element, float change) {
    std::vector<float> values = of.read();
    values[element] += change;
    cudaMemcpy(of.data(), values.data(), of.bytes(), cudaMemcpyHostToDevice);
    EXPECT_EQ(forward(), CUDNN_STATUS_SUCCESS);
    const auto y = m_->y.read(), dy = m_->dy.read();
    values[element] -= change;
    cudaMemcpy(of.data(), values.data(), of.bytes(), cudaMemcpyHostToDevice);
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += double{y[i]} * dy[i];
    return sum;
  }
  void expect_slopes(const Buffer<float>& of, const std::vector<float>& gradient,
                     const std::vector<std::size_t>& elements) {
    constexpr float kStep = 1.0f / 128;
    for (const std::size_t i : elements) {
      const double slope =
          (objective(of, i, kStep) - objective(of, i, -kStep)) / (2 * double{kStep});
      EXPECT_NEAR(gradient[i], slope, 2e-3) << i;
    }
  }

  std::unique_ptr<Memory> m_;
};

float sigmoid(float x) {
  return 1 / (1 + std::exp(-x));
}

// With biases alone a unit can be followed by hand; gates are found by their numbers.
TEST_F(CudnnRnnPass, GatesAreWhereTheirNumbersSay) {
  for (const auto cell : {CUDNN_LSTM, CUDNN_GRU}) {
    make(CUDNN_RNN_ALGO_STANDARD, cell, 1);
    const bool lstm = cell == CUDNN_LSTM;
    const int gates = lstm ? 4 : 3;
    std::vector<float> weights(m_->weights.bytes() / sizeof(float), 0);
    for (int gate = 0; gate < 2 * gates; ++gate)
      weights[places(m_->weights.data(), gate).second] = 0.1f * static_cast<float>(gate + 1);
    cudaMemcpy(m_->weights.data(), weights.data(), m_->weights.bytes(), cudaMemcpyHostToDevice);
    ASSERT_EQ(forward(), CUDNN_STATUS_SUCCESS);
    const float h = m_->hx.read()[0], c = m_->cx.read()[0];
    const auto both = [&](int gate) { return 0.1f * static_cast<float>(2 * gate + 2 + gates); };
    const float after = sigmoid(both(1)) * c + sigmoid(both(0)) * std::tanh(both(2));
    const float z = sigmoid(both(1));
    const float n = std::tanh(0.3f + sigmoid(both(0)) * 0.6f);
    EXPECT_NEAR(m_->y.read()[0], lstm ? sigmoid(both(3)) * std::tanh(after) : (1 - z) * n + z * h,
                1e-6);
  }
}

TEST_F(CudnnRnnPass, GradientsAreSlopes) {
  for (const auto cell : {CUDNN_LSTM, CUDNN_GRU}) {
    make(CUDNN_RNN_ALGO_STANDARD, cell, 4);
    ASSERT_EQ(forward(), CUDNN_STATUS_SUCCESS);
    ASSERT_EQ(backward_data(), CUDNN_STATUS_SUCCESS);
    ASSERT_EQ(backward_weights(), CUDNN_STATUS_SUCCESS);
    expect_slopes(m_->x, m_->dx.read(), {0, 4, 8, 17});
    expect_slopes(m_->hx, m_->dhx.read(), {0, 7});
    if (m_->lstm) expect_slopes(m_->cx, m_->dcx.read(), {0, 7});
    std::vector<std::size_t> elements;
    for (int gate = 0; gate < (m_->lstm ? 8 : 6); ++gate) {
      const auto [matrix, bias] = places(m_->weights.data(), gate);
      elements.insert(elements.end(), {matrix, matrix + 5, bias + 3});
    }
    expect_slopes(m_->weights, m_->dweights.read(), elements);
  }
}

TEST_F(CudnnRnnPass, BackwardPassesWantTheReserve) {
  make(CUDNN_RNN_ALGO_STANDARD, CUDNN_LSTM, 4);
  ASSERT_EQ(forward(CUDNN_FWD_MODE_INFERENCE), CUDNN_STATUS_SUCCESS);
  ASSERT_EQ(backward_data(), CUDNN_STATUS_SUCCESS);
  EXPECT_TRUE(std::isnan(m_->dx.read()[0]));
  ASSERT_EQ(forward(), CUDNN_STATUS_SUCCESS);
  ASSERT_EQ(backward_weights(), CUDNN_STATUS_SUCCESS);  // before that of the data
  EXPECT_TRUE(std::isnan(m_->dweights.read()[0]));
  EXPECT_EQ(backward_weights(CUDNN_WGRAD_MODE_SET), CUDNN_STATUS_NOT_SUPPORTED);
}

TEST_F(CudnnRnnPass, SpacesMustBeLargeAndOnTheDevice) {
  make(CUDNN_RNN_ALGO_STANDARD, CUDNN_GRU, 4);
  ASSERT_EQ(forward(), CUDNN_STATUS_SUCCESS);
  for (std::size_t* bytes : {&work_bytes_, &reserve_bytes_}) {
    --*bytes;
    EXPECT_EQ(forward(), CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT);
    EXPECT_EQ(backward_data(), CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT);
    EXPECT_EQ(backward_weights(), CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT);
    ++*bytes;
  }
  m_->lstm = true;
  EXPECT_EQ(forward(), CUDNN_STATUS_BAD_PARAM);  // a gru has no cells
  EXPECT_EQ(cudnnRNNForward(handle_, rnn_, CUDNN_FWD_MODE_INFERENCE, nullptr, x_, m_->x.data(), y_,
                            m_->hy.data(), states_, nullptr, nullptr, nullptr, nullptr, nullptr,
                            m_->weights.bytes(), m_->weights.data(), work_bytes_, m_->work.data(),
                            0, nullptr),
            CUDNN_STATUS_SUCCESS);  // into a buffer that is too short for y
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
  m_.reset();
  simcuda_reset();
}

TEST_F(CudnnRnn, DescriptorsMustAgree) {
  EXPECT_EQ(ask_sizes(), CUDNN_STATUS_BAD_PARAM);  // nothing is set
  set_all(CUDNN_RNN_ALGO_STANDARD, CUDNN_LSTM, 4);
  EXPECT_EQ(ask_sizes(), CUDNN_STATUS_SUCCESS);
  EXPECT_GT(reserve_bytes_, 0u);
  EXPECT_EQ(ask_sizes(CUDNN_FWD_MODE_INFERENCE), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(reserve_bytes_, 0u);
  EXPECT_EQ(set_data(x_, kInputs + 1, kSteps, CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED),
            CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(ask_sizes(), CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(set_data(x_, kInputs, kSteps, CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED),
            CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(ask_sizes(), CUDNN_STATUS_BAD_PARAM);  // padded input and output is disabled
  EXPECT_EQ(set_data(x_, kInputs, kSteps + 1, CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED),
            CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(set_rnn(CUDNN_RNN_ALGO_STANDARD, CUDNN_LSTM, 0), CUDNN_STATUS_BAD_PARAM);
  std::vector<float> weights(weight_bytes() / sizeof(float));
  void *matrix = nullptr, *bias = nullptr;
  EXPECT_EQ(cudnnGetRNNWeightParams(handle_, rnn_, 0, weight_bytes(), weights.data(), 8, matrix_,
                                    &matrix, bias_, &bias),
            CUDNN_STATUS_BAD_PARAM);
}

TEST_F(CudnnRnn, PersistentAlgorithmsRefuseWhatTheyDoNotSolve) {
  for (const auto algorithm : {CUDNN_RNN_ALGO_PERSIST_STATIC, CUDNN_RNN_ALGO_PERSIST_DYNAMIC,
                               CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H}) {
    EXPECT_EQ(set_rnn(algorithm, CUDNN_GRU, 32, CUDNN_RNN_SINGLE_INP_BIAS),
              CUDNN_STATUS_NOT_SUPPORTED);
    set_all(algorithm, CUDNN_GRU, 32);
    ASSERT_EQ(set_data(x_, kInputs, 1, CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED),
              CUDNN_STATUS_SUCCESS);
    EXPECT_EQ(ask_sizes(), CUDNN_STATUS_NOT_SUPPORTED);  // lengths differ
  }
  set_all(CUDNN_RNN_ALGO_PERSIST_STATIC, CUDNN_LSTM, 128);
  EXPECT_EQ(ask_sizes(), CUDNN_STATUS_NOT_SUPPORTED);
  set_all(CUDNN_RNN_ALGO_PERSIST_DYNAMIC, CUDNN_LSTM, 160);
  EXPECT_EQ(cudnnBuildRNNDynamic(handle_, rnn_, kSequences), CUDNN_STATUS_NOT_SUPPORTED);
  set_all(CUDNN_RNN_ALGO_PERSIST_DYNAMIC, CUDNN_LSTM, 32);
  EXPECT_EQ(ask_sizes(), CUDNN_STATUS_BAD_PARAM);  // not built
  EXPECT_EQ(cudnnBuildRNNDynamic(handle_, rnn_, kSequences + 1), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(ask_sizes(), CUDNN_STATUS_BAD_PARAM);  // for another number of sequences
  EXPECT_EQ(cudnnBuildRNNDynamic(handle_, rnn_, kSequences), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(ask_sizes(), CUDNN_STATUS_SUCCESS);
}

// It answers sizes for any number of units, and refuses when it is launched.
TEST_F(CudnnRnnPass, SmallAlgorithmRefusesLate) {
  make(CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H, CUDNN_LSTM, 48);
  EXPECT_EQ(forward(), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(backward_data(), CUDNN_STATUS_NOT_SUPPORTED);
  make(CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H, CUDNN_LSTM, 200);
  EXPECT_EQ(forward(), CUDNN_STATUS_NOT_SUPPORTED);
  make(CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H, CUDNN_LSTM, 64);
  EXPECT_EQ(forward(), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(backward_data(), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(backward_weights(), CUDNN_STATUS_SUCCESS);
}

TEST_F(CudnnRnnPass, IsCapturedButNotCompiledInACapture) {
  make(CUDNN_RNN_ALGO_STANDARD, CUDNN_LSTM, 4);
  cudaStream_t stream = nullptr;
  cudaGraph_t graph = nullptr;
  ASSERT_EQ(cudaStreamCreate(&stream), cudaSuccess);
  ASSERT_EQ(cudnnSetStream(handle_, stream), CUDNN_STATUS_SUCCESS);
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
  EXPECT_EQ(forward(), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(backward_data(), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(backward_weights(), CUDNN_STATUS_SUCCESS);
  ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
  std::size_t nodes = 0;
  cudaGraphGetNodes(graph, nullptr, &nodes);
  EXPECT_EQ(nodes, 3u);
  cudaGraphDestroy(graph);
  set_all(CUDNN_RNN_ALGO_PERSIST_DYNAMIC, CUDNN_LSTM, 4);
  ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
  EXPECT_NE(cudnnBuildRNNDynamic(handle_, rnn_, kSequences), CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
  cudaStreamDestroy(stream);
}

TEST_F(CudnnRnn, CountsWhatIsNotGivenBack) {
  SimcudaLive live;
  simcuda_live(&live);
  EXPECT_EQ(live.cudnn_descriptors, 6u);
}

}  // namespace
}  // namespace simcuda_test
