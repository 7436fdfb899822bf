// Tiny random checkpoints of tests/golden.
#ifndef TESTS_HARNESS_MEASURE_TINY_GOLDEN_H_
#define TESTS_HARNESS_MEASURE_TINY_GOLDEN_H_

#include <memory>
#include <string>
#include <utility>

#include "harness/model/load/load.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"

namespace sft::measure {

// `folder` is below tests/golden, such as "decoders/gpt2". In f32.
inline std::unique_ptr<model::Model> TinyGolden(const std::string& folder) {
  model::ModelLocation where;
  where.name = where.folder =
      (support::SourceDir() / "tests/golden" / folder).string();
  auto model = model::LoadModel(where, model::ModelOptions());
  INFO(model.status().ToString());
  REQUIRE(model.ok());
  return *std::move(model);
}

}  // namespace sft::measure

#endif  // TESTS_HARNESS_MEASURE_TINY_GOLDEN_H_
