#include "harness/data/prepare/read_table.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/data/csv.h"
#include "harness/data/jsonl.h"
#include "harness/data/line_reader.h"
#include "harness/data/prepare/not_a_table.h"
#include "harness/data/prepare/table_remedies.h"
#include "harness/data/unicode.h"
#include "harness/formats/json.h"

namespace sft::data {
namespace {

constexpr size_t kMaxColumns = 10000;

class TableReader {
 public:
  TableReader(const std::string& path, const PrepareOptions& options)
      : path_(path), options_(options) {}

  absl::StatusOr<ReadRows> Read(const std::string& scratch) {
    SFT_ASSIGN_OR_RETURN(out_.rows, SpilledRows::Create(scratch, path_));
    std::string name = path_;
    if (absl::EndsWith(name, ".gz")) name.resize(name.size() - 3);
    if (options_.format != "auto") name = "." + options_.format;
    SFT_ASSIGN_OR_RETURN(LineReader lines,
                         LineReader::Open(path_, kMaxRowBytes));
    const std::vector<std::string> endings = {".csv", ".tsv", ".jsonl",
                                              ".ndjson", ".json"};
    if (std::none_of(endings.begin(), endings.end(), [&](const auto& ending) {
          return absl::EndsWith(name, ending);
        })) {
      return InputError(path_, FormatRemedy(name));
    }
    SFT_ASSIGN_OR_RETURN(const std::string_view head, lines.Head());
    SFT_RETURN_IF_ERROR(CheckIsATable(path_, head));
    if (absl::EndsWith(name, ".csv")) {
      SFT_RETURN_IF_ERROR(ReadCsvRows(lines));
    } else if (absl::EndsWith(name, ".tsv")) {
      SFT_RETURN_IF_ERROR(ReadTsvRows(lines));
    } else if (absl::EndsWith(name, ".jsonl") ||
               absl::EndsWith(name, ".ndjson")) {
      const std::string remedy = ArrayRemedy(head);
      if (!remedy.empty()) return InputError(path_, remedy);
      SFT_RETURN_IF_ERROR(ReadJsonRows(lines));
    } else {
      no_array_ = NoArrayRemedy(head);
      SFT_RETURN_IF_ERROR(ReadArray(lines));
    }
    if (out_.rows->size() == 0) {
      return InputError(
          out_.bad.empty() ? path_ : out_.bad[0].where,
          absl::StrCat(out_.bad.empty() ? "" : out_.bad[0].reason + ": ",
                       "no row can be used"));
    }
    SFT_RETURN_IF_ERROR(CheckColumns());
    out_.columns.assign(names_.begin(), names_.end());
    std::vector<std::string> read_from = {columns_.label};
    for (const auto* some : {&columns_.text, &columns_.also, &columns_.answer})
      read_from.insert(read_from.end(), some->begin(), some->end());
    out_.rows->set_read_from(std::move(read_from));
    return std::move(out_);
  }

 private:
  absl::Status Bad(int64_t line, std::string_view why) {
    const std::string where = absl::StrCat(path_, ":", line);
    if (options_.on_bad_row == "fail") return InputError(where, why);
    out_.bad.push_back({where, std::string(why)});
    return absl::OkStatus();
  }
  std::string TooLong() const {
    return absl::StrCat("a row above ", kMaxRowBytes, " bytes");
  }

  // Settles the columns when the first names are known.
  void ChooseColumns(const std::set<std::string>& names) {
    if (chosen_) return;
    chosen_ = true;
    columns_ = {options_.text, options_.also, options_.label, options_.answer};
    if (options_.whole_layout) AddLayout(names);
    if (columns_.text.empty() && columns_.also.empty())
      columns_.text = {"text"};
    if (columns_.label.empty() && names.contains("label")) {
      columns_.label = "label";
    }
    columns_.nfc = options_.clean && options_.nfc;
    columns_.answer_of = options_.answer_of;
  }
  // The columns that stand beside those of the prompt by their usual names; or
  // those of the first layout that the file has, if none is named.
  void AddLayout(const std::set<std::string>& names) {
    auto has = [](const std::vector<std::string>& all, const std::string& one) {
      return std::find(all.begin(), all.end(), one) != all.end();
    };
    auto named = [&](const std::string& column) {
      return has(columns_.text, column) || has(columns_.also, column) ||
             has(columns_.answer, column) || column == columns_.label;
    };
    for (const RowColumns& layout : RowLayouts()) {
      const bool mine =
          columns_.text.empty()
              ? std::all_of(
                    layout.text.begin(), layout.text.end(),
                    [&](const auto& one) { return names.contains(one); })
              : std::any_of(
                    layout.text.begin(), layout.text.end(),
                    [&](const auto& one) { return has(columns_.text, one); });
      if (!mine) continue;
      const bool all = columns_.text.empty();
      for (const std::string& one : layout.text) {
        if (!named(one)) (all ? columns_.text : columns_.also).push_back(one);
      }
      for (const std::string& one : layout.also) {
        if (!named(one)) columns_.also.push_back(one);
      }
      for (const std::string& one : layout.answer) {
        if (!named(one)) columns_.answer.push_back(one);
      }
      return;
    }
  }
  absl::Status CheckColumns() const {
    std::vector<std::string> wanted = columns_.text;
    if (!columns_.label.empty()) wanted.push_back(columns_.label);
    for (const std::string& column : wanted) {
      if (names_.contains(column)) continue;
      return InputError(
          path_,
          NoColumnRemedy(column, {names_.begin(), names_.end()}, fields_));
    }
    return absl::OkStatus();
  }

  absl::Status Add(nlohmann::json object, int64_t line) {
    return out_.rows->Add(RowFromJson(std::move(object), line, columns_));
  }

  // The header of a CSV or TSV file, or the first row of one without.
  absl::Status SetFields(const std::vector<std::string>& fields, int64_t line) {
    const std::string where = absl::StrCat(path_, ":", line);
    fields_ = fields;
    if (!options_.header) {
      for (size_t i = 0; i < fields_.size(); ++i) {
        fields_[i] = absl::StrCat(i + 1);
      }
    }
    if (fields_.size() > kMaxColumns) {
      return InputError(where, absl::StrCat(fields_.size(), " columns"));
    }
    for (const std::string& name : fields_) {
      const std::string complaint = WithEncodingRemedy(Utf8Complaint(name));
      if (!complaint.empty()) return InputError(where, complaint);
      if (!names_.insert(name).second) {
        return InputError(where,
                          "two columns are named '" + ShownText(name) + "'");
      }
    }
    ChooseColumns(names_);
    return CheckColumns();
  }

  absl::Status AddFields(const std::vector<std::string>& fields, int64_t line,
                         std::string why) {
    if (fields_.empty()) {
      if (!why.empty()) return InputError(absl::StrCat(path_, ":", line), why);
      SFT_RETURN_IF_ERROR(SetFields(fields, line));
      if (options_.header) return absl::OkStatus();
    }
    for (const std::string& field : fields) {
      if (why.empty()) why = WithEncodingRemedy(Utf8Complaint(field));
    }
    if (why.empty() && fields.size() != fields_.size()) {
      why = absl::StrCat(fields.size(), " fields, wanted ", fields_.size());
    }
    if (!why.empty()) return Bad(line, why);
    nlohmann::json object = nlohmann::json::object();
    for (size_t i = 0; i < fields.size(); ++i) object[fields_[i]] = fields[i];
    return Add(std::move(object), line);
  }

  static std::string_view LineOf(const LineReader& lines) {
    return lines.number() == 1 ? WithoutByteOrderMark(lines.line())
                               : std::string_view(lines.line());
  }

  // Lines above the limit are bad rows.
  template <class Take>
  absl::Status ForEachLine(LineReader& lines, const Take& take) {
    while (true) {
      SFT_ASSIGN_OR_RETURN(const bool more, lines.Next());
      if (!more) return absl::OkStatus();
      SFT_RETURN_IF_ERROR(lines.too_long() ? Bad(lines.number(), TooLong())
                                           : take(LineOf(lines)));
    }
  }

  absl::Status ReadCsvRows(LineReader& lines) {
    CsvParser parser(kMaxRowBytes, options_.delimiter[0]);
    int64_t before = 0;  // lines that `parser` has not seen
    while (true) {
      SFT_ASSIGN_OR_RETURN(const bool more, lines.Next());
      if (!more) break;
      if (lines.too_long()) {
        // Where its quotes end is unknown: the next line begins a record.
        SFT_RETURN_IF_ERROR(Bad(lines.number(), TooLong()));
        parser = CsvParser(kMaxRowBytes, options_.delimiter[0]);
        before = lines.number();
        continue;
      }
      const std::string_view line = LineOf(lines);
      const bool blank = line.empty() && !parser.open();
      if (!parser.Feed(line) || blank) continue;
      SFT_RETURN_IF_ERROR(AddFields(parser.record().fields,
                                    before + parser.line(), parser.error()));
    }
    if (parser.open()) {
      return InputError(absl::StrCat(path_, ":", before + parser.line()),
                        "a quote opened in this record is never closed");
    }
    return absl::OkStatus();
  }

  absl::Status ReadTsvRows(LineReader& lines) {
    return ForEachLine(lines, [&](std::string_view line) {
      return line.empty() ? absl::OkStatus()
                          : AddFields(absl::StrSplit(ToAbsl(line), '\t'),
                                      lines.number(), "");
    });
  }

  absl::Status AddJson(std::string_view text, int64_t line) {
    absl::StatusOr<nlohmann::json> value = formats::ParseJson(text);
    if (!value.ok()) {
      const std::string complaint = WithEncodingRemedy(Utf8Complaint(text));
      return Bad(line, complaint.empty() ? ToStd(value.status().message())
                                         : complaint);
    }
    if (!value->is_object()) return Bad(line, "JSON, but no object");
    for (const auto& [key, unused] : value->items()) {
      if (names_.size() < kMaxColumns) names_.insert(key);
    }
    ChooseColumns(names_);
    return Add(*std::move(value), line);
  }

  absl::Status ReadJsonRows(LineReader& lines) {
    return ForEachLine(lines, [&](std::string_view line) {
      const bool blank =
          line.find_first_not_of(" \t\r") == std::string_view::npos;
      return blank ? absl::OkStatus() : AddJson(line, lines.number());
    });
  }

  // One array, cut at the commas of its first level. A file whose array is
  // one line above the limit is refused whole: it has no rows to cut.
  absl::Status ReadArray(LineReader& lines) {
    enum { kBefore, kWithin, kBehind } place = kBefore;
    int depth = 0;
    bool in_string = false, escaped = false, too_long = false, comma = false;
    std::string item;
    int64_t item_line = 0;
    auto finish = [&]() -> absl::Status {
      const bool blank = !too_long && item.empty();
      const absl::Status status =
          blank      ? InputError(absl::StrCat(path_, ":", lines.number()),
                                  "no value before a comma or bracket")
          : too_long ? Bad(item_line, TooLong())
                     : AddJson(item, item_line);
      item.clear();
      too_long = false;
      return status;
    };
    while (true) {
      SFT_ASSIGN_OR_RETURN(const bool more, lines.Next());
      if (!more) break;
      const std::string where = absl::StrCat(path_, ":", lines.number());
      if (lines.too_long()) {
        return InputError(where, TooLong() +
                                     ", in an array: write one object a line, "
                                     "or JSON lines");
      }
      const std::string_view line = LineOf(lines);
      for (const char c : line) {
        const bool space = c == ' ' || c == '\t' || c == '\r';
        if (place != kWithin) {
          if (space) continue;
          if (place == kBehind)
            return InputError(where, "text behind the array");
          if (c != '[') return InputError(where, no_array_);
          place = kWithin;
          continue;
        }
        if (depth == 0 && !in_string && (c == ',' || c == ']')) {
          if (c == ',' || comma || !item.empty() || too_long) {
            SFT_RETURN_IF_ERROR(finish());
          }
          comma = c == ',';
          if (c == ']') place = kBehind;
          continue;
        }
        if (in_string) {
          in_string = escaped || c != '"';
          escaped = !escaped && c == '\\';
        } else if (c == '"') {
          in_string = true;
        } else if (c == '{' || c == '[') {
          ++depth;
        } else if (c == '}' || c == ']') {
          if (--depth < 0) return InputError(where, "unbalanced brackets");
        }
        if (item.empty() && !too_long) {
          if (space) continue;
          item_line = lines.number();
        }
        if (static_cast<int64_t>(item.size()) >= kMaxRowBytes) {
          too_long = true;
          item.clear();
        }
        if (!too_long) item += c;
      }
      if (!item.empty()) item += '\n';
    }
    if (place == kBefore) return InputError(path_, "no JSON array");
    if (place == kWithin) {
      return InputError(
          absl::StrCat(path_, ":", std::max<int64_t>(item_line, 1)),
          "the array ends within the record that begins here: unbalanced "
          "brackets or quotes");
    }
    return absl::OkStatus();
  }

  const std::string& path_;
  const PrepareOptions& options_;
  ReadRows out_;
  std::vector<std::string> fields_;  // of CSV and TSV
  std::set<std::string> names_;      // every column seen
  std::string no_array_;             // what to say of JSON that is none
  bool chosen_ = false;
  RowColumns columns_;
};

}  // namespace

absl::StatusOr<ReadRows> ReadTable(const std::string& path,
                                   const PrepareOptions& options,
                                   const std::string& scratch) {
  SFT_RETURN_IF_ERROR(CheckPrepareOptions(options));
  return TableReader(path, options).Read(scratch);
}

}  // namespace sft::data
