#include "harness/model/json_text.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/core/json_depth.h"
#include "harness/core/not_the_file.h"
#include "harness/core/status.h"

namespace sft {
absl::StatusOr<nlohmann::json> ParseJsonObject(std::string_view where,
                                               std::string_view text,
                                               int max_depth) {
  using nlohmann::json;
  SFT_RETURN_IF_ERROR(CheckIsTheFile(std::string(where), text));
  if (JsonDepth(text) > max_depth) {
    return InputError(
        where, absl::StrCat("JSON nested deeper than ", max_depth, " levels"));
  }
  std::string twice;
  std::vector<std::set<std::string>> keys;
  auto watch = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) {
      keys.emplace_back();
    } else if (event == json::parse_event_t::object_end) {
      keys.pop_back();
    } else if (event == json::parse_event_t::key) {
      std::string key = parsed.get<std::string>();
      if (!keys.back().insert(key).second) twice = std::move(key);
    }
    return true;
  };
  json value;
  try {
    value = json::parse(text, watch);
  } catch (const json::parse_error& error) {
    return InputError(
        where, absl::StrCat("not valid JSON (at byte ", error.byte, ")"));
  } catch (const json::exception&) {
    return InputError(where, "not valid JSON");
  }
  if (!twice.empty()) {
    return InputError(where, absl::StrCat("key \"", twice, "\" given twice"));
  }
  if (!value.is_object()) return InputError(where, "not a JSON object");
  return value;
}

}  // namespace sft
