// Convolution through cuDNN's graph API: a plan, an engine with its knobs set, a configuration.
#include "kernels/cudnn/convolution.h"
#include "kernels/cudnn/convolution_plans.h"

namespace engine::cuda {
namespace {

class PlannedConvolution final : public LibraryConvolution {
 public:
  explicit PlannedConvolution(ConvolutionPlan plan) : plan_(std::move(plan)) {}

  std::size_t workspace() const override { return plan_.workspace; }

  // A finalized variant pack keeps its pointers, so each launch makes one: host memory alone, and
  // once for a captured step.
  void launch(cudnnHandle_t handle, const ConvolutionOperands& o, void* workspace) override {
    const std::array<void*, 3> operands{o.x, o.w, o.y};
    BackendDescriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    pack.set_all<std::int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, kOperandIds);
    pack.set_all<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, operands);
    pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, workspace);
    pack.finalize();
    ENGINE_CUDNN_CHECK(cudnnBackendExecute, handle, plan_.plan.get(), pack.get());
  }

 private:
  ConvolutionPlan plan_;
};

class GraphCandidate final : public CudnnConvolution {
 public:
  explicit GraphCandidate(std::string op) : CudnnConvolution(std::move(op), "cudnn.graph") {}

 private:
  std::string refuse(const ConvolutionProblem&) const override { return ""; }

  void visit(const ConvolutionProblem& p, Device& device, const Visitor& visitor) const override {
    const auto described = describe_device(static_cast<CudaDevice&>(device).index());
    visit_convolution_plans(p, described, visitor.wants, [&](ConvolutionPlan plan) {
      const std::string name = plan.name;
      const bool deterministic = plan.deterministic;
      visitor.take(name, deterministic, std::make_unique<PlannedConvolution>(std::move(plan)));
    });
  }
};

}  // namespace

std::unique_ptr<KernelCandidate> make_graph_convolution(const std::string& op) {
  return std::make_unique<GraphCandidate>(op);
}

}  // namespace engine::cuda
