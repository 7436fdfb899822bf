#include "harness/data/jsonl.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "harness/core/files.h"
#include "harness/core/json_depth.h"
#include "harness/core/status.h"
#include "harness/data/clean_text.h"

namespace sft {
namespace {

absl::Status NoRecords(const std::string& path, const JsonTable& table) {
  if (table.refused.empty()) return InputError(path, "no records");
  return InputError(table.refused[0].where,
                    absl::StrCat(table.refused[0].reason, " (and none of the ",
                                 table.refused.size(), " records is usable)"));
}

// The first whole number of good JSON that no 64 bits hold: the parser makes it
// a double, which may be another number. "" if there is none.
std::string_view TooLongInteger(std::string_view text) {
  constexpr size_t kSurelyHeld = 18;  // digits
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
      continue;
    }
    in_string = c == '"';
    if (c != '-' && !absl::ascii_isdigit(static_cast<unsigned char>(c))) {
      continue;
    }
    const size_t end =
        std::min(text.find_first_not_of("+-.0123456789eE", i), text.size());
    const std::string_view number = text.substr(i, end - i);
    i = end - 1;
    if (number.size() <= kSurelyHeld ||
        number.find_first_of(".eE") != std::string_view::npos) {
      continue;
    }
    int64_t held = 0;
    uint64_t positive = 0;
    if (!absl::SimpleAtoi(ToAbsl(number), &held) &&
        !absl::SimpleAtoi(ToAbsl(number), &positive)) {
      return number;
    }
  }
  return "";
}

// What Python writes for no number, if the parser stopped there.
std::string_view NoNumber(std::string_view text,
                          const nlohmann::json::exception& error) {
  const auto* parse = dynamic_cast<const nlohmann::json::parse_error*>(&error);
  if (parse == nullptr || parse->byte == 0 || parse->byte > text.size()) {
    return "";
  }
  const std::string_view rest = text.substr(parse->byte - 1);
  for (const std::string_view word : {"NaN", "Infinity"}) {
    if (rest.substr(0, word.size()) == word) return word;
  }
  return "";
}

}  // namespace

absl::StatusOr<nlohmann::json> ParseJson(std::string_view text, int max_depth) {
  const std::string complaint = Utf8Complaint(text);
  if (!complaint.empty()) return absl::InvalidArgumentError(complaint);
  const int depth = JsonDepth(text);
  if (depth > max_depth) {
    return absl::InvalidArgumentError(absl::StrCat(
        "JSON nested ", depth, " deep, at most ", max_depth, " is read"));
  }
  try {
    nlohmann::json value = nlohmann::json::parse(text);
    const std::string_view number = TooLongInteger(text);
    if (number.empty()) return value;
    const size_t digits = number.size() - (number[0] == '-' ? 1 : 0);
    return absl::InvalidArgumentError(absl::StrCat(
        "the number ", ToAbsl(number.substr(0, 40)),
        number.size() > 40 ? "..." : "", " of ", digits,
        " digits cannot be kept exactly: write it as a text, in quotes"));
  } catch (const nlohmann::json::exception& e) {
    const std::string_view word = NoNumber(text, e);
    if (!word.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(ToAbsl(word), " is no JSON: write null"));
    }
    // "[json.exception.parse_error.101] parse error at line 1, ..."
    const std::string what = e.what();
    const size_t bracket = what.find("] ");
    return absl::InvalidArgumentError(absl::StrCat(
        "no JSON: ",
        bracket == std::string::npos ? what : what.substr(bracket + 2)));
  }
}

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
    absl::StatusOr<nlohmann::json> value = ParseJson(line);
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
  absl::StatusOr<nlohmann::json> array = ParseJson(WithoutByteOrderMark(text));
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

}  // namespace sft
