#include "harness/measure/memory.h"

#include <ATen/core/Tensor.h>
#include <c10/core/CachingDeviceAllocator.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <utility>

#include "harness/core/status.h"

namespace sft::measure {
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
    if (!seen.insert(storage.unsafeGetStorageImpl()).second) continue;
    bytes += static_cast<int64_t>(storage.nbytes());
  }
  return bytes;
}

std::map<std::string, int64_t> ModelBytes(model::Model& model) {
  std::map<std::string, int64_t> bytes;
  std::set<const void*> of_slots;
  for (const model::LinearSlot& slot : model.linear_slots()) {
    for (const auto& [category, size] : slot.map->BytesByCategory()) {
      bytes[category] += size;
    }
    for (const NamedTensor& named : slot.map->Tensors()) {
      of_slots.insert(named.tensor.storage().unsafeGetStorageImpl());
    }
  }
  std::vector<at::Tensor> rest;
  for (const model::Parameter& p : model.Parameters()) {
    if (of_slots.count(p.tensor.storage().unsafeGetStorageImpl()) == 0) {
      rest.push_back(p.tensor);
    }
  }
  bytes["weights"] += TensorBytes(rest);
  return bytes;
}

void TrainedBytes::Add(int64_t parameter_bytes, int64_t state_bytes) {
  gradients += parameter_bytes;
  largest_gradient = std::max(largest_gradient, parameter_bytes);
  optimizer += state_bytes;
}

std::map<std::string, int64_t> PredictTrainingBytes(model::Model& model,
                                                    const TrainedBytes& trained,
                                                    const StepSize& step) {
  std::map<std::string, int64_t> bytes = ModelBytes(model);
  bytes["process"] = kProcessBytes;
  bytes["optimizer"] = trained.optimizer;
  if (trained.method_state > 0) bytes["method_state"] = trained.method_state;
  const model::PassBytes pass = model.BytesOf(
      {.tokens = step.tokens,
       .targets = step.targets,
       .attention_pairs = step.attention_pairs,
       .activation_checkpointing = step.activation_checkpointing});
  int64_t activations = pass.blocks + pass.head;
  int64_t gradients =
      (step.accumulates || step.clips ? trained.gradients
                                      : trained.largest_gradient) +
      pass.lookup_gradient;
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
