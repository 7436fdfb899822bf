#include "harness/data/user/user_table.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "harness/core/status.h"
#include "harness/data/forms/table_form.h"
#include "harness/data/prepare/read_table.h"
#include "harness/data/prompt_template.h"
#include "harness/data/tasks/user_record.h"
#include "harness/data/unicode.h"
#include "harness/data/user/user_rows.h"
#include "harness/formats/json.h"

namespace sft::data {
namespace {

constexpr size_t kMaxLabels = 1000;

absl::Status EachRow(const UserTable& table,
                     const std::function<absl::Status(const TableRow&)>& take) {
  for (size_t i = 0; i < table.rows->size(); ++i) {
    SFT_ASSIGN_OR_RETURN(const TableRow row, table.rows->Get(i));
    SFT_RETURN_IF_ERROR(take(row));
  }
  return absl::OkStatus();
}

// Which kinds have rows in such files, for those that are no tables.
absl::Status CheckFormat(const std::string& format, const TaskKindRow& kind,
                         const std::string& path) {
  std::vector<std::string> kinds;
  for (const TaskKindRow& one : AllTaskKinds()) {
    if (one.user && absl::c_linear_search(one.user->formats, format))
      kinds.push_back(one.name);
  }
  if (kinds.empty() || absl::c_linear_search(kinds, kind.name))
    return absl::OkStatus();
  return InputError(path, absl::StrCat("format: ", format, " is for task: ",
                                       absl::StrJoin(kinds, ", ")));
}

}  // namespace

absl::StatusOr<UserTable> ReadUserTable(const spec::UserData& data,
                                        const TaskKindRow& kind,
                                        const PrepareOptions& options,
                                        const TableFiles& files) {
  SFT_ASSIGN_OR_RETURN(const TableForm* form,
                       FormOfFile(files.files[0], options.format));
  SFT_RETURN_IF_ERROR(CheckFormat(form->name, kind, files.path));
  const bool text_table = form->text_values;
  PrepareOptions with_answer = options;
  if (kind.user->answer_of != nullptr) {
    with_answer.answer_of =
        [&data, text_table, &form = *kind.user](
            const nlohmann::json& record) -> std::optional<std::string> {
      const absl::StatusOr<Row> row =
          UserRow(record, 0, form.task, data, text_table);
      if (!row.ok()) return std::nullopt;
      return form.answer_of(*row);
    };
  }
  // A container may have no /tmp; a worker's is its run's folder.
  std::error_code none;
  const std::filesystem::path scratch =
      std::filesystem::temp_directory_path(none);
  SFT_ASSIGN_OR_RETURN(ReadRows read, ReadTable(files, with_answer,
                                                none ? "." : scratch.string()));
  return UserTable{std::move(read.rows), std::move(read.bad),
                   std::move(read.columns), text_table, std::move(read.notes)};
}

absl::StatusOr<PrepareOptions> UserPrepareOptions(const spec::UserData& data,
                                                  const TaskKindRow& kind) {
  PrepareOptions options;
  options.clean = false;
  const std::map<std::string, std::string> known = PrintFields(options);
  for (const auto& [name, text] : data.prepare) {
    const std::string key = data.lines.contains(name) ? name : "prepare";
    if (known.count(name) == 0) {
      std::vector<std::string> names;
      for (const auto& [one, value] : known) names.push_back(one);
      return InputError(data.Where(key),
                        absl::StrCat("prepare: unknown key '", name, "'",
                                     NearestOrKnown(name, names)));
    }
    absl::Status status = ReadFields({{name, text}}, options);
    if (status.ok()) status = CheckPrepareOptions(options);
    if (!status.ok()) {
      return InputError(data.Where(key), ToStd(status.message()));
    }
  }
  const UserParts parts =
      kind.user->compared.value_or(kind.user->parts(data, {}));
  auto columns = [&data](const std::vector<std::string>& of) {
    std::vector<std::string> out;
    for (const std::string& part : of) out.push_back(ColumnOf(data, part));
    return out;
  };
  options.text = columns(parts.prompt);
  options.also = columns(parts.more_prompt);
  options.answer = columns(parts.answer);
  for (const std::string& column : columns(parts.more_answer)) {
    options.answer.push_back(column);
  }
  options.label = parts.label.empty() ? "" : ColumnOf(data, parts.label);
  options.whole_layout = false;
  options.keep_order_of_tools = true;
  options.nfc = !kind.user->has_places && !parts.has_places;
  options.column_remedy = kind.user->column_remedy;
  options.one_answer = kind.user->answer_of != nullptr;
  options.format = data.format;
  // A column of a file without names is called by its number.
  for (const auto& [part, number] : {std::pair("words", &options.word_column),
                                     std::pair("tags", &options.tag_column)}) {
    int64_t column = 0;
    if (absl::SimpleAtoi(ColumnOf(data, part), &column) && column > 0) {
      *number = column;
    }
  }
  if (const absl::Status status = CheckFormOptions(options); !status.ok()) {
    return InputError(data.Where("format"), ToStd(status.message()));
  }
  if (data.prompt_template.empty()) return options;
  const auto form = PromptTemplate::Parse(data.prompt_template);
  if (!form.ok()) {
    return InputError(data.Where("template"), ToStd(form.status().message()));
  }
  for (const std::string& name : form->columns()) {
    for (const std::string& column : {name, ColumnOf(data, name)}) {
      const bool part = data.columns.contains(name) && column == name;
      if (!part && !absl::c_linear_search(options.text, column) &&
          !absl::c_linear_search(options.also, column) &&
          !absl::c_linear_search(options.answer, column) &&
          column != options.label) {
        options.also.push_back(column);
      }
    }
  }
  return options;
}

absl::Status SettleUserData(const UserTable& table, const TaskKindRow& kind,
                            spec::UserData& data,
                            std::vector<std::string>& notes) {
  if (kind.user->settle == nullptr) return absl::OkStatus();
  const spec::UserData stated = data;
  const EachRecord each =
      [&](const std::function<absl::Status(const UserRecord&)>& take) {
        return EachRow(table, [&](const TableRow& row) -> absl::Status {
          SFT_ASSIGN_OR_RETURN(const nlohmann::json object,
                               formats::ParseJson(row.json));
          return take(UserRecord(object, stated, table.text_table));
        });
      };
  const absl::Status status = kind.user->settle(each, data, notes);
  if (status.ok()) return status;
  return InputError(data.Where(), ToStd(status.message()));
}

absl::StatusOr<TableSurvey> SurveyTable(const UserTable& table,
                                        const TaskKindRow& kind,
                                        const spec::UserData& data,
                                        const PrepareOptions& options) {
  TableSurvey survey;
  // Rows that differ in layout have one text each, whichever it is.
  const size_t always = std::max<size_t>(1, options.text.size());
  const auto filled = [](const std::string& text) { return !text.empty(); };
  for (size_t i = 0; i < table.rows->size(); ++i) {
    SFT_ASSIGN_OR_RETURN(const TableRow row, table.rows->Get(i));
    survey.not_nfc |= row.changed;
    survey.more_prompt |=
        row.text.size() > always &&
        std::any_of(row.text.begin() + static_cast<int64_t>(always),
                    row.text.end(), filled);
    survey.answers |= std::any_of(row.answer.begin(), row.answer.end(), filled);
    // A row may have a 'label' column that is none of this task's.
    if (!options.label.empty() && !row.label.empty()) {
      survey.labels.insert(row.label);
    }
    if (kind.user->add_labels != nullptr) {
      SFT_ASSIGN_OR_RETURN(const nlohmann::json object,
                           formats::ParseJson(row.json));
      const absl::Status status = kind.user->add_labels(
          UserRecord(object, data, table.text_table), survey.labels);
      if (!status.ok()) {
        return InputError(table.rows->Where(row.line), ToStd(status.message()));
      }
    }
    if (survey.labels.size() > kMaxLabels) {
      return InputError(table.rows->name(),
                        absl::StrCat("more than ", kMaxLabels,
                                     " labels: is the label column right?"));
    }
  }
  return survey;
}

absl::Status CheckUserData(const spec::UserData& data, const TaskKindRow& kind,
                           const std::vector<std::string>& columns) {
  const UserParts parts = kind.user->parts(data, columns);
  std::vector<std::string> known;
  for (const auto* some : {&parts.prompt, &parts.more_prompt, &parts.answer,
                           &parts.more_answer, &parts.other}) {
    known.insert(known.end(), some->begin(), some->end());
  }
  if (!parts.label.empty()) known.push_back(parts.label);
  for (const auto& [part, column] : data.columns) {
    if (absl::c_linear_search(known, part)) continue;
    return InputError(
        data.Where("columns"),
        absl::StrCat("columns: a task of ", kind.name, " has no '", part, "'",
                     NearestOrKnown(part, known)));
  }
  for (const auto& [key, given] :
       {std::pair("scheme", !data.scheme.empty()),
        std::pair("tag_names", !data.tag_names.empty()),
        std::pair("cut_spans", !data.cut_spans.empty())}) {
    if (!given || absl::c_linear_search(kind.user->keys, key)) continue;
    return InputError(data.Where(key), absl::StrCat(key, ": a task of ",
                                                    kind.name, " has none"));
  }
  for (const std::string& metric : data.metrics) {
    const std::vector<std::string>& metrics = kind.user->metrics;
    if (absl::c_linear_search(metrics, metric)) continue;
    return InputError(data.Where("metrics"),
                      absl::StrCat("metrics: '", metric, "' is none of ",
                                   kind.name, NearestOrKnown(metric, metrics)));
  }
  // Those of the file, and names of the task that stand for them.
  std::vector<std::string> names = columns;
  std::vector<std::string> answers;
  for (const auto& [part, column] : data.columns) {
    if (absl::c_linear_search(columns, column)) names.push_back(part);
  }
  std::vector<std::string> of_answer = parts.answer;
  of_answer.insert(of_answer.end(), parts.more_answer.begin(),
                   parts.more_answer.end());
  if (!parts.label.empty()) of_answer.push_back(parts.label);
  for (const std::string& part : of_answer) {
    answers.push_back(ColumnOf(data, part));
    if (data.columns.contains(part)) answers.push_back(part);
  }
  auto wanted = [&](const std::string& part) -> absl::Status {
    const std::string column = ColumnOf(data, part);
    if (absl::c_linear_search(columns, column)) return absl::OkStatus();
    const std::string remedy = kind.user->column_remedy == nullptr
                                   ? ""
                                   : kind.user->column_remedy(columns);
    if (!remedy.empty()) {
      return InputError(data.Where("columns"),
                        absl::StrCat("no column '", column, "' (", part,
                                     ") in ", data.path, "; ", remedy));
    }
    std::string near = NearestName(column, columns);
    return InputError(
        data.Where("columns"),
        absl::StrCat("no column '", column, "' (", part, ") in ", data.path,
                     near.empty() ? "; there are "
                                  : "; did you mean '" + near + "'? There are ",
                     ShownText(CanonicalText(columns)).substr(0, 300),
                     "; columns: says which is meant, as in {", part, ": ",
                     near.empty() ? "NAME" : near, "}"));
  };
  for (const std::string& part : parts.prompt) {
    SFT_RETURN_IF_ERROR(wanted(part));
  }
  if (!parts.label.empty()) SFT_RETURN_IF_ERROR(wanted(parts.label));
  if (!parts.answer.empty() &&
      std::none_of(parts.answer.begin(), parts.answer.end(),
                   [&](const std::string& part) {
                     return absl::c_linear_search(columns,
                                                  ColumnOf(data, part));
                   })) {
    SFT_RETURN_IF_ERROR(wanted(parts.answer[0]));
  }
  for (const auto* some : {&parts.prompt, &parts.more_prompt}) {
    for (const std::string& part : *some) {
      const auto same = std::find_if(
          of_answer.begin(), of_answer.end(), [&](const std::string& one) {
            return ColumnOf(data, one) == ColumnOf(data, part);
          });
      if (same == of_answer.end()) continue;
      return InputError(
          data.Where("columns"),
          absl::StrCat("columns: ", part, " and ", *same,
                       " are both read from '", ColumnOf(data, part),
                       "': the answer would stand in the prompt"));
    }
  }
  if (data.prompt_template.empty()) return absl::OkStatus();
  if (parts.as_is) {
    return InputError(data.Where("template"),
                      "template: conversations and held-out text are taken as "
                      "they are, without one");
  }
  SFT_ASSIGN_OR_RETURN(const PromptTemplate form,
                       PromptTemplate::Parse(data.prompt_template));
  const absl::Status status = CheckTemplate(form, names, answers);
  if (status.ok()) return status;
  return InputError(data.Where("template"), ToStd(status.message()));
}

}  // namespace sft::data
