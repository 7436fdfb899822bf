#include "harness/measure/memory.h"

#include <ATen/core/Tensor.h>
#include <c10/core/CachingDeviceAllocator.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <utility>

#include "harness/core/status.h"

namespace sft {
namespace {

constexpr size_t kAggregate = 0;  // of the allocator's small and large pools

// "VmRSS:     1234 kB"
int64_t KibibytesIn(const std::string& line) {
  const size_t digits = line.find_first_of("0123456789");
  if (digits == std::string::npos) return 0;
  return std::strtoll(line.c_str() + digits, nullptr, 10) * 1024;
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

std::map<std::string, int64_t> ModelBytes(Model& model) {
  std::map<std::string, int64_t> bytes;
  std::set<std::string> of_slots;
  for (const LinearSlot& slot : model.linear_slots()) {
    for (const auto& [category, size] : slot.map->BytesByCategory()) {
      bytes[category] += size;
    }
    of_slots.insert(slot.name + ".weight");
    of_slots.insert(slot.name + ".bias");
  }
  std::vector<at::Tensor> rest;
  for (const Parameter& p : model.Parameters()) {
    if (of_slots.count(p.name) == 0) rest.push_back(p.tensor);
  }
  bytes["weights"] += TensorBytes(rest);
  return bytes;
}

std::map<std::string, int64_t> PredictTrainingBytes(Model& model,
                                                    const TrainedBytes& trained,
                                                    const StepSize& step) {
  std::map<std::string, int64_t> bytes = ModelBytes(model);
  bytes["gradients"] = trained.gradients;
  bytes["optimizer"] = trained.optimizer;
  const ModelInfo& info = model.info();
  const int64_t dtype_bytes =
      static_cast<int64_t>(c10::elementSize(model.compute_dtype()));
  const int64_t a_layer =
      step.tokens * dtype_bytes *
      (8 * info.width + 4 * info.ffn_width +
       (3 * info.heads + 4 * info.kv_heads) * info.head_width);
  const int64_t blocks =
      step.activation_checkpointing
          ? a_layer + info.layers * step.tokens * dtype_bytes * info.width
          : a_layer * info.layers;
  const int64_t logit_bytes = model.compute_dtype() == at::kDouble ? 8 : 4;
  int64_t logits = step.targets * info.vocabulary;
  if (model.is_encoder()) {
    // The rows of the last map are the classes.
    const int64_t read =
        model.head() == HeadKind::kSpan ? step.tokens : step.targets;
    const std::vector<Parameter> head = model.HeadParameters();
    logits = head.empty() ? 0 : read * head.back().tensor.size(0);
  }
  bytes["activations"] = blocks + 2 * logits * logit_bytes;
  return bytes;
}

}  // namespace sft
