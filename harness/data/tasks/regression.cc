// A number for a text or a pair of them (STS-B: how alike two sentences are,
// from 0 to 5): an encoder's one output, or what a decoder writes.
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "harness/core/status.h"
#include "harness/data/tasks/kinds.h"
#include "harness/data/tasks/user_record.h"
#include "harness/data/unicode.h"

namespace sft::data {
namespace {

absl::StatusOr<std::vector<HeadWindow>> ValueWindows(const HeadInput& in) {
  SFT_ASSIGN_OR_RETURN(std::vector<HeadWindow> windows, RowWindows(in));
  windows[0].example.labels[0] = 0;
  windows[0].example.values = {in.row.value};
  return windows;
}

UserParts RegressionParts(const spec::UserData&,
                          const std::vector<std::string>&) {
  return {
      .prompt = {"text"}, .more_prompt = {"text_pair"}, .answer = {"value"}};
}

absl::Status FillRegression(const UserRecord& record, const Task&, Row& row) {
  SFT_ASSIGN_OR_RETURN(row.text, record.Text("text"));
  SFT_ASSIGN_OR_RETURN(row.text_pair, record.TextOrNone("text_pair"));
  SFT_ASSIGN_OR_RETURN(const std::string value, record.Text("value"));
  if (!absl::SimpleAtod(absl::StripAsciiWhitespace(value), &row.value) ||
      !std::isfinite(row.value)) {
    return absl::InvalidArgumentError(
        absl::StrCat("column '", record.Column("value"), "': '",
                     ShownText(value).substr(0, 60), "' is no number"));
  }
  row.references = {value};
  return record.Ask(
      row.text_pair.empty() ? "{text}\nScore:" : "{text}\n{text_pair}\nScore:",
      value, row);
}

}  // namespace

TaskKindRow RegressionKind() {
  TaskKindRow row{.name = "regression",
                  .summary = "a number for a text or a pair of them",
                  .has_values = true,
                  .generates = true,
                  .has_references = true};
  row.head = HeadForm{HeadKind::kValue, [](const Task&) { return int64_t{1}; },
                      ValueWindows};
  UserForm user = PlainUserForm(
      row.name, {"pearson", "spearman", "mse"},
      [](const metrics::Metric& m) { return m.values != nullptr; });
  user.task.max_new_tokens = 16;
  user.parts = RegressionParts;
  user.fill = FillRegression;
  row.user = std::move(user);
  return row;
}

}  // namespace sft::data
