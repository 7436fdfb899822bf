#include "harness/data/jsonl.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/formats/json.h"

namespace sft::data {
namespace {

absl::Status NoRecords(const std::string& path, const JsonTable& table) {
  if (table.refused.empty()) return InputError(path, "no records");
  return InputError(table.refused[0].where,
                    absl::StrCat(table.refused[0].reason, " (and none of the ",
                                 table.refused.size(), " records is usable)"));
}

}  // namespace

absl::StatusOr<JsonTable> ReadJsonl(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> lines,
                       ReadLines(path, kMaxJsonLineBytes));
  JsonTable table;
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string_view line =
        i == 0 ? WithoutByteOrderMark(lines[i]) : std::string_view(lines[i]);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    JsonRecord record;
    record.number = static_cast<int64_t>(i) + 1;
    record.where = absl::StrCat(path, ":", record.number);
    absl::StatusOr<nlohmann::json> value = formats::ParseJson(line);
    if (!value.ok()) {
      table.refused.push_back({record.where, ToStd(value.status().message())});
    } else if (!value->is_object()) {
      table.refused.push_back({record.where, "JSON, but no object"});
    } else {
      record.value = *std::move(value);
      table.records.push_back(std::move(record));
    }
  }
  if (table.records.empty()) return NoRecords(path, table);
  return table;
}

absl::StatusOr<JsonTable> ReadJsonArray(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(const std::string text,
                       ReadFile(path, kMaxJsonFileBytes));
  absl::StatusOr<nlohmann::json> array =
      formats::ParseJson(WithoutByteOrderMark(text));
  if (!array.ok()) return InputError(path, ToStd(array.status().message()));
  if (!array->is_array()) return InputError(path, "JSON, but no array");
  JsonTable table;
  int64_t number = 0;
  for (nlohmann::json& value : *array) {
    JsonRecord record;
    record.number = ++number;
    record.where = absl::StrCat(path, ": record ", number);
    if (!value.is_object()) {
      table.refused.push_back({record.where, "no object"});
      continue;
    }
    record.value = std::move(value);
    table.records.push_back(std::move(record));
  }
  if (table.records.empty()) return NoRecords(path, table);
  return table;
}

absl::StatusOr<std::string> JsonText(const nlohmann::json& object,
                                     const std::string& key, bool optional) {
  const auto it = object.find(key);
  if (it == object.end() || (optional && it->is_null())) {
    if (optional) return std::string();
    return absl::InvalidArgumentError(absl::StrCat("no '", key, "'"));
  }
  if (!it->is_string()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", key, "' is no string but ", it->type_name()));
  }
  return it->get<std::string>();
}

}  // namespace sft::data
