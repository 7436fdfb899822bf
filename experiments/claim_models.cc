#include "experiments/claim_models.h"

#include <ATen/ATen.h>

#include <memory>
#include <string>
#include <utility>

#include "experiments/command_line.h"
#include "harness/core/catch_torch.h"
#include "harness/core/status.h"
#include "harness/kernels/nf4/nf4_glue.h"
#include "harness/launch/run_assembly.h"
#include "harness/launch/run_measures.h"
#include "harness/measure/flops.h"
#include "harness/measure/memory.h"
#include "harness/model/families/config.h"
#include "harness/model/load/outline.h"

namespace sft::experiments {
namespace {

// A decoder of these sizes, gated feed-forward, no bias, a head of its own.
model::DecoderConfig DecoderOf(int64_t layers, int64_t width, int64_t heads,
                               int64_t ffn_width, int64_t vocabulary) {
  model::DecoderConfig config;
  config.layers = layers;
  config.width = width;
  config.heads = config.kv_heads = heads;
  config.head_width = width / heads;
  config.ffn_width = ffn_width;
  config.vocabulary = vocabulary;
  config.max_positions = 2048;
  return config;
}

// GPT-3's width and depth. Its feed-forward of two matrices, four times the
// width, is one of three here that has as many weights.
model::DecoderConfig Gpt3() { return DecoderOf(96, 12288, 96, 32768, 50257); }
model::DecoderConfig Llama65B() {
  return DecoderOf(80, 8192, 64, 22016, 32000);
}
model::DecoderConfig Llama7B() { return DecoderOf(32, 4096, 32, 11008, 32000); }

struct Outlined {
  std::unique_ptr<model::Model> model;
  std::unique_ptr<train::UpdateMethod> method;
};
// With the config's method on it, in its first round.
absl::StatusOr<Outlined> OutlineWith(const model::DecoderConfig& decoder,
                                     const spec::RunConfig& config) {
  Outlined out;
  SFT_ASSIGN_OR_RETURN(
      out.model,
      model::OutlineModel(decoder, "claim", launch::ComputeDtypeOf(config)));
  SFT_ASSIGN_OR_RETURN(out.method, launch::AttachUpdateMethod(
                                       TheWorkbench(), config, *out.model));
  SFT_RETURN_IF_ERROR(out.method->BeginRound(0));
  return out;
}

double SumOfElements(const std::vector<train::TrainableParameter>& parameters) {
  double sum = 0;
  for (const train::TrainableParameter& one : parameters) {
    sum += static_cast<double>(one.tensor.numel());
  }
  return sum;
}

absl::StatusOr<double> Nf4Bits() {
  const at::Tensor weight =
      at::empty({4096, 4096}, at::TensorOptions().device(at::kMeta));
  return kernels::QuantizeNf4(weight, /*double_quantization=*/true)
      .bits_per_weight();
}

// How many times more weights there are than LoRA trains: rank 4 on queries and
// values, the paper's table 4.
absl::StatusOr<double> LoraShare() {
  spec::RunConfig config;
  config.method = "lora";
  config.method_options = {{"lora.rank", "4"},
                           {"lora.targets", "q_proj,v_proj"}};
  SFT_ASSIGN_OR_RETURN(const Outlined out, OutlineWith(Gpt3(), config));
  return static_cast<double>(out.model->info().parameters) /
         SumOfElements(out.method->TrainableParameters());
}

// GB that the card holds in a step: rank 64 on all maps, one row of 512 tokens,
// activations recomputed. Moments are paged to the host, as the paper's are.
absl::StatusOr<double> QloraGigabytes() {
  spec::RunConfig config;
  config.method = "qlora";
  config.dtype = "bf16";
  config.method_options = {{"lora.rank", "64"}};
  config.activation_checkpointing = true;
  SFT_ASSIGN_OR_RETURN(const Outlined out, OutlineWith(Llama65B(), config));
  const measure::TrainedBytes trained =
      launch::TrainedBytesOf(config, out.method->TrainableParameters());
  measure::StepSize step = launch::StepSizeOf(config);
  step.tokens = step.targets = 512;
  step.attention_pairs = 512 * 513 / 2;
  double total = 0;
  for (const auto& [category, bytes] :
       measure::PredictTrainingBytes(*out.model, trained, step)) {
    if (category == "optimizer" || category == "process") continue;
    total += static_cast<double>(bytes);
  }
  return total / 1e9;
}

absl::StatusOr<double> StepFlopsOf(const std::string& method) {
  spec::RunConfig config;
  config.method = method;
  SFT_ASSIGN_OR_RETURN(const Outlined out, OutlineWith(Llama7B(), config));
  measure::StepWork work;
  work.computed_tokens = work.target_tokens = 512;
  work.attention_pairs = 512 * 513 / 2;
  return measure::StepFlops(measure::MakeFlopModel(*out.model, false), work)
      .total();
}

// Per cent of a full step's operations that half fine-tuning leaves out.
absl::StatusOr<double> HftSaving() {
  SFT_ASSIGN_OR_RETURN(const double half, StepFlopsOf("hft"));
  SFT_ASSIGN_OR_RETURN(const double full, StepFlopsOf("full"));
  return 100 * (1 - half / full);
}

std::function<absl::StatusOr<double>()> Caught(
    absl::StatusOr<double> (*compute)()) {
  return [compute]() -> absl::StatusOr<double> {
    double value = 0;
    SFT_RETURN_IF_ERROR(CatchTorch([&]() -> absl::Status {
      SFT_ASSIGN_OR_RETURN(value, compute());
      return absl::OkStatus();
    }));
    return value;
  };
}

}  // namespace

analysis::Computed ComputedClaims() {
  return {{"nf4.bits_per_weight", Caught(Nf4Bits)},
          {"lora.gpt3_share", Caught(LoraShare)},
          {"qlora.llama65b_gigabytes", Caught(QloraGigabytes)},
          {"hft.llama7b_flops_saving", Caught(HftSaving)}};
}

}  // namespace sft::experiments
