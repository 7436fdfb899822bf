// What the benchmarks of evaluation read: the default model in one of its
// forms, and token ids. The ids come from SFTBENCH_EVAL_INPUTS (JSON, written
// by scripts/side_by_side_eval.py, so that the peers read the same), or from a
// golden file.
#ifndef TESTS_BENCH_BENCH_INPUTS_H_
#define TESTS_BENCH_BENCH_INPUTS_H_

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/core/tensor_allocator.h"
#include "harness/eval/continuations.h"
#include "harness/model/load/load.h"
#include "harness/model/ops/dense_linear.h"
#include "methods/adapter_targets.h"
#include "methods/qlora.h"
#include "tests/support/paths.h"

namespace sft::bench {

using Ids = std::vector<int32_t>;

// "f32", "bf16", or "nf4": bf16 with the linear maps in NF4, double quantized.
// Null, and the case skipped, where the model is not here.
inline model::Model* ModelOf(const std::string& form, benchmark::State& state) {
  static const bool large_pages = InstallTensorAllocator();
  static_cast<void>(large_pages);
  static std::map<std::string, std::unique_ptr<model::Model>> models;
  std::unique_ptr<model::Model>& model = models[form];
  if (model != nullptr) return model.get();
  const auto where = model::LocateModel("smollm2-135m-instruct",
                                        support::AssetsDir().string());
  if (!where.ok()) {
    state.SkipWithError("the default model is not here");
    return nullptr;
  }
  auto loaded = model::LoadModel(
      *where, {.compute_dtype = form == "f32" ? at::kFloat : at::kBFloat16});
  if (!loaded.ok()) {
    state.SkipWithError("the default model cannot be read");
    return nullptr;
  }
  model = std::move(*loaded);
  methods::FreezeParameters(*model);
  for (model::LinearSlot& slot : model->linear_slots()) {
    auto& dense = static_cast<model::DenseLinear&>(*slot.map);
    if (form == "nf4") {
      slot.map = std::make_unique<methods::Nf4Linear>(
          kernels::QuantizeNf4(dense.DenseWeight(),
                               /*double_quantization=*/true),
          methods::BiasOf(dense), at::kBFloat16);
    } else {
      dense.FreezeInComputeDtype();
    }
  }
  return model.get();
}

struct Inputs {
  std::vector<Ids> prompts, answers;  // answers: transformers', f32, greedy
  int64_t new_tokens = 0;
  std::vector<eval::Continuations> questions;
  std::vector<Ids> windows;
};

inline const Inputs& AllInputs() {
  static const Inputs inputs = [] {
    Inputs out;
    const char* named = std::getenv("SFTBENCH_EVAL_INPUTS");
    std::ifstream file(named != nullptr ? std::string(named)
                                        : (support::SourceDir() /
                                           "tests/golden/smollm2_generate.json")
                                              .string());
    const nlohmann::json json = nlohmann::json::parse(file);
    if (named != nullptr) {
      out.prompts = json.at("prompts").get<std::vector<Ids>>();
      out.answers = json.at("answers").get<std::vector<Ids>>();
      out.new_tokens = json.at("new_tokens");
      for (const auto& question : json.at("questions")) {
        out.questions.push_back(
            {std::ssize(out.questions), question.at("context").get<Ids>(),
             question.at("choices").get<std::vector<Ids>>()});
      }
      out.windows = json.at("windows").get<std::vector<Ids>>();
      return out;
    }
    // The first 8 answer 32 tokens without an end of turn. Their answers are
    // choices for each other, and all together a text.
    out.new_tokens = 32;
    Ids text;
    for (int64_t i = 0; i < 8; ++i) {
      out.prompts.push_back(json["prompts"][i]["ids"].get<Ids>());
      out.answers.push_back(json["prompts"][i]["answer"].get<Ids>());
      text.insert(text.end(), out.prompts[i].begin(), out.prompts[i].end());
      text.insert(text.end(), out.answers[i].begin(), out.answers[i].end());
    }
    for (size_t i = 0; i < 8; ++i) {
      std::vector<Ids> choices;
      for (size_t k = i; k < i + 4; ++k) {
        const Ids& answer = out.answers[k % 8];
        choices.emplace_back(answer.begin(), answer.begin() + 12);
      }
      out.questions.push_back(
          {static_cast<int64_t>(i), out.prompts[i], std::move(choices)});
    }
    out.windows = {text};
    return out;
  }();
  return inputs;
}

}  // namespace sft::bench

#endif  // TESTS_BENCH_BENCH_INPUTS_H_
