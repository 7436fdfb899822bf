#include "harness/launch/progress_view.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "harness/core/display_width.h"
#include "harness/core/stopwatch.h"

namespace sft::launch {
namespace {

constexpr size_t kTimeColumns = 8;    // "12:34:56", "evaluate"
constexpr size_t kLabelColumns = 16;  // that a label has before steps go
constexpr absl::Duration kPlainPause = absl::Minutes(1);

bool IsTraining(const RunView& run) { return run.progress.phase == "train"; }

// The time left of a run that trains, else what it is at.
std::string TimeOrPhase(const RunView& run) {
  if (IsTraining(run)) {
    return run.progress.steps > 0 ? FormatSeconds(run.progress.seconds_left)
                                  : run.progress.phase;
  }
  return run.progress.phase.empty() ? "start" : run.progress.phase;
}

std::string StepsText(const Progress& progress) {
  if (progress.steps <= 0) return absl::StrCat("step ", progress.step);
  return absl::StrCat("step ", progress.step, "/", progress.steps);
}

// What is said of a run beside its time, the most important first.
std::vector<std::string> DetailsOf(const RunView& run) {
  if (!IsTraining(run)) return {};
  return {StepsText(run.progress),
          absl::StrFormat("loss %.4f", run.progress.loss),
          absl::StrFormat("%.0f tok/s", run.progress.real_tokens_per_second)};
}

std::string SweepLine(const SweepView& view) {
  std::string line;
  if (view.seconds_left > 0) {
    absl::StrAppend(&line, FormatSeconds(view.seconds_left), " left, ");
  }
  absl::StrAppend(&line, view.settled, "/", view.total, " runs settled, ",
                  view.running.size(), " running");
  return line;
}

std::string RunLine(const RunView& run, size_t label_columns, size_t columns) {
  std::string line =
      absl::StrFormat("%*s", static_cast<int>(kTimeColumns), TimeOrPhase(run));
  std::vector<std::string> details = DetailsOf(run);
  const size_t least_label =
      std::min({label_columns, kLabelColumns, DisplayColumns(run.label)});
  const auto needs = [&] {
    size_t needed = line.size() + 2 + least_label;
    for (const std::string& detail : details) needed += 2 + detail.size();
    return needed;
  };
  while (!details.empty() && needs() > columns) details.pop_back();
  size_t room = columns;
  for (const std::string& detail : details) room -= 2 + detail.size();
  room -= std::min(room, line.size() + 2);
  std::string label = FitColumns(run.label, std::min(room, label_columns));
  if (!details.empty()) {
    const size_t aligned = std::min(room, label_columns);
    label.append(aligned - std::min(aligned, DisplayColumns(label)), ' ');
  }
  absl::StrAppend(&line, "  ", label);
  for (const std::string& detail : details)
    absl::StrAppend(&line, "  ", detail);
  return FitColumns(line, columns);
}

}  // namespace

std::vector<std::string> ProgressLines(const SweepView& view, size_t columns,
                                       size_t rows) {
  // A full last column makes some terminals wrap.
  const size_t width = columns > 1 ? columns - 1 : 1;
  std::vector<std::string> lines = {FitColumns(SweepLine(view), width)};
  const size_t room = rows > 2 ? rows - 2 : 0;
  const bool all = view.running.size() <= room;
  const size_t shown = all ? view.running.size() : room > 0 ? room - 1 : 0;
  size_t label_columns = 0;
  for (size_t i = 0; i < shown; ++i) {
    label_columns =
        std::max(label_columns, DisplayColumns(view.running[i].label));
  }
  for (size_t i = 0; i < shown; ++i) {
    lines.push_back(RunLine(view.running[i], label_columns, width));
  }
  if (!all && room > 0) {
    lines.push_back(FitColumns(
        absl::StrCat("and ", view.running.size() - shown, " more"), width));
  }
  return lines;
}

std::string RedrawText(const std::vector<std::string>& before,
                       const std::vector<std::string>& now, size_t columns) {
  std::string text;
  size_t rows = 0;
  for (const std::string& line : before) {
    rows +=
        1 + (columns > 0 && !line.empty() ? (DisplayColumns(line) - 1) / columns
                                          : 0);
  }
  if (rows > 1) absl::StrAppend(&text, "\033[", rows - 1, "A");
  if (rows > 0) text += "\r\033[J";
  for (size_t i = 0; i < now.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : "\n", now[i]);
  }
  return text;
}

std::vector<std::string> PlainProgress::News(const SweepView& view,
                                             absl::Time now) {
  std::vector<std::string> lines;
  std::map<std::string, Said> still;
  for (const RunView& run : view.running) {
    const Progress& progress = run.progress;
    const int64_t tenth =
        progress.steps > 0 ? progress.step * 10 / progress.steps : 0;
    const auto before = said_.find(run.run_id);
    const bool is_new_phase =
        before == said_.end() || before->second.phase != progress.phase;
    // A clock that was set back must not silence it.
    const bool is_further =
        !is_new_phase && tenth > before->second.tenth &&
        (now < before->second.when || now - before->second.when >= kPlainPause);
    if (progress.phase.empty()) continue;
    if (!is_new_phase && !is_further) {
      still[run.run_id] = before->second;
      continue;
    }
    still[run.run_id] = {progress.phase, tenth, now};
    std::string line = absl::StrCat("[", view.settled, "/", view.total, "] ",
                                    run.label, ": ", progress.phase);
    for (const std::string& detail : DetailsOf(run)) {
      absl::StrAppend(&line, " ", detail);
    }
    if (IsTraining(run) && progress.steps > 0) {
      absl::StrAppend(&line, ", ", FormatSeconds(progress.seconds_left),
                      " left");
    }
    if (view.seconds_left > 0) {
      absl::StrAppend(&line, "; sweep ", FormatSeconds(view.seconds_left),
                      " left");
    }
    lines.push_back(std::move(line));
  }
  said_ = std::move(still);
  return lines;
}

std::string ScoreText(const record::RunRecord& record) {
  if (record.config.evaluate.empty()) return "";
  const EvalRecord* base = nullptr;
  const EvalRecord* last = nullptr;
  for (const EvalRecord& eval : record.evals) {
    if (eval.task != record.config.evaluate[0] || eval.split != "test" ||
        eval.metrics.empty()) {
      continue;
    }
    if (eval.round == 0) base = &eval;
    if (last == nullptr || eval.round >= last->round) last = &eval;
  }
  if (last == nullptr) return "";
  const MetricRecord& metric = last->metrics[0];
  std::string text = absl::StrFormat("%s %.4f", metric.name, metric.value);
  if (base != nullptr && base != last && base->metrics[0].name == metric.name) {
    absl::StrAppendFormat(&text, " (untuned %.4f)", base->metrics[0].value);
  }
  return text;
}

}  // namespace sft::launch
