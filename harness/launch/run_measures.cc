#include "harness/launch/run_measures.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <set>

#include "absl/time/clock.h"
#include "harness/core/status.h"
#include "harness/core/tensor_allocator.h"
#include "harness/measure/memory.h"
#include "harness/measure/provenance.h"
#include "harness/measure/throughput.h"
#include "harness/train/optimizers/registry.h"

namespace sft::launch {
namespace {
const absl::Time kProcessStart = absl::Now();
}  // namespace

measure::StepSize StepSizeOf(const spec::RunConfig& config) {
  measure::StepSize size;
  size.activation_checkpointing = config.activation_checkpointing;
  size.accumulates =
      config.gradient_accumulation_steps > 1 || config.device == "cuda";
  size.clips = config.max_grad_norm > 0;
  return size;
}

measure::TrainedBytes TrainedBytesOf(
    const spec::RunConfig& config,
    const std::vector<train::TrainableParameter>& parameters) {
  const train::OptimizerRow* row = train::FindOptimizer(config.optimizer);
  TORCH_CHECK(row != nullptr, "no optimizer is named ", config.optimizer);
  measure::TrainedBytes trained;
  for (const train::TrainableParameter& p : parameters) {
    trained.Add(static_cast<int64_t>(p.tensor.nbytes()),
                row->state_bytes(p.tensor.numel(), p.tensor.element_size()));
  }
  return trained;
}

void StartTrainingMeasures(model::Model& model) {
  ReleaseFreeTensorMemory();
  ResetPeakTensorMemory();
  measure::ResetPeakResidentMemory();
  measure::ResetPeakDeviceMemory(model.device());
}

void TakeTrainingMeasures(record::RunRecord& record, model::Model& model,
                          const train::UpdateMethod& method,
                          const train::Optimizer* optimizer,
                          const std::vector<StepRecord>& steps) {
  auto& measured = record.memory.measured_bytes;
  if (auto memory = measure::ReadProcessMemory(); memory.ok()) {
    const double peak = static_cast<double>(memory->peak_resident_bytes);
    double& train_peak = record.measured["train_peak_rss_bytes"];
    train_peak = std::max(train_peak, peak);
  }
  if (auto memory = measure::ReadDeviceMemory(model.device());
      memory.ok() && memory->peak_reserved_bytes > 0) {
    measured["device_peak_allocated"] = memory->peak_allocated_bytes;
    measured["device_peak_reserved"] = memory->peak_reserved_bytes;
  }
  // A table that adds up to the peak: tensors by use, and the rest.
  const TensorMemory tensors = PeakTensorMemory();
  if (tensors.total() > 0) {
    for (int use = 0; use < kMemoryUses; ++use) {
      measured[std::string(MemoryUseName(static_cast<MemoryUse>(use)))] =
          tensors.bytes[static_cast<size_t>(use)];
    }
    measured["process"] =
        static_cast<int64_t>(record.measured["train_peak_rss_bytes"]) -
        tensors.total();
  }
  measure::TrainedBytes trained;
  if (optimizer != nullptr) {
    trained = TrainedBytesOf(record.config, optimizer->parameters());
    trained.method_state = method.StateBytes();
  }
  measure::StepSize largest = StepSizeOf(record.config);
  const int64_t micro_batches = record.config.gradient_accumulation_steps;
  for (const StepRecord& step : steps) {
    const int64_t slots =
        (step.real_tokens + step.padded_tokens) / micro_batches;
    if (slots <= largest.tokens) continue;
    largest.tokens = slots;
    largest.targets = step.target_tokens / micro_batches;
    // As if its sequences were of one length.
    const int64_t sequences =
        std::max<int64_t>(step.sequences / micro_batches, 1);
    const int64_t length = slots / sequences;
    largest.attention_pairs =
        slots * (model.is_encoder() ? 2 * length : length + 1) / 2;
  }
  record.memory.predicted_bytes =
      measure::PredictTrainingBytes(model, trained, largest);
}

void SumUpSteps(record::RunRecord& record) {
  const measure::Throughput sums = measure::SumSteps(record.steps);
  record.facts["optimizer_steps"] = static_cast<double>(sums.steps);
  record.facts["real_tokens"] = static_cast<double>(sums.real_tokens);
  record.facts["target_tokens"] = static_cast<double>(sums.target_tokens);
  record.facts["padded_tokens"] = static_cast<double>(sums.padded_tokens);
  record.facts["sequences"] = static_cast<double>(sums.sequences);
  if (sums.steps > 0) {
    record.facts["padding_fraction"] = sums.padding_fraction();
    record.measured["train_wall_seconds"] = sums.wall_seconds;
    record.measured["train_cpu_seconds"] = sums.cpu_seconds;
    for (const auto& [name, value] : measure::RatesOf(sums)) {
      record.measured[name] = value;
    }
  }
  if (auto memory = measure::ReadProcessMemory(); memory.ok()) {
    record.measured["peak_rss_bytes"] =
        std::max(record.measured["train_peak_rss_bytes"],
                 static_cast<double>(memory->peak_resident_bytes));
  }
  if (sums.steps == 0) record.measured.erase("train_peak_rss_bytes");
}

void TakeReport(const train::MethodReport& report, record::RunRecord& record) {
  for (const auto& [name, value] : report.numbers) record.facts[name] = value;
  for (const auto& [name, text] : report.texts) record.texts[name] = text;
}

void FillProvenance(record::RunRecord& record,
                    const std::map<std::string, std::string>& build,
                    int attempt) {
  const at::Device device =
      record.config.device == "cuda" ? at::kCUDA : at::kCPU;
  record.provenance_build = measure::BuildProvenance(build, device);
  record.provenance_run = measure::RunProvenance(kProcessStart);
  record.provenance_run["attempt"] = absl::StrCat(attempt);
}

}  // namespace sft::launch
