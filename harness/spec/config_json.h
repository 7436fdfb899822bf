// A resolved cell as JSON with typed values, for readers of records that are
// not this program. The canonical text stays what is hashed and read back.
#ifndef HARNESS_SPEC_CONFIG_JSON_H_
#define HARNESS_SPEC_CONFIG_JSON_H_

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "harness/spec/run_config.h"

namespace sft::spec {

// The keys are those of ConfigFields: fields by their type (lists as lists), a
// method's options by what they look like, "data.NAME" as the JSON it is.
nlohmann::ordered_json ConfigToJson(const RunConfig& config);
// Axes by the type of the field of their name, else by what they look like.
nlohmann::ordered_json AxesToJson(
    const std::map<std::string, std::string>& axes);

}  // namespace sft::spec

#endif  // HARNESS_SPEC_CONFIG_JSON_H_
