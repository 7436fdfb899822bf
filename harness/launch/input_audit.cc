#include "harness/launch/input_audit.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "harness/core/status.h"
#include "harness/data/entity_answer.h"
#include "harness/data/tasks/task_kind.h"
#include "harness/metrics/span_f1.h"

namespace sft::launch {

void InputAudit::Notice(const std::string& name, const std::string& what) {
  inputs_.notices.push_back(absl::StrCat("data ", name, ": ", what));
}

void InputAudit::CountCuts(const std::string& name, const std::string& split,
                           size_t rows, const data::RenderedRows& rendered) {
  const std::string prefix = absl::StrCat("data.", name, ".", split, ".");
  inputs_.facts[prefix + "truncated_rows"] =
      static_cast<double>(rendered.truncated_rows);
  inputs_.facts[prefix + "truncated_tokens"] =
      static_cast<double>(rendered.truncated_tokens);
  if (rendered.truncated_rows == 0) return;
  const double percent = 100 * static_cast<double>(rendered.truncated_rows) /
                         static_cast<double>(rows);
  Notice(name, absl::StrFormat("%d of %d %s rows are cut to max_length %d "
                               "(%.*f %% of them, %d tokens lost)",
                               rendered.truncated_rows, rows, split,
                               config_.max_length, percent < 1 ? 2 : 0, percent,
                               rendered.truncated_tokens));
}

void InputAudit::CountLostClasses(const std::string& name,
                                  const std::string& split,
                                  const std::vector<data::Row>& rows,
                                  const std::vector<data::Row>& left) {
  std::set<int64_t> before, after;
  for (const data::Row& row : rows) before.insert(row.label);
  for (const data::Row& row : left) after.insert(row.label);
  const size_t lost = before.size() - after.size();
  if (lost == 0) return;
  inputs_.facts[absl::StrCat("data.", name, ".", split, ".lost_classes")] =
      static_cast<double>(lost);
  Notice(name,
         absl::StrCat(split, "_limit ", left.size(), " leaves ", lost, " of ",
                      before.size(), " classes without a ", split, " row"));
}

void InputAudit::CheckReachable(const data::Task& task,
                                const std::vector<data::Row>& rows) {
  if (head_ != HeadKind::kNextToken ||
      !data::KindRow(task.kind).has_references) {
    return;
  }
  const auto reachable = [&](const std::string& reference) {
    return std::none_of(task.stop_strings.begin(), task.stop_strings.end(),
                        [&](const std::string& stop) {
                          return reference.find(stop) != std::string::npos;
                        }) &&
           std::ssize(tokenizer_.Encode(reference)) <= task.max_new_tokens;
  };
  const auto out_of_reach =
      std::count_if(rows.begin(), rows.end(), [&](const data::Row& row) {
        return !row.references.empty() &&
               std::none_of(row.references.begin(), row.references.end(),
                            reachable);
      });
  if (out_of_reach == 0) return;
  inputs_
      .facts[absl::StrCat("data.", task.name, ".test.references_cut_short")] =
      static_cast<double>(out_of_reach);
  Notice(task.name,
         absl::StrCat(out_of_reach, " of ", rows.size(),
                      " test rows have references that no answer can equal: "
                      "they hold a stop text or are longer than "
                      "max_new_tokens ",
                      task.max_new_tokens));
}

absl::Status InputAudit::CheckWrittenTags(const data::Task& task,
                                          const std::vector<data::Row>& rows) {
  if (!data::KindRow(task.kind).writes_tags || head_ != HeadKind::kNextToken) {
    return absl::OkStatus();
  }
  std::vector<metrics::TextItem> items;
  int64_t misread = 0, cut = 0;
  for (const data::Row& row : rows) {
    std::string answer = data::EntityAnswer(row.words, row.tags);
    std::vector<int32_t> ids = tokenizer_.Encode(" " + answer);
    if (static_cast<int64_t>(ids.size()) > task.max_new_tokens) {
      ++cut;
      ids.resize(static_cast<size_t>(task.max_new_tokens));
      answer = tokenizer_.Decode(ids, /*skip_special_tokens=*/true);
    }
    const std::vector<std::string> read =
        data::TagsOfAnswer(answer, row.words, task.labels);
    misread += read != row.tags;
    items.push_back({absl::StrJoin(read, " "), {absl::StrJoin(row.tags, " ")}});
  }
  SFT_ASSIGN_OR_RETURN(const metrics::MetricScore score,
                       metrics::SpanF1(items, {}));
  const std::string prefix = absl::StrCat("data.", task.name, ".test.");
  inputs_.facts[prefix + "answers_read_back_wrong"] =
      static_cast<double>(misread);
  inputs_.facts[prefix + "answers_above_max_new_tokens"] =
      static_cast<double>(cut);
  inputs_.facts[prefix + "perfect_model_span_f1"] = score.value;
  if (misread > 0) {
    Notice(task.name,
           absl::StrFormat("%d of %d test answers do not read back as their "
                           "tags (%d are longer than max_new_tokens %d): a "
                           "perfect model would have span_f1 %.4f",
                           misread, rows.size(), cut, task.max_new_tokens,
                           score.value));
  }
  return absl::OkStatus();
}

void InputAudit::AddTrained(const std::string& name,
                            const std::vector<data::Row>& rows) {
  for (const data::Row& row : rows)
    trained_[name].push_back(data::IdentityOf(row));
}

void InputAudit::CountLeaks(const std::string& measured,
                            const std::string& split,
                            const std::vector<data::Row>& rows) {
  std::map<uint64_t, std::set<uint64_t>> tested;  // prompt -> answers
  for (const data::Row& row : rows) {
    const data::RowIdentity identity = data::IdentityOf(row);
    tested[identity.prompt].insert(identity.answer);
  }
  for (const auto& [name, train] : trained_) {
    size_t prompts = 0, whole = 0;
    for (const data::RowIdentity& identity : train) {
      const auto it = tested.find(identity.prompt);
      if (it == tested.end()) continue;
      ++prompts;
      whole += it->second.count(identity.answer);
    }
    if (split == "test") {
      inputs_.facts["data." + name + ".train.leaked_rows"] +=
          static_cast<double>(prompts);
    }
    if (prompts == 0) continue;
    if (split != "test") {
      inputs_.facts[absl::StrCat("data.", name, ".train.leaked_", split,
                                 "_rows")] += static_cast<double>(prompts);
    }
    Notice(name,
           absl::StrCat(prompts, " of ", train.size(),
                        " training rows have the prompt of a ", split,
                        " row of ", measured, " (", whole, " its answer too)",
                        split == "test" ? "; prepare: {clean: true} "
                                          "drops such rows of a file"
                                        : ""));
  }
}

}  // namespace sft::launch
