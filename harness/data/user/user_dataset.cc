#include "harness/data/user/user_dataset.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/data/class_names.h"
#include "harness/data/jsonl.h"
#include "harness/data/prepare/prepare.h"
#include "harness/data/tasks/task_kind.h"
#include "harness/data/unicode.h"
#include "harness/data/user/user_rows.h"
#include "harness/data/user/user_table.h"
#include "harness/formats/json.h"

namespace sft::data {
namespace {

// The files of each split; without those of its own a split is a share of
// `rows`.
struct UserSources {
  TableFiles rows;
  std::optional<TableFiles> validation, test;
};

class Loader {
 public:
  Loader(const spec::UserData& data, const Task& task,
         const PrepareOptions& options, const UserSources& sources,
         std::vector<std::string> notices)
      : data_(data),
        task_(task),
        kind_(KindRow(task.kind)),
        options_(options),
        sources_(sources) {
    splits_.notices = std::move(notices);
  }

  // `table`: of sources.rows.
  absl::StatusOr<Splits> Load(const UserTable& table) {
    SFT_ASSIGN_OR_RETURN(const UserTable test, ReadOther(sources_.test));
    SFT_ASSIGN_OR_RETURN(const UserTable validation,
                         ReadOther(sources_.validation));
    Refuse(table.bad);
    if (!splits_.refused.empty()) {
      Notice(absl::StrCat(splits_.refused.size(),
                          " rows could not be read and are left out; first ",
                          splits_.refused[0].where, ": ",
                          splits_.refused[0].reason));
      splits_.facts["skipped_rows"] =
          static_cast<double>(splits_.refused.size());
    }
    if (kind_.is_text) return Documents(table);
    SFT_RETURN_IF_ERROR(SplitTable(table, test.rows.get()));
    SFT_RETURN_IF_ERROR(AddAll(test, splits_.test));
    SFT_RETURN_IF_ERROR(AddAll(validation, splits_.validation));
    CountUnread();
    CountClasses();
    return std::move(splits_);
  }

 private:
  void Notice(const std::string& what) {
    splits_.notices.push_back(absl::StrCat("data ", data_.name, ": ", what));
  }

  absl::StatusOr<UserTable> ReadOther(const std::optional<TableFiles>& files) {
    if (!files) return UserTable();
    SFT_ASSIGN_OR_RETURN(UserTable table,
                         ReadUserTable(data_, kind_, options_, *files));
    Refuse(table.bad);
    return table;
  }

  void Refuse(const std::vector<RefusedRow>& rows) {
    splits_.refused.insert(splits_.refused.end(), rows.begin(), rows.end());
  }

  // Shares of the one file; where the test rows have their own, their share
  // goes to the train rows.
  absl::Status SplitTable(const UserTable& from, const RowSource* test) {
    PrepareOptions options = options_;
    SFT_ASSIGN_OR_RETURN(auto shares, ParseShares(options.split));
    if (sources_.test) shares[0] += std::exchange(shares[2], 0.0);
    if (sources_.validation) shares[0] += std::exchange(shares[1], 0.0);
    options.split = absl::StrJoin(shares, ",");
    SFT_ASSIGN_OR_RETURN(const PreparedTable table,
                         PrepareTable(*from.rows, options, test));
    std::vector<std::string> dropped;
    for (const CheckReport& check : table.report.checks) {
      splits_.facts["prepare." + check.name] = static_cast<double>(check.rows);
      if (check.action == "drop" && check.rows > 0) {
        dropped.push_back(absl::StrCat(check.name, " ", check.rows));
      }
    }
    splits_.facts["prepare.dropped_rows"] =
        static_cast<double>(table.report.dropped);
    if (table.report.dropped > 0) {
      Notice(absl::StrCat(table.report.dropped, " of ", table.report.rows,
                          " rows are dropped (", absl::StrJoin(dropped, ", "),
                          "); first ", table.dropped[0].where,
                          NotCompared(table.report)));
    }
    for (const DroppedRow& row : table.dropped) {
      splits_.refused.push_back({row.where, row.reason});
    }
    std::vector<Row>* const sides[kSplits] = {
        &splits_.train, &splits_.validation, &splits_.test};
    for (int side = 0; side < kSplits; ++side) {
      for (uint32_t index : table.splits[side]) {
        SFT_RETURN_IF_ERROR(Add(from, index, *sides[side]));
      }
      if (shares[side] > 0 && sides[side]->empty()) {
        Notice(absl::StrCat("no row falls to the ", kSplitNames[side],
                            " split, though its share is ", shares[side]));
      }
    }
    return absl::OkStatus();
  }

  // Columns that would have told some of the dropped rows from those they are
  // like, were they part of the prompt.
  static std::string NotCompared(const PrepareReport& report) {
    constexpr size_t kShown = 5;
    std::vector<std::string> columns;
    for (const auto& [column, rows] : report.not_compared) {
      if (columns.size() < kShown) {
        columns.push_back(absl::StrCat(column, " (", rows, " rows)"));
      }
    }
    if (columns.empty()) return "";
    return absl::StrCat(
        "; some differ from the row they are like in columns "
        "that are not compared: ",
        absl::StrJoin(columns, ", "),
        ": a template: that fills one in makes it part of the "
        "prompt");
  }

  absl::Status AddAll(const UserTable& table, std::vector<Row>& out) {
    for (size_t i = 0; table.rows != nullptr && i < table.rows->size(); ++i) {
      SFT_RETURN_IF_ERROR(Add(table, i, out));
    }
    return absl::OkStatus();
  }

  absl::Status Add(const UserTable& table, size_t index,
                   std::vector<Row>& out) {
    SFT_ASSIGN_OR_RETURN(const TableRow from, table.rows->Get(index));
    SFT_ASSIGN_OR_RETURN(const nlohmann::json object,
                         formats::ParseJson(from.json));
    absl::StatusOr<Row> row =
        UserRow(object, from.line, task_, data_, table.text_table);
    if (row.ok()) {
      out.push_back(*std::move(row));
      return absl::OkStatus();
    }
    const std::string where = table.rows->Where(from.line);
    const std::string why = ToStd(row.status().message());
    if (options_.on_bad_row == "fail") {
      return InputError(where, why + " (on_bad_row: skip leaves it out)");
    }
    splits_.refused.push_back({where, why});
    ++unusable_;
    if (unusable_ == 1) first_unusable_ = splits_.refused.back();
    return absl::OkStatus();
  }

  void CountUnread() {
    if (unusable_ == 0) return;
    splits_.facts["unusable_rows"] = unusable_;
    Notice(absl::StrCat(unusable_,
                        " rows cannot be used and are left out; "
                        "first ",
                        first_unusable_.where, ": ", first_unusable_.reason));
  }

  // Classes that the run never sees, or never scores.
  void CountClasses() {
    if (!kind_.has_classes) return;
    const std::pair<const char*, const std::vector<Row>*> sides[] = {
        {"train", &splits_.train}, {"test", &splits_.test}};
    for (const auto& [name, rows] : sides) {
      if (rows->empty()) continue;
      std::vector<bool> seen(task_.labels.size(), false);
      for (const Row& row : *rows) seen[row.label] = true;
      std::vector<std::string> missing;
      for (size_t i = 0; i < seen.size(); ++i) {
        if (!seen[i])
          missing.push_back(absl::StrCat("'", ShownText(task_.labels[i]), "'"));
      }
      splits_.facts[absl::StrCat(name, ".missing_classes")] =
          static_cast<double>(missing.size());
      if (missing.empty()) continue;
      Notice(absl::StrCat("the ", name, " split has no row of ", missing.size(),
                          " of ", seen.size(), " classes: ",
                          absl::StrJoin(missing, ", ").substr(0, 200)));
    }
  }

  absl::StatusOr<Splits> Documents(const UserTable& table) {
    std::vector<Row> read;
    SFT_RETURN_IF_ERROR(AddAll(table, read));
    CountUnread();
    for (Row& row : read) splits_.documents.push_back(std::move(row.text));
    return std::move(splits_);
  }

  const spec::UserData& data_;
  const Task& task_;
  const TaskKindRow& kind_;
  const PrepareOptions& options_;
  const UserSources& sources_;
  Splits splits_;
  int unusable_ = 0;
  RefusedRow first_unusable_;
};

// Names of classes or entity types as they can be told apart and written.
absl::Status CheckLabels(const spec::UserData& data, const TaskKindRow& kind,
                         const Task& task, std::vector<std::string>& notices) {
  const std::vector<std::string>& labels = task.labels;
  const bool named = !data.labels.empty();
  const std::string where = data.Where(named ? "labels" : "path");
  if (std::set<std::string>(labels.begin(), labels.end()).size() !=
      labels.size()) {
    return InputError(where, "labels: one stands twice");
  }
  if (labels.empty()) {
    return InputError(
        where, absl::StrCat(data.path, " holds no ", kind.user->label_noun));
  }
  if (kind.has_classes && labels.size() == 1) {
    return InputError(where, absl::StrCat("every row has the label '",
                                          ShownText(labels[0]).substr(0, 80),
                                          "': wanted two classes or more"));
  }
  if (kind.user->label_complaint != nullptr) {
    for (const std::string& label : labels) {
      const std::string why = kind.user->label_complaint(label);
      if (!why.empty()) return InputError(where, why);
    }
  }
  const AlikeNames alike = FindAlikeNames(labels);
  if (!alike.unseen.empty() && !named) {
    return InputError(
        where,
        absl::StrCat(
            "the labels ", alike.unseen,
            " differ in white space, unseen characters or "
            "Unicode form alone: write them alike in the file; or, if they are "
            "meant to be different classes, name all classes "
            "in labels:"));
  }
  if (!alike.by_case.empty()) {
    notices.push_back(absl::StrCat("data ", data.name, ": the labels ",
                                   alike.by_case,
                                   " are different classes, "
                                   "though they look alike"));
  }
  return absl::OkStatus();
}

absl::Status CheckFiles(const spec::UserData& data) {
  for (const auto& [key, path] :
       {std::pair("path", &data.path), std::pair("target", &data.target),
        std::pair("validation", &data.validation),
        std::pair("test", &data.test)}) {
    if (path->empty() || FileExists(*path)) continue;
    std::string where = "the working directory";
    const size_t slash = data.spec.rfind('/');
    if (slash != std::string::npos) {
      absl::StrAppend(&where, " and in the spec's folder ",
                      data.spec.substr(0, slash));
    }
    return InputError(
        data.Where(key),
        absl::StrCat(
            key, ": ", *path, " is not there",
            path->front() == '/' ? "" : "; looked for it in " + where));
  }
  return absl::OkStatus();
}

void AddOnce(const std::string& file, std::vector<std::string>& files) {
  if (!absl::c_linear_search(files, file)) files.push_back(file);
}

// Where data.path holds splits by name, those that the block does not name are
// its own too.
absl::StatusOr<UserSources> FindSources(const spec::UserData& data,
                                        const TaskKindRow& kind,
                                        const PrepareOptions& options,
                                        std::vector<std::string>& notices) {
  UserSources sources;
  SFT_ASSIGN_OR_RETURN(
      sources.rows,
      FindTableFiles(data.path, kind.is_text ? "" : "train", options));
  sources.rows.target = data.target;
  const std::vector<std::string>& parts = sources.rows.parts;
  for (const auto& [part, path, files] :
       {std::tuple("validation", &data.validation, &sources.validation),
        std::tuple("test", &data.test, &sources.test)}) {
    const bool own =
        path->empty() && !kind.is_text && absl::c_linear_search(parts, part);
    if (path->empty() && !own) continue;
    SFT_ASSIGN_OR_RETURN(
        *files, FindTableFiles(own ? data.path : *path, part, options));
    if (own) {
      notices.push_back(absl::StrCat("data ", data.name, ": ", part,
                                     " rows are those that ", data.path,
                                     " names so"));
    }
  }
  return sources;
}

}  // namespace

absl::StatusOr<DatasetRow> MakeUserDataset(const spec::UserData& stated) {
  spec::UserData data = stated;
  const absl::StatusOr<const TaskKindRow*> found = UserKindByName(data.task);
  if (!found.ok()) {
    return InputError(data.Where("task"), ToStd(found.status().message()));
  }
  const TaskKindRow& kind = **found;
  SFT_RETURN_IF_ERROR(CheckFiles(data));
  SFT_ASSIGN_OR_RETURN(const PrepareOptions options,
                       UserPrepareOptions(data, kind));
  DatasetRow row;
  row.name = data.name;
  row.task = kind.user->task;
  row.task.name = data.name;
  row.task.labels = data.labels;
  if (!data.metrics.empty()) row.task.metrics = data.metrics;
  if (!data.stop.empty()) {
    row.task.stop_strings = data.stop;
    std::erase(row.task.stop_strings, "");
  }
  row.task.guessed_stop_strings = data.stop.empty();
  // A number by the check of the block.
  row.task.guessed_max_new_tokens = data.max_new_tokens.empty();
  int64_t tokens = 0;
  if (absl::SimpleAtoi(data.max_new_tokens, &tokens)) {
    row.task.max_new_tokens = tokens;
  }
  std::vector<std::string> notices;
  SFT_ASSIGN_OR_RETURN(const UserSources sources,
                       FindSources(data, kind, options, notices));
  for (const auto* files :
       {&sources.rows, sources.validation ? &*sources.validation : nullptr,
        sources.test ? &*sources.test : nullptr}) {
    if (files == nullptr) continue;
    for (const std::string& file : files->files) {
      AddOnce("path:" + file, row.files);
    }
    if (!files->target.empty()) AddOnce("path:" + files->target, row.files);
  }
  SFT_ASSIGN_OR_RETURN(const UserTable table,
                       ReadUserTable(data, kind, options, sources.rows));
  for (const std::string& note : table.notes) {
    notices.push_back(absl::StrCat("data ", data.name, ": ", note));
  }
  SFT_RETURN_IF_ERROR(CheckUserData(data, kind, table.columns));
  std::vector<std::string> settled;
  SFT_RETURN_IF_ERROR(SettleUserData(table, kind, data, settled));
  for (const std::string& note : settled) {
    notices.push_back(absl::StrCat("data ", data.name, ": ", note));
  }
  SFT_ASSIGN_OR_RETURN(const TableSurvey survey,
                       SurveyTable(table, kind, data, options));
  if (row.task.labels.empty()) {
    row.task.labels.assign(survey.labels.begin(), survey.labels.end());
  }
  if (!kind.user->label_noun.empty()) {
    SFT_RETURN_IF_ERROR(CheckLabels(data, kind, row.task, notices));
  }
  row.revision =
      options.clean ? kind.user->cleaned_revision : kind.user->revision;
  // What made other rows, or another split, of such a file before.
  if (survey.not_nfc || survey.more_prompt ||
      (survey.answers && options.clean)) {
    row.revision = std::max<int64_t>(row.revision, 2);
  }
  row.source = data.path;
  row.summary = "the user's own";
  row.load = [data, task = row.task, options, table, sources,
              notices](const DataFolders&) {
    return Loader(data, task, options, sources, notices).Load(table);
  };
  return row;
}

}  // namespace sft::data
