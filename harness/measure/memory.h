// Memory of a run: what the tensors hold, by category, what a training step
// should need by formula, and what the process really took.
#ifndef HARNESS_MEASURE_MEMORY_H_
#define HARNESS_MEASURE_MEMORY_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/model/model.h"

namespace sft::measure {

// Resident memory of this process as the kernel counts it.
struct ProcessMemory {
  int64_t resident_bytes = 0;       // VmRSS
  int64_t peak_resident_bytes = 0;  // VmHWM
};
absl::StatusOr<ProcessMemory> ReadProcessMemory();
// Sets the peak to what is resident now. False where the kernel refuses; the
// peak then counts from the start of the process.
bool ResetPeakResidentMemory();

// What LibTorch's allocator of a device has handed out; empty on CPU, which
// keeps no count.
struct DeviceMemory {
  int64_t allocated_bytes = 0;
  int64_t peak_allocated_bytes = 0;
  int64_t peak_reserved_bytes = 0;
};
absl::StatusOr<DeviceMemory> ReadDeviceMemory(at::Device device);
void ResetPeakDeviceMemory(at::Device device);

// Bytes that the model holds: "weights", "quantized_weights",
// "quantization_constants", "adapters". A tensor that two names share, such
// as a tied head, counts once. An outline (OutlineModel) counts as the model
// that it is of.
std::map<std::string, int64_t> ModelBytes(model::Model& model);

// Resident before the first tensor: the program and LibTorch.
inline constexpr int64_t kProcessBytes = int64_t{200} << 20;

// What is trained, as the trainer's optimizer knows it.
struct TrainedBytes {
  int64_t gradients = 0;
  int64_t largest_gradient = 0;
  int64_t optimizer = 0;
  int64_t method_state = 0;  // what the method holds beside the model
  // A parameter, and what its optimizer keeps of it, wherever that lies.
  void Add(int64_t parameter_bytes, int64_t state_bytes);
};
struct StepSize {
  int64_t tokens = 0;   // slots of the largest micro-batch, pads included
  int64_t targets = 0;  // of it
  int64_t attention_pairs = 0;  // of it, as StepWork counts them
  bool activation_checkpointing = false;
  // Gradients over several micro-batches, or over steps, as a card's replays.
  bool accumulates = false;
  bool clips = true;  // so all gradients are held together
};
// What is held when a step holds most: ModelBytes and "optimizer",
// "method_state" where there is any,
// "gradients", "activations" (Model::BytesOf) and the "process" itself.
// Activations go while gradients come, so without accumulation the greater
// of the two counts and the other is 0. Where nothing is clipped either, a
// gradient goes as it comes, and the largest one counts.
std::map<std::string, int64_t> PredictTrainingBytes(model::Model& model,
                                                    const TrainedBytes& trained,
                                                    const StepSize& step);

// Bytes of distinct storages.
int64_t TensorBytes(const std::vector<at::Tensor>& tensors);

}  // namespace sft::measure

#endif  // HARNESS_MEASURE_MEMORY_H_
