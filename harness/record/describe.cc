#include "harness/record/describe.h"

#include <map>
#include <string>
#include <utility>

#include "harness/core/utf8.h"
#include "harness/record/schema.h"
#include "harness/spec/config_json.h"

namespace sft::record {
namespace {

std::string JsonLine(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', /*ensure_ascii=*/false,
                   nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::vector<H5Note> NotesOn(const std::vector<H5Item>& items) {
  std::vector<H5Note> notes;
  std::map<std::string, std::string> axes;
  for (const H5Item& item : items) {
    if (item.attribute.empty()) {
      std::string meaning = MeaningOf(item.path);
      if (meaning.empty()) continue;
      notes.push_back({item.path, kMeaningNote, std::move(meaning)});
      continue;
    }
    const auto* text = std::get_if<std::string>(&item.value);
    if (text == nullptr) continue;
    if (item.path == kAxesPath) axes[item.attribute] = *text;
    if (item.path != "/" || item.attribute != "config") continue;
    const auto config = spec::RunConfig::FromCanonicalText(*text);
    if (!config.ok()) continue;
    notes.push_back(
        {"/", kConfigNote, CleanUtf8(JsonLine(spec::ConfigToJson(*config)))});
  }
  if (!axes.empty()) {
    notes.push_back(
        {"/", kAxesNote, CleanUtf8(JsonLine(spec::AxesToJson(axes)))});
  }
  return notes;
}

}  // namespace sft::record
