// Models of other kinds than the decoders and encoders of here: what they are,
// and why they are refused.
#ifndef HARNESS_MODEL_FAMILIES_REFUSED_H_
#define HARNESS_MODEL_FAMILIES_REFUSED_H_

#include <nlohmann/json.hpp>
#include <string>

namespace sft::model {

// One sentence about the model that config.json declares, its name first; ""
// where it is of no such kind. By the names that are known, or else by keys
// that only such models have.
std::string WhyRefused(const nlohmann::json& config);

}  // namespace sft::model

#endif  // HARNESS_MODEL_FAMILIES_REFUSED_H_
