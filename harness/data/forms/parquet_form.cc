// Parquet files, a row group at a time. Numbers that Hugging Face's data sets
// keep for classes (ClassLabel) are read as the names that the file has.
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "harness/core/files.h"
#include "harness/core/packed_file.h"
#include "harness/core/status.h"
#include "harness/core/stop_point.h"
#include "harness/core/utf8.h"
#include "harness/data/forms/forms.h"
#include "harness/data/forms/not_a_table.h"
#include "harness/data/forms/text_lines.h"
#include "harness/data/parquet/rows.h"
#include "harness/data/unicode.h"
#include "harness/formats/json.h"

namespace sft::data {
namespace {

using Json = nlohmann::json;

constexpr int64_t kTextForFree = int64_t{256} << 20;
constexpr int64_t kMostTextOfByte = 4096;

// Column -> names of its classes.
using ClassNames = std::map<std::string, std::vector<std::string>>;

// Of a feature, or of the items of one that is a list.
const Json* NamesOfFeature(const Json& feature) {
  const Json* at = &feature;
  for (int depth = 0; depth < 4; ++depth) {
    if (at->is_array() && at->size() == 1) {
      at = &(*at)[0];
    } else if (at->is_object() && at->contains("names")) {
      return &(*at)["names"];
    } else if (at->is_object() && at->contains("feature")) {
      at = &(*at)["feature"];
    } else {
      return nullptr;
    }
  }
  return nullptr;
}

ClassNames ClassNamesOf(const parquet::Footer& footer) {
  ClassNames names;
  const auto note = footer.notes.find("huggingface");
  if (note == footer.notes.end()) return names;
  const absl::StatusOr<Json> about = formats::ParseJson(note->second);
  if (!about.ok() || !about->is_object()) return names;
  const Json features = about->value("info", Json::object());
  if (!features.is_object() || !features.contains("features") ||
      !features["features"].is_object()) {
    return names;
  }
  for (const auto& [column, feature] : features["features"].items()) {
    const Json* list = NamesOfFeature(feature);
    if (list == nullptr || !list->is_array()) continue;
    std::vector<std::string> texts;
    for (const Json& name : *list) {
      if (name.is_string()) texts.push_back(name.get<std::string>());
    }
    if (texts.size() == list->size() && !texts.empty()) names[column] = texts;
  }
  return names;
}

// Of a number its name; of -1, which stands for no class, null.
absl::Status NameClasses(const std::vector<std::string>& names, Json& value) {
  if (value.is_array()) {
    for (Json& item : value) SFT_RETURN_IF_ERROR(NameClasses(names, item));
    return absl::OkStatus();
  }
  if (!value.is_number_integer()) return absl::OkStatus();
  const auto number = value.get<int64_t>();
  if (number < -1 || number >= std::ssize(names)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "class ", number, " of ", names.size(), " that the file names"));
  }
  value = number < 0 ? Json(nullptr) : Json(names[number]);
  return absl::OkStatus();
}

// What is no UTF-8 in a row, "" if nothing is.
std::string TextComplaint(const Json& value) {
  if (value.is_string()) {
    return Utf8Complaint(value.get_ref<const std::string&>());
  }
  if (value.is_object()) {
    for (const auto& [key, item] : value.items()) {
      std::string why = Utf8Complaint(key);
      if (why.empty()) why = TextComplaint(item);
      if (!why.empty()) return why;
    }
  } else if (value.is_array()) {
    for (const Json& item : value) {
      std::string why = TextComplaint(item);
      if (!why.empty()) return why;
    }
  }
  return "";
}

class ParquetReader {
 public:
  ParquetReader(const FormInput& input, RowSink& sink)
      : input_(input), sink_(sink) {}

  absl::Status Read(std::string_view file) {
    SFT_ASSIGN_OR_RETURN(const parquet::Footer footer,
                         parquet::ReadFooter(file));
    const ClassNames classes = ClassNamesOf(footer);
    std::vector<std::string> names;
    for (const parquet::Node& column : footer.columns) {
      names.push_back(column.name);
    }
    sink_.CountRows();
    sink_status_ = sink_.Columns(names, 1);
    SFT_RETURN_IF_ERROR(sink_status_);
    for (const parquet::RowGroup& group : footer.groups) {
      std::vector<parquet::Cells> cells;
      for (const parquet::Node* leaf : footer.leaves) {
        StopPoint();
        SFT_ASSIGN_OR_RETURN(
            cells.emplace_back(),
            parquet::ReadChunk(file, group.columns[leaf->column], *leaf));
      }
      parquet::RowAssembler rows(footer.columns, cells);
      for (int64_t i = 0; i < group.rows; ++i) {
        SFT_ASSIGN_OR_RETURN(Json row, rows.Next());
        text_ += rows.text_bytes();
        if (text_ > kTextForFree + kMostTextOfByte * std::ssize(file)) {
          return absl::InvalidArgumentError(
              "holds more text than a file of its size can");
        }
        SFT_RETURN_IF_ERROR(Add(std::move(row), classes));
      }
      no_text_.insert(rows.no_text().begin(), rows.no_text().end());
    }
    std::vector<std::string> named;
    for (const auto& [column, unused] : classes) named.push_back(column);
    SayOf(named, "numbers are read as the names of classes that the file has");
    SayOf({no_text_.begin(), no_text_.end()},
          "bytes are no text, read as null");
    return absl::OkStatus();
  }

  // An error of the sink, which has its file's name already.
  const absl::Status& told() const { return sink_status_; }

 private:
  absl::Status Add(Json row, const ClassNames& classes) {
    ++number_;
    std::string why = TextComplaint(row);
    for (const auto& [column, names] : classes) {
      if (!why.empty() || !row.contains(column)) continue;
      const absl::Status status = NameClasses(names, row[column]);
      if (!status.ok()) {
        why = absl::StrCat("column '", column, "': ", status.message());
      }
    }
    sink_status_ = why.empty() ? sink_.Row(std::move(row), number_)
                               : sink_.Bad(number_, why);
    return sink_status_;
  }

  void SayOf(const std::vector<std::string>& columns, std::string_view what) {
    if (columns.empty()) return;
    sink_.Say(
        absl::StrCat(ShownText(absl::StrJoin(columns, ", ")).substr(0, 200),
                     ": ", ToAbsl(what)));
  }

  const FormInput& input_;
  RowSink& sink_;
  absl::Status sink_status_;
  int64_t number_ = 0, text_ = 0;
  std::set<std::string> no_text_;
};

absl::Status ReadParquet(const FormInput& input, RowSink& sink) {
  if (WithoutPacking(input.path) != input.path) {
    return InputError(input.path,
                      "is a packed Parquet file, whose pages are packed "
                      "already: unpack it");
  }
  SFT_ASSIGN_OR_RETURN(const MappedFile mapped, MappedFile::Open(input.path));
  const std::string_view file(reinterpret_cast<const char*>(mapped.data()),
                              mapped.size_bytes());
  SFT_RETURN_IF_ERROR(CheckIsATable(input.path, file.substr(0, 4096)));
  ParquetReader reader(input, sink);
  const absl::Status status = reader.Read(file);
  if (status.ok() || !reader.told().ok()) return status;
  return InputError(input.path, ToStd(status.message()));
}

}  // namespace

TableForm ParquetForm() {
  return {.name = "parquet",
          .summary = "columns in pages, as Hugging Face's data sets lie",
          .endings = {".parquet"},
          .read = ReadParquet};
}

}  // namespace sft::data
