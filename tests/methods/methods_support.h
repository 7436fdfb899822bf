// What the tests of methods share.
#ifndef TESTS_METHODS_METHODS_SUPPORT_H_
#define TESTS_METHODS_METHODS_SUPPORT_H_

#include <ATen/core/grad_mode.h>

#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "harness/core/rng.h"
#include "harness/core/status.h"
#include "harness/data/collator.h"
#include "harness/model/load/load.h"
#include "harness/train/method.h"
#include "methods/registry.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"

namespace sft::methods {

inline nlohmann::json ReadGoldenJson(const std::string& name) {
  std::ifstream file(support::SourceDir() / "tests" / "golden" / name);
  REQUIRE(file.good());
  return nlohmann::json::parse(file);
}

// Leaves the case as skipped where a listed model is not here.
inline void RequireModel(const std::string& name) {
  const auto where = model::LocateModel(name, support::AssetsDir().string());
  if (where.ok()) return;
  support::Skip(support::Need::kAssets, ToStd(where.status().message()));
}

// A listed model; the small real one by default.
inline std::unique_ptr<model::Model> LoadTestModel(
    at::ScalarType compute = at::kFloat, const std::string& name = "glassllm") {
  auto where = model::LocateModel(name, support::AssetsDir().string());
  INFO(where.status().ToString());
  REQUIRE(where.ok());
  auto model = model::LoadModel(*where, {.compute_dtype = compute});
  INFO(model.status().ToString());
  REQUIRE(model.ok());
  return std::move(*model);
}

inline std::unique_ptr<train::UpdateMethod> MakeMethod(
    const std::string& name,
    const std::map<std::string, std::string>& options = {}, int64_t seed = 0) {
  spec::RunConfig config;
  config.method = name;
  config.seed = seed;
  config.method_options = options;
  for (const train::UpdateMethodRow& row : AllMethods().update) {
    if (row.name != name) continue;
    auto method = row.make(config);
    INFO(method.status().ToString());
    REQUIRE(method.ok());
    return std::move(*method);
  }
  FAIL("no update method called " << name);
  return nullptr;
}

// Rows of random tokens, the second half of each a target.
inline std::vector<Example> RandomExamples(const std::vector<int64_t>& lengths,
                                           uint64_t seed = 7,
                                           uint64_t vocabulary = 1000) {
  Rng rng(seed, Stream::kDataOrder, "test rows");
  std::vector<Example> out;
  for (int64_t length : lengths) {
    Example example;
    example.row_id = static_cast<int64_t>(out.size());
    for (int64_t t = 0; t < length; ++t) {
      const auto id = static_cast<int32_t>(rng.Below(vocabulary));
      example.input_ids.push_back(id);
      example.labels.push_back(t > 0 && t >= length / 2 ? id : kNoLoss);
    }
    out.push_back(std::move(example));
  }
  return out;
}

inline Batch RandomBatch() {
  const std::vector<Example> rows = RandomExamples({9, 14, 6});
  return data::PaddedBatch(rows, {{0, 0, 9}, {1, 0, 14}, {2, 0, 6}}, 0, 0);
}

// Every tensor that the model holds, by name, whatever its maps are.
inline std::map<std::string, at::Tensor> AllTensors(model::Model& model) {
  std::map<std::string, at::Tensor> out;
  for (const model::Parameter& p : model.Parameters()) out[p.name] = p.tensor;
  for (const model::LinearSlot& slot : model.linear_slots()) {
    for (const NamedTensor& t : slot.map->Tensors()) {
      out[slot.name + "." + t.name] = t.tensor;
    }
  }
  return out;
}

inline double LossOf(model::Model& model, const Batch& batch) {
  const at::NoGradGuard no_grad;
  return model.SumLoss(batch).loss_sum.item<double>();
}

}  // namespace sft::methods

#endif  // TESTS_METHODS_METHODS_SUPPORT_H_
