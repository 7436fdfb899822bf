// A linear map of a model whose weights have not been read.
#ifndef HARNESS_MODEL_SLOT_SHAPE_H_
#define HARNESS_MODEL_SLOT_SHAPE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "harness/model/model.h"
#include "harness/spec/run_config.h"

namespace sft::model {

struct SlotShape {
  std::string name;
  Role role = Role::kQuery;
  int64_t out_features = 0, in_features = 0;
  int64_t layer = -1;
};

// Whether an update method can act on a model of these maps; errors begin with
// the option at fault ("lora.rank: ...").
using MethodCheck = std::function<absl::Status(const spec::RunConfig&,
                                               const std::vector<SlotShape>&)>;
using MethodChecks =
    std::map<std::string, MethodCheck>;  // by the method's name

}  // namespace sft::model

#endif  // HARNESS_MODEL_SLOT_SHAPE_H_
