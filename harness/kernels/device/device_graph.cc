#include "harness/kernels/device/device_graph.h"

#include <c10/util/Exception.h>

#include <utility>

#ifdef SFT_WITH_CUDA
#include <ATen/cuda/CUDAEvent.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>
#endif

namespace sft::kernels {

#ifdef SFT_WITH_CUDA

class CaptureSpace {
 public:
  explicit CaptureSpace(c10::Device device)
      : stream(c10::cuda::getStreamFromPool(/*isHighPriority=*/false,
                                            device.index())),
        pool(at::cuda::graph_pool_handle()) {}

  // The space's stream goes on where the current one is, or the other way.
  void Enter() { Order(Current(), stream); }
  void Leave() { Order(stream, Current()); }

  const c10::cuda::CUDAStream stream;
  const at::cuda::MempoolId_t pool;

 private:
  c10::cuda::CUDAStream Current() const {
    return c10::cuda::getCurrentCUDAStream(stream.device_index());
  }
  static void Order(const c10::cuda::CUDAStream& first,
                    const c10::cuda::CUDAStream& then) {
    at::cuda::CUDAEvent event;
    event.record(first);
    event.block(then);
  }
};

namespace {

class CudaGraph : public DeviceGraph {
 public:
  explicit CudaGraph(std::shared_ptr<CaptureSpace> space)
      : space_(std::move(space)) {}

  void Record(const std::function<void()>& work) {
    graph_.capture_begin(space_->pool);
    try {
      work();
    } catch (...) {
      Abandon();
      throw;
    }
    graph_.capture_end();
  }

  void Replay() override { graph_.replay(); }

 private:
  // What broke the capture says why; what follows from it is no news.
  void Abandon() {
    try {
      graph_.capture_end();
    } catch (const c10::Error&) {
      try {
        c10::cuda::CUDACachingAllocator::endAllocateToPool(
            space_->stream.device_index(), space_->pool);
      } catch (const c10::Error&) {
      }
    }
    static_cast<void>(cudaGetLastError());
  }

  std::shared_ptr<CaptureSpace> space_;
  at::cuda::CUDAGraph graph_;
};

}  // namespace

bool HasDeviceGraphs(c10::Device device) { return device.is_cuda(); }

std::shared_ptr<CaptureSpace> MakeCaptureSpace(c10::Device device) {
  return std::make_shared<CaptureSpace>(device);
}

void RunOnCaptureStream(CaptureSpace& space,
                        const std::function<void()>& work) {
  space.Enter();
  {
    const c10::cuda::CUDAStreamGuard guard(space.stream);
    work();
  }
  space.Leave();
}

std::unique_ptr<DeviceGraph> DeviceGraph::Capture(
    std::shared_ptr<CaptureSpace> space, const std::function<void()>& work) {
  auto graph = std::make_unique<CudaGraph>(space);
  RunOnCaptureStream(*space, [&] { graph->Record(work); });
  return graph;
}

#else

class CaptureSpace {};

bool HasDeviceGraphs(c10::Device) { return false; }

std::shared_ptr<CaptureSpace> MakeCaptureSpace(c10::Device device) {
  TORCH_CHECK(false, "no graphs on ", device, " in this build");
}

void RunOnCaptureStream(CaptureSpace&, const std::function<void()>&) {
  TORCH_CHECK(false, "no graphs in this build");
}

std::unique_ptr<DeviceGraph> DeviceGraph::Capture(
    std::shared_ptr<CaptureSpace>, const std::function<void()>&) {
  TORCH_CHECK(false, "no graphs in this build");
}

#endif

}  // namespace sft::kernels
