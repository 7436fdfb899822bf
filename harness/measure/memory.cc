#include "harness/measure/memory.h"

#include <ATen/core/Tensor.h>
#include <c10/core/CachingDeviceAllocator.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <utility>

#include "harness/core/status.h"
#include "harness/model/ops/head_loss.h"

namespace sft::measure {
namespace {

// harness/kernels/adam8/adam8_logic.h; a test compares.
constexpr int64_t kBlockOf8Bit = 256, kSmallestOf8Bit = 4096;
constexpr size_t kAggregate = 0;  // of the allocator's small and large pools

// "VmRSS:     1234 kB"
int64_t KibibytesIn(const std::string& line) {
  const size_t digits = line.find_first_of("0123456789");
  if (digits == std::string::npos) return 0;
  return std::strtoll(line.c_str() + digits, nullptr, 10) * 1024;
}

int64_t MasterBytes(const model::Model& model) {
  return model.compute_dtype() == at::kDouble ? 8 : 4;
}
int64_t ComputeBytes(const model::Model& model) {
  return static_cast<int64_t>(c10::elementSize(model.compute_dtype()));
}

bool HeadTrains(model::Model& model) {
  const model::Role role =
      model.info().tied_head ? model::Role::kEmbedding : model::Role::kHead;
  for (const model::Parameter& p : model.Parameters()) {
    if (p.role == role && p.tensor.requires_grad()) return true;
  }
  return false;
}

// What all blocks keep for the backward pass.
int64_t BlockBytes(model::Model& model, const StepSize& step) {
  const model::ModelInfo& info = model.info();
  const int64_t m = MasterBytes(model), c = ComputeBytes(model);
  const int64_t heads = info.heads * info.head_width;
  const int64_t kv_heads = info.kv_heads * info.head_width;
  // Encoders keep every input of every map.
  const int64_t a_token =
      model.is_encoder()
          ? c * (8 * info.width + 4 * info.ffn_width + 3 * heads + 4 * kv_heads)
          : 2 * m * info.width +
                c * (2 * heads + 2 * kv_heads + 2 * info.ffn_width) +
                4 * info.heads + 8;
  const int64_t block = step.tokens * a_token;
  if (!step.activation_checkpointing) return info.layers * block;
  return block + info.layers * step.tokens * m * info.width;
}

int64_t HeadBytes(model::Model& model, const StepSize& step) {
  const model::ModelInfo& info = model.info();
  const int64_t m = MasterBytes(model), c = ComputeBytes(model);
  if (model.is_encoder()) {
    // The rows of the last map are the classes.
    const int64_t read =
        model.head() == HeadKind::kSpan ? step.tokens : step.targets;
    const std::vector<model::Parameter> head = model.HeadParameters();
    const int64_t classes = head.empty() ? 0 : head.back().tensor.size(0);
    return 2 * read * classes * m;
  }
  const int64_t matrix = info.vocabulary * info.width;
  int64_t bytes =
      std::min(step.targets, model::kHeadLossRows) * info.vocabulary * c +
      step.targets * info.width * (m + 2 * c);
  if (c < m) bytes += matrix * c;  // the head cast
  if (HeadTrains(model)) bytes += matrix * (c < m ? m + c : m);
  return bytes;
}

}  // namespace

absl::StatusOr<ProcessMemory> ReadProcessMemory() {
  // A file of the kernel has no size: read as a stream.
  std::ifstream file("/proc/self/status");
  ProcessMemory memory;
  std::string line;
  while (std::getline(file, line)) {
    if (line.rfind("VmRSS:", 0) == 0) memory.resident_bytes = KibibytesIn(line);
    if (line.rfind("VmHWM:", 0) == 0) {
      memory.peak_resident_bytes = KibibytesIn(line);
    }
  }
  if (memory.resident_bytes == 0 || memory.peak_resident_bytes == 0) {
    return absl::UnavailableError("/proc/self/status shows no VmRSS and VmHWM");
  }
  return memory;
}

bool ResetPeakResidentMemory() {
  std::ofstream file("/proc/self/clear_refs");
  file << "5";  // proc(5): resets VmHWM to VmRSS
  file.flush();
  return file.good();
}

absl::StatusOr<DeviceMemory> ReadDeviceMemory(at::Device device) {
  if (device.is_cpu()) return DeviceMemory{};
  c10::DeviceAllocator* allocator = c10::getDeviceAllocator(device.type());
  if (allocator == nullptr || !allocator->initialized()) {
    return absl::UnavailableError(
        absl::StrCat("no allocator statistics for ", device.str()));
  }
  const auto index =
      static_cast<c10::DeviceIndex>(device.has_index() ? device.index() : 0);
  const c10::CachingDeviceAllocator::DeviceStats stats =
      allocator->getDeviceStats(index);
  DeviceMemory memory;
  memory.allocated_bytes = stats.allocated_bytes[kAggregate].current;
  memory.peak_allocated_bytes = stats.allocated_bytes[kAggregate].peak;
  memory.peak_reserved_bytes = stats.reserved_bytes[kAggregate].peak;
  return memory;
}

void ResetPeakDeviceMemory(at::Device device) {
  if (device.is_cpu()) return;
  c10::DeviceAllocator* allocator = c10::getDeviceAllocator(device.type());
  if (allocator == nullptr || !allocator->initialized()) return;
  allocator->resetPeakStats(
      static_cast<c10::DeviceIndex>(device.has_index() ? device.index() : 0));
}

int64_t TensorBytes(const std::vector<at::Tensor>& tensors) {
  std::set<const void*> seen;
  int64_t bytes = 0;
  for (const at::Tensor& tensor : tensors) {
    if (!tensor.defined()) continue;
    const c10::Storage& storage = tensor.storage();
    if (!seen.insert(storage.data()).second) continue;
    bytes += static_cast<int64_t>(storage.nbytes());
  }
  return bytes;
}

std::map<std::string, int64_t> ModelBytes(model::Model& model) {
  std::map<std::string, int64_t> bytes;
  std::set<std::string> of_slots;
  for (const model::LinearSlot& slot : model.linear_slots()) {
    for (const auto& [category, size] : slot.map->BytesByCategory()) {
      bytes[category] += size;
    }
    of_slots.insert(slot.name + ".weight");
    of_slots.insert(slot.name + ".bias");
  }
  std::vector<at::Tensor> rest;
  for (const model::Parameter& p : model.Parameters()) {
    if (of_slots.count(p.name) == 0) rest.push_back(p.tensor);
  }
  bytes["weights"] += TensorBytes(rest);
  return bytes;
}

int64_t OptimizerStateBytes(std::string_view optimizer, int64_t numbers,
                            int64_t number_bytes) {
  constexpr int64_t kStepBytes = 4;
  if (optimizer == "adamw_8bit" && numbers >= kSmallestOf8Bit) {
    const int64_t blocks = (numbers + kBlockOf8Bit - 1) / kBlockOf8Bit;
    return kStepBytes + 2 * numbers + 8 * blocks;
  }
  return kStepBytes + 2 * numbers * number_bytes;
}

void TrainedBytes::Add(int64_t numbers, int64_t number_bytes,
                       std::string_view optimizer_name) {
  const int64_t bytes = numbers * number_bytes;
  gradients += bytes;
  largest_gradient = std::max(largest_gradient, bytes);
  optimizer += OptimizerStateBytes(optimizer_name, numbers, number_bytes);
}

std::map<std::string, int64_t> PredictTrainingBytes(model::Model& model,
                                                    const TrainedBytes& trained,
                                                    const StepSize& step) {
  std::map<std::string, int64_t> bytes = ModelBytes(model);
  bytes["process"] = kProcessBytes;
  bytes["optimizer"] = trained.optimizer;
  int64_t activations = BlockBytes(model, step) + HeadBytes(model, step);
  int64_t gradients = step.accumulates || step.clips ? trained.gradients
                                                     : trained.largest_gradient;
  // The lookup's gradient is made whole before it joins the head's.
  if (model.info().tied_head && HeadTrains(model)) {
    gradients +=
        model.info().vocabulary * model.info().width * MasterBytes(model);
  }
  // Activations go as gradients come, unless those of an earlier micro-batch
  // or step wait.
  if (!step.accumulates) {
    (gradients < activations ? gradients : activations) = 0;
  }
  bytes["gradients"] = gradients;
  bytes["activations"] = activations;
  return bytes;
}

}  // namespace sft::measure
