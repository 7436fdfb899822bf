// Memory of a run: what the tensors hold, by category, what a training step
// should need by formula, and what the process really took.
// T tokens a micro-batch, M targets, L layers, D width, F feed-forward width.
#ifndef HARNESS_MEASURE_MEMORY_H_
#define HARNESS_MEASURE_MEMORY_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
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
// as a tied head, counts once.
std::map<std::string, int64_t> ModelBytes(model::Model& model);

// Resident before the first tensor: the program and LibTorch.
inline constexpr int64_t kProcessBytes = int64_t{200} << 20;

// What is trained, as the trainer's optimizer knows it.
struct TrainedBytes {
  int64_t gradients = 0;
  int64_t largest_gradient = 0;
  int64_t optimizer = 0;
  // A parameter of so many bytes a number; its moments by the optimizer's name
  // (RunConfig::optimizer).
  void Add(int64_t numbers, int64_t number_bytes,
           std::string_view optimizer_name = "adamw");
};
// What an optimizer keeps of a parameter: its step count (f32) and two moments,
// of the parameter's type; under "adamw_8bit", from 4096 numbers on, of a byte
// each and an f32 a block of 256. Paged ones count, wherever they lie.
int64_t OptimizerStateBytes(std::string_view optimizer, int64_t numbers,
                            int64_t number_bytes);
struct StepSize {
  int64_t tokens = 0;   // slots of the largest micro-batch, pads included
  int64_t targets = 0;  // of it
  bool activation_checkpointing = false;
  // Gradients over several micro-batches, or over steps, as a card's replays.
  bool accumulates = false;
  bool clips = true;  // so all gradients are held together
};
// What is held when a step holds most: ModelBytes and "optimizer",
// "gradients", "activations" and the "process" itself. m and c bytes a number
// in the master and the compute dtype; a token and layer of a decoder with
// gated maps keep
//   2 m D + c (2 N H + 2 K H + 2 F) + 4 N + 8,
// the residual twice, rotated queries, keys, values, attention's output, gate
// and up, and one number a row of each norm and head; norms' and products'
// results are made again. Other families keep more. The head adds the logits
// of 512 targets, three rows a target and, if it trains, its gradient.
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
