#include "harness/data/user_dataset.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "harness/core/status.h"
#include "harness/data/conll.h"
#include "harness/data/entity_answer.h"
#include "harness/data/jsonl.h"
#include "harness/data/parallel.h"
#include "harness/data/prepare/prepare.h"
#include "harness/data/prepare/read_table.h"
#include "harness/data/user_rows.h"

namespace sft {
namespace {

constexpr size_t kMaxLabels = 1000;

// One file as rows of a table, whatever its format; each row's JSON is what
// UserRow reads.
class TableOf {
 public:
  TableOf(const UserData& data, TaskKind kind, const PrepareOptions& options)
      : data_(data), kind_(kind), options_(options) {}

  struct Table {
    std::shared_ptr<const RowSource> rows;
    std::vector<RefusedRow> bad;
  };
  // `target` as in UserData, for parallel files.
  absl::StatusOr<Table> Read(const std::string& path,
                             const std::string& target) const {
    const std::string format = FormatOf(path);
    if (format == "conll") return Conll(path);
    if (format == "parallel") return Parallel(path, target);
    SFT_ASSIGN_OR_RETURN(
        ReadRows read,
        ReadTable(path, options_,
                  std::filesystem::temp_directory_path().string()));
    return Table{std::move(read.rows), std::move(read.bad)};
  }

 private:
  std::string FormatOf(std::string path) const {
    if (data_.format != "auto") return data_.format;
    if (absl::EndsWith(path, ".gz")) path.resize(path.size() - 3);
    for (const char* ending : {".conll", ".bio", ".iob"}) {
      if (absl::EndsWith(path, ending)) return "conll";
    }
    return "auto";
  }
  absl::Status Check(const std::vector<RefusedRow>& bad) const {
    if (bad.empty() || options_.on_bad_row == "skip") return absl::OkStatus();
    return InputError(bad[0].where,
                      bad[0].reason + " (on_bad_row: skip leaves it out)");
  }

  absl::StatusOr<Table> Conll(const std::string& path) const {
    if (kind_ != TaskKind::kTokenLabels) {
      return InputError(path, "format: conll is for task: token_labels");
    }
    SFT_ASSIGN_OR_RETURN(ConllTable read, ReadConll(path, ConllOptions()));
    SFT_RETURN_IF_ERROR(Check(read.refused));
    std::vector<TableRow> rows;
    for (const ConllSentence& sentence : read.sentences) {
      rows.push_back(
          RowFromJson({{"words", sentence.words}, {"tags", sentence.tags}},
                      sentence.line, options_.text, ""));
    }
    return Table{std::make_unique<VectorRows>(path, std::move(rows)),
                 std::move(read.refused)};
  }

  absl::StatusOr<Table> Parallel(const std::string& path,
                                 const std::string& target) const {
    if (kind_ != TaskKind::kGeneration) {
      return InputError(path, "format: parallel is for task: generation");
    }
    SFT_ASSIGN_OR_RETURN(ParallelTable read, ReadParallel(path, target));
    SFT_RETURN_IF_ERROR(Check(read.refused));
    std::vector<TableRow> rows;
    for (const SentencePair& pair : read.pairs) {
      rows.push_back(
          RowFromJson({{"source", pair.source}, {"target", pair.target}},
                      pair.line, options_.text, ""));
    }
    return Table{std::make_unique<VectorRows>(path, std::move(rows)),
                 std::move(read.refused)};
  }

  const UserData& data_;
  TaskKind kind_;
  const PrepareOptions& options_;
};

absl::StatusOr<PrepareOptions> OptionsOf(const UserData& data, TaskKind kind) {
  PrepareOptions options;
  options.clean = false;
  absl::Status status = ReadFields(data.prepare, options);
  const std::map<std::string, std::string> known = PrintFields(options);
  for (const auto& [name, text] : data.prepare) {
    if (known.count(name) != 0 || !status.ok()) continue;
    std::vector<std::string> names;
    for (const auto& [one, value] : known) names.push_back(one);
    const std::string near = NearestName(name, names);
    status = absl::InvalidArgumentError(
        absl::StrCat("prepare: unknown key '", name, "'; ",
                     near.empty() ? "known are " + CanonicalText(names)
                                  : "did you mean '" + near + "'?"));
  }
  if (status.ok()) status = CheckPrepareOptions(options);
  if (!status.ok()) {
    return InputError("data " + data.name, ToStd(status.message()));
  }
  const UserColumns columns = ColumnsOf(kind, data);
  options.text = columns.text;
  options.label = columns.label;
  if (data.format != "conll" && data.format != "parallel") {
    options.format = data.format;
  }
  return options;
}

// Classes, or entity types, that stand in the file.
absl::StatusOr<std::vector<std::string>> LabelsOf(const RowSource& rows,
                                                  TaskKind kind,
                                                  const UserData& data) {
  std::set<std::string> labels;
  const auto column = data.columns.find("tags");
  const std::string tags =
      column == data.columns.end() ? "tags" : column->second;
  for (size_t i = 0; i < rows.size(); ++i) {
    SFT_ASSIGN_OR_RETURN(const TableRow row, rows.Get(i));
    if (kind == TaskKind::kClassification) {
      if (!row.label.empty()) labels.insert(row.label);
    } else {
      SFT_ASSIGN_OR_RETURN(const nlohmann::json object, ParseJson(row.json));
      for (const std::string& tag : ListOfColumn(object, tags)) {
        if (tag.size() > 2 && tag[1] == '-') labels.insert(tag.substr(2));
      }
    }
    if (labels.size() > kMaxLabels) {
      return InputError(rows.name(),
                        absl::StrCat("more than ", kMaxLabels,
                                     " labels: is the label column right?"));
    }
  }
  if (labels.empty()) return InputError(rows.name(), "holds no label");
  return std::vector<std::string>(labels.begin(), labels.end());
}

class Loader {
 public:
  Loader(const UserData& data, const Task& task, const PrepareOptions& options)
      : data_(data), task_(task), options_(options) {}

  // `table`: of data.path, if it was read already.
  absl::StatusOr<Splits> Load(TableOf::Table table) {
    const TableOf reader(data_, task_.kind, options_);
    SFT_ASSIGN_OR_RETURN(TableOf::Table test, ReadOther(reader, data_.test));
    SFT_ASSIGN_OR_RETURN(TableOf::Table validation,
                         ReadOther(reader, data_.validation));
    if (table.rows == nullptr) {
      SFT_ASSIGN_OR_RETURN(table, reader.Read(data_.path, data_.target));
    }
    Refuse(table.bad);
    if (task_.kind == TaskKind::kLanguageModeling)
      return Documents(*table.rows);
    SFT_RETURN_IF_ERROR(SplitTable(*table.rows, test.rows.get()));
    SFT_RETURN_IF_ERROR(AddAll(test.rows.get(), splits_.test));
    SFT_RETURN_IF_ERROR(AddAll(validation.rows.get(), splits_.validation));
    return std::move(splits_);
  }

 private:
  absl::StatusOr<TableOf::Table> ReadOther(const TableOf& reader,
                                           const std::string& path) {
    if (path.empty()) return TableOf::Table();
    SFT_ASSIGN_OR_RETURN(TableOf::Table table, reader.Read(path, ""));
    Refuse(table.bad);
    return table;
  }

  void Refuse(const std::vector<RefusedRow>& rows) {
    splits_.refused.insert(splits_.refused.end(), rows.begin(), rows.end());
  }

  // Shares of the one file; where the test rows have their own, their share
  // goes to the train rows.
  absl::Status SplitTable(const RowSource& rows, const RowSource* test) {
    PrepareOptions options = options_;
    SFT_ASSIGN_OR_RETURN(auto shares, ParseShares(options.split));
    if (!data_.test.empty()) shares[0] += std::exchange(shares[2], 0.0);
    if (!data_.validation.empty()) shares[0] += std::exchange(shares[1], 0.0);
    options.split = absl::StrJoin(shares, ",");
    SFT_ASSIGN_OR_RETURN(const PreparedTable table,
                         PrepareTable(rows, options, test));
    for (const CheckReport& check : table.report.checks) {
      splits_.facts["prepare." + check.name] = static_cast<double>(check.rows);
    }
    splits_.facts["prepare.dropped_rows"] =
        static_cast<double>(table.report.dropped);
    for (const DroppedRow& dropped : table.dropped) {
      splits_.refused.push_back({dropped.where, dropped.reason});
    }
    std::vector<Row>* const sides[kSplits] = {
        &splits_.train, &splits_.validation, &splits_.test};
    for (int side = 0; side < kSplits; ++side) {
      for (uint32_t index : table.splits[side]) {
        SFT_RETURN_IF_ERROR(Add(rows, index, *sides[side]));
      }
    }
    return absl::OkStatus();
  }

  absl::Status AddAll(const RowSource* rows, std::vector<Row>& out) {
    for (size_t i = 0; rows != nullptr && i < rows->size(); ++i) {
      SFT_RETURN_IF_ERROR(Add(*rows, i, out));
    }
    return absl::OkStatus();
  }

  absl::Status Add(const RowSource& rows, size_t index, std::vector<Row>& out) {
    SFT_ASSIGN_OR_RETURN(const TableRow from, rows.Get(index));
    SFT_ASSIGN_OR_RETURN(const nlohmann::json object, ParseJson(from.json));
    absl::StatusOr<Row> row = UserRow(object, from.line, task_, data_);
    if (row.ok()) {
      out.push_back(*std::move(row));
      return absl::OkStatus();
    }
    const std::string where = absl::StrCat(rows.name(), ":", from.line);
    const std::string why = ToStd(row.status().message());
    if (options_.on_bad_row == "fail") {
      return InputError(where, why + " (on_bad_row: skip leaves it out)");
    }
    splits_.refused.push_back({where, why});
    return absl::OkStatus();
  }

  absl::StatusOr<Splits> Documents(const RowSource& rows) {
    std::vector<Row> read;
    SFT_RETURN_IF_ERROR(AddAll(&rows, read));
    for (Row& row : read) splits_.documents.push_back(std::move(row.text));
    return std::move(splits_);
  }

  const UserData& data_;
  const Task& task_;
  const PrepareOptions& options_;
  Splits splits_;
};

}  // namespace

absl::StatusOr<DatasetRow> MakeUserDataset(const UserData& data) {
  absl::StatusOr<TaskKind> kind = TaskKindByName(data.task);
  if (!kind.ok()) {
    return InputError("data " + data.name, ToStd(kind.status().message()));
  }
  SFT_ASSIGN_OR_RETURN(const PrepareOptions options, OptionsOf(data, *kind));
  DatasetRow row;
  row.name = data.name;
  row.task = DefaultTask(*kind);
  row.task.name = data.name;
  row.task.labels = data.labels;
  if (!data.metrics.empty()) row.task.metrics = data.metrics;
  for (const std::string& file :
       {data.path, data.target, data.validation, data.test}) {
    if (!file.empty()) row.files.push_back("path:" + file);
  }
  TableOf::Table table;
  const bool labelled =
      *kind == TaskKind::kClassification || *kind == TaskKind::kTokenLabels;
  if (labelled && data.labels.empty()) {
    SFT_ASSIGN_OR_RETURN(
        table, TableOf(data, *kind, options).Read(data.path, data.target));
    SFT_ASSIGN_OR_RETURN(row.task.labels, LabelsOf(*table.rows, *kind, data));
  }
  row.source = data.path;
  row.summary = "the user's own";
  row.load = [data, task = row.task, options, table](const DataFolders&) {
    return Loader(data, task, options).Load(table);
  };
  return row;
}

}  // namespace sft
