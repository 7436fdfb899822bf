// A JSON file, whatever it holds: one array of objects; objects one after the
// other, as JSON lines are; or one object in which lists of rows stand under
// keys, such as {"data": [...]}, {"train": [...], "test": [...]}, and SQuAD's
// articles, of which each question is a row.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "harness/core/status.h"
#include "harness/data/forms/forms.h"
#include "harness/data/forms/json_rows.h"
#include "harness/data/forms/json_stream.h"
#include "harness/data/forms/not_a_table.h"
#include "harness/data/forms/split_names.h"
#include "harness/data/forms/text_lines.h"
#include "harness/data/unicode.h"
#include "harness/formats/json.h"

namespace sft::data {
namespace {

using Until = JsonStream::Until;

// Steps behind a list's or an object's value: true at a comma, false behind
// the closing bracket.
absl::StatusOr<bool> StepOn(JsonStream& stream, char closer) {
  SFT_ASSIGN_OR_RETURN(const char c, stream.Peek());
  if (c != ',' && c != closer) {
    return InputError(
        stream.Where(),
        absl::StrCat("wanted a comma or '", std::string(1, closer), "'"));
  }
  stream.Take();
  return c == ',';
}

// Gives the items of a list, whose bracket is taken, to `take`.
template <class Take>
absl::Status EachItem(JsonStream& stream, int64_t max_bytes, const Take& take) {
  for (bool first = true;; first = false) {
    SFT_ASSIGN_OR_RETURN(const JsonStream::Value item,
                         stream.Next(Until::kComma, ']', max_bytes));
    const bool blank = item.text.empty() && !item.too_long;
    SFT_ASSIGN_OR_RETURN(const char next, stream.Peek());
    if (!(blank && first && next == ']')) {
      if (blank) {
        return InputError(stream.Where(), "no value before a comma or bracket");
      }
      SFT_RETURN_IF_ERROR(take(item));
    }
    SFT_ASSIGN_OR_RETURN(const bool more, StepOn(stream, ']'));
    if (!more) return absl::OkStatus();
  }
}

absl::Status SkipItems(JsonStream& stream) {
  return EachItem(stream, 0, [](const auto&) { return absl::OkStatus(); });
}

// Calls `take(key)` before the value of each key of the object that begins the
// file; `take` says whether it took the value.
template <class Take>
absl::Status EachKey(JsonStream& stream, const Take& take) {
  stream.Take();  // the brace
  SFT_ASSIGN_OR_RETURN(const char first, stream.Peek());
  if (first == '}') return absl::OkStatus();
  constexpr int64_t kMaxKeyBytes = 4096;
  while (true) {
    SFT_ASSIGN_OR_RETURN(const JsonStream::Value text,
                         stream.Next(Until::kItsEnd, ':', kMaxKeyBytes));
    const absl::StatusOr<nlohmann::json> key = formats::ParseJson(text.text);
    SFT_ASSIGN_OR_RETURN(const char colon, stream.Peek());
    if (!key.ok() || !key->is_string() || colon != ':') {
      return InputError(stream.Where(), "wanted \"key\": in an object");
    }
    stream.Take();
    SFT_ASSIGN_OR_RETURN(const bool taken, take(key->get<std::string>()));
    if (!taken) {
      SFT_RETURN_IF_ERROR(stream.Next(Until::kComma, '}', 0).status());
    }
    SFT_ASSIGN_OR_RETURN(const bool more, StepOn(stream, '}'));
    if (!more) return absl::OkStatus();
  }
}

struct JsonLayout {
  enum Kind { kArray, kSequence, kObject } kind = kArray;
  std::vector<std::string> lists;  // keys of an object's lists of objects
  std::string head;                // the file's first bytes
};

absl::StatusOr<JsonLayout> LayoutOf(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(JsonStream stream, JsonStream::Open(path));
  SFT_ASSIGN_OR_RETURN(const std::string_view head, stream.Head());
  SFT_RETURN_IF_ERROR(CheckIsATable(path, head));
  JsonLayout layout;
  layout.head = std::string(head);
  SFT_ASSIGN_OR_RETURN(const char first, stream.Peek());
  if (first == '[') return layout;
  if (first != '{') return InputError(path, NoArrayRemedy(layout.head));
  SFT_RETURN_IF_ERROR(stream.Next(Until::kItsEnd, '\0', 0).status());
  SFT_ASSIGN_OR_RETURN(const char next, stream.Peek());
  if (next != '\0') {
    layout.kind = JsonLayout::kSequence;
    return layout;
  }
  layout.kind = JsonLayout::kObject;
  SFT_ASSIGN_OR_RETURN(JsonStream again, JsonStream::Open(path));
  SFT_RETURN_IF_ERROR(again.Peek().status());
  SFT_RETURN_IF_ERROR(
      EachKey(again, [&](const std::string& key) -> absl::StatusOr<bool> {
        SFT_ASSIGN_OR_RETURN(const char bracket, again.Peek());
        if (bracket != '[') return false;
        again.Take();
        SFT_ASSIGN_OR_RETURN(const char item, again.Peek());
        if (item == '{') layout.lists.push_back(key);
        SFT_RETURN_IF_ERROR(SkipItems(again));
        return true;
      }));
  return layout;
}

absl::StatusOr<std::vector<std::string>> PartsOf(const std::string& path,
                                                 const FormOptions& options) {
  std::vector<std::string> parts;
  if (!options.rows.empty()) return parts;
  SFT_ASSIGN_OR_RETURN(const JsonLayout layout, LayoutOf(path));
  if (layout.lists.size() < 2) return parts;
  for (const std::string& key : layout.lists) {
    const std::string part = SplitOfName(key);
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

absl::StatusOr<std::string> ListToRead(const FormInput& input,
                                       const JsonLayout& layout) {
  const std::vector<std::string>& lists = layout.lists;
  const std::string& stated = input.options.rows;
  const std::string all = ShownText(absl::StrJoin(lists, ", ")).substr(0, 200);
  if (!stated.empty()) {
    if (std::find(lists.begin(), lists.end(), stated) != lists.end()) {
      return stated;
    }
    return InputError(
        input.path,
        absl::StrCat("rows: no list of objects stands under '", stated, "'",
                     lists.empty() ? "" : "; there are " + all));
  }
  if (lists.empty()) return InputError(input.path, NoArrayRemedy(layout.head));
  if (lists.size() == 1) return lists[0];
  for (const std::string& key : lists) {
    if (!input.part.empty() && SplitOfName(key) == input.part) return key;
  }
  return InputError(input.path,
                    absl::StrCat("holds lists of rows under ", all,
                                 ": rows: says which, as in rows: ",
                                 ShownText(lists[0]).substr(0, 80)));
}

// The questions of an article of SQuAD's, with what is around them; false if it
// is none.
absl::StatusOr<bool> AddQuestions(const nlohmann::json& article,
                                  int64_t& number, RowSink& sink) {
  const auto paragraphs = article.find("paragraphs");
  if (paragraphs == article.end() || !paragraphs->is_array()) return false;
  for (const nlohmann::json& paragraph : *paragraphs) {
    if (!paragraph.is_object() || !paragraph.contains("context") ||
        !paragraph.contains("qas") || !paragraph["qas"].is_array()) {
      SFT_RETURN_IF_ERROR(sink.Bad(
          ++number, "a paragraph without context and qas, as SQuAD has them"));
      continue;
    }
    for (const nlohmann::json& question : paragraph["qas"]) {
      if (!question.is_object()) {
        SFT_RETURN_IF_ERROR(sink.Bad(++number, "a question that is no object"));
        continue;
      }
      nlohmann::json row = question;
      row.erase("plausible_answers");  // of questions without an answer
      row["context"] = paragraph["context"];
      if (article.contains("title")) row["title"] = article["title"];
      SFT_RETURN_IF_ERROR(sink.Row(std::move(row), ++number));
    }
  }
  return true;
}

absl::Status ReadObject(const FormInput& input, const JsonLayout& layout,
                        RowSink& sink) {
  SFT_ASSIGN_OR_RETURN(const std::string list, ListToRead(input, layout));
  sink.CountRows();
  int64_t number = 0;
  bool squad = false;
  SFT_ASSIGN_OR_RETURN(JsonStream stream, JsonStream::Open(input.path));
  SFT_RETURN_IF_ERROR(stream.Peek().status());
  const auto add = [&](const JsonStream::Value& item) -> absl::Status {
    if (item.too_long) return sink.Bad(++number, RowTooLong());
    const absl::StatusOr<nlohmann::json> value = formats::ParseJson(item.text);
    if (value.ok() && value->is_object()) {
      SFT_ASSIGN_OR_RETURN(const bool added,
                           AddQuestions(*value, number, sink));
      squad |= added;
      if (added) return absl::OkStatus();
    }
    return AddJsonRow(item.text, ++number, sink);
  };
  SFT_RETURN_IF_ERROR(
      EachKey(stream, [&](const std::string& key) -> absl::StatusOr<bool> {
        if (key != list) return false;
        SFT_RETURN_IF_ERROR(stream.Peek().status());
        stream.Take();  // the bracket
        SFT_RETURN_IF_ERROR(EachItem(stream, kMaxRowBytes, add));
        return true;
      }));
  sink.Say(absl::StrCat("rows under '", ShownText(list).substr(0, 80), "'",
                        squad ? ", SQuAD's articles, a row a question" : ""));
  return absl::OkStatus();
}

absl::Status ReadJsonFile(const FormInput& input, RowSink& sink) {
  SFT_ASSIGN_OR_RETURN(const JsonLayout layout, LayoutOf(input.path));
  if (layout.kind == JsonLayout::kObject) {
    return ReadObject(input, layout, sink);
  }
  SFT_ASSIGN_OR_RETURN(JsonStream stream, JsonStream::Open(input.path));
  SFT_RETURN_IF_ERROR(stream.Peek().status());
  const auto add = [&sink](const JsonStream::Value& item) {
    return item.too_long ? sink.Bad(item.line, RowTooLong())
                         : AddJsonRow(item.text, item.line, sink);
  };
  if (layout.kind == JsonLayout::kSequence) {
    sink.Say("JSON lines");
    while (true) {
      SFT_ASSIGN_OR_RETURN(const char next, stream.Peek());
      if (next == '\0') return absl::OkStatus();
      SFT_ASSIGN_OR_RETURN(const JsonStream::Value item,
                           stream.Next(Until::kItsEnd, '\0', kMaxRowBytes));
      if (item.text.empty() && !item.too_long) {
        return InputError(stream.Where(),
                          "a comma between objects: wanted one "
                          "object a line, or one array");
      }
      SFT_RETURN_IF_ERROR(add(item));
    }
  }
  stream.Take();
  SFT_RETURN_IF_ERROR(EachItem(stream, kMaxRowBytes, add));
  SFT_ASSIGN_OR_RETURN(const char behind, stream.Peek());
  if (behind == '\0') return absl::OkStatus();
  return InputError(stream.Where(), "text behind the array");
}

}  // namespace

TableForm JsonForm() {
  return {.name = "json",
          .summary =
              "an array of objects, objects, or an object that has "
              "lists of them",
          .endings = {".json"},
          .read = ReadJsonFile,
          .parts = PartsOf};
}

}  // namespace sft::data
