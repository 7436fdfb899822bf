// Methods attached to real and tiny models, for the tests of what must change
// no result.
#ifndef TESTS_INVARIANCE_H_
#define TESTS_INVARIANCE_H_

#include <memory>
#include <string>
#include <utility>

#include "tests/methods/methods_support.h"

namespace sft::whole {

inline constexpr char kReal[] = "smollm2-135m-instruct";
inline constexpr char kTiny[] = "glassllm";

// One config for all; dropout wherever the method has such an option.
inline spec::RunConfig ConfigOf(const train::UpdateMethodRow& row,
                                bool dropout) {
  spec::RunConfig config;
  config.method = row.name;
  config.seed = 11;
  config.batch_size = 4;
  config.max_length = 96;
  config.learning_rate = 1e-3;
  config.warmup_ratio = 0.2;
  config.weight_decay = 0.01;
  config.budget_epochs = 1;
  for (const FieldSpec& option : row.options) {
    const size_t at = option.name.rfind(".dropout");
    if (dropout && at != std::string::npos) {
      config.method_options[option.name] = "0.1";
    }
  }
  return config;
}

struct Tuned {
  std::unique_ptr<model::Model> model;
  std::unique_ptr<train::UpdateMethod> method;
};

inline Tuned Attached(const train::UpdateMethodRow& row,
                      const spec::RunConfig& config,
                      const std::string& model_name, at::ScalarType compute) {
  Tuned tuned;
  tuned.model = methods::LoadTestModel(compute, model_name);
  auto method = row.make(config);
  REQUIRE(method.ok());
  tuned.method = std::move(*method);
  const absl::Status status = tuned.method->Attach(*tuned.model);
  INFO(status.ToString());
  REQUIRE(status.ok());
  return tuned;
}

}  // namespace sft::whole

#endif  // TESTS_INVARIANCE_H_
