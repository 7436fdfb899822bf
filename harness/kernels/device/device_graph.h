// Work of a device that is captured once and replayed: a CUDA graph, which
// starts thousands of kernels at the cost of one launch. A build without CUDA
// has none.
#ifndef HARNESS_KERNELS_DEVICE_DEVICE_GRAPH_H_
#define HARNESS_KERNELS_DEVICE_DEVICE_GRAPH_H_

#include <c10/core/Device.h>

#include <functional>
#include <memory>

namespace sft::kernels {

// Whether work on this device can be captured.
bool HasDeviceGraphs(c10::Device device);

// The stream of the captures on a device, and the memory that their replays,
// never two at a time, share.
class CaptureSpace;
std::shared_ptr<CaptureSpace> MakeCaptureSpace(c10::Device device);

// Runs the work on the space's stream, in order with the current one: what it
// sets up on its first run (workspaces, plans) must not be captured.
void RunOnCaptureStream(CaptureSpace& space, const std::function<void()>& work);

class DeviceGraph {
 public:
  // Records what the work starts on the device, and runs none of it. Tensors it
  // reads must stay where they are; those it makes hold a replay's results.
  // Throws c10::Error, and leaves the device as it was, where the work reads
  // something back or asks for what cannot be recorded.
  static std::unique_ptr<DeviceGraph> Capture(
      std::shared_ptr<CaptureSpace> space, const std::function<void()>& work);
  virtual ~DeviceGraph() = default;
  // Starts the recorded work on the current stream.
  virtual void Replay() = 0;
};

}  // namespace sft::kernels

#endif  // HARNESS_KERNELS_DEVICE_DEVICE_GRAPH_H_
