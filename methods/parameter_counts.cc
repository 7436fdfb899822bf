#include "methods/parameter_counts.h"

#include <cstdint>

namespace sft::methods {

train::MethodReport ParameterCounts(
    const std::vector<train::TrainableParameter>& trained,
    const model::Model& model) {
  train::MethodReport report;
  int64_t trainable = 0;
  for (const train::TrainableParameter& p : trained) {
    trainable += p.tensor.numel();
  }
  report.numbers["trainable_parameters"] = static_cast<double>(trainable);
  report.numbers["total_parameters"] =
      static_cast<double>(model.info().parameters);
  return report;
}

}  // namespace sft::methods
