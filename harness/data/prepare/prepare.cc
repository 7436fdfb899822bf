#include "harness/data/prepare/prepare.h"

#include <algorithm>
#include <set>

#include "harness/core/status.h"
#include "harness/core/stop_point.h"
#include "harness/data/clean_text.h"
#include "harness/data/jsonl.h"
#include "harness/data/prepare/checks.h"
#include "harness/data/prepare/split_rows.h"
#include "harness/formats/json.h"

namespace sft::data {
namespace {

constexpr size_t kExamples = 5;

absl::Status LookAtRows(PrepareState& state) {
  for (uint32_t i = 0; i < state.rows.size(); ++i) {
    StopPoint();
    SFT_ASSIGN_OR_RETURN(const TableRow row, state.rows.Get(i));
    state.line[i] = row.line;
    state.label[i] = state.LabelId(row.label);
    state.hash[i] = ColumnsHash(row.text);
    state.answer[i] = ColumnsHash(row.answer);
    state.words[i] = static_cast<uint32_t>(WordHashes(row.Text()).size());
    if (state.words[i] > 0) {
      state.signature[i] =
          MinHash(ShinglesOf(row.text, state.options.shingle_words).all);
    }
    for (const Check& check : AllChecks()) {
      if (check.look != nullptr) check.look(state, row, i);
    }
  }
  return absl::OkStatus();
}

class Reporter {
 public:
  Reporter(PrepareState& state, PreparedTable& table)
      : state_(state), table_(table) {
    const PrepareOptions& options = state.options;
    compared_.insert(options.label);
    for (const auto* some : {&options.text, &options.also, &options.answer,
                             &state.rows.read_from()}) {
      compared_.insert(some->begin(), some->end());
    }
    for (const Check& check : AllChecks()) {
      const bool flags = check.id == CheckId::kLabelConflict &&
                         state.options.label_conflicts == "flag";
      const bool drops =
          std::string_view(check.action) == "drop" && !flags &&
          (state.options.clean || check.id == CheckId::kNotSampled);
      const bool fixes =
          std::string_view(check.action) == "fix" && state.options.clean;
      table.report.checks.push_back({check.name,
                                     fixes   ? "fix"
                                     : drops ? "drop"
                                             : "flag",
                                     check.what,
                                     0,
                                     {}});
    }
  }

  absl::Status Run() {
    const uint32_t n = static_cast<uint32_t>(state_.rows.size());
    for (uint32_t i = 0; i < n; ++i) {
      ++table_.report.labels[LabelOf(i)][0];
      if (!state_.Fine(i)) SFT_RETURN_IF_ERROR(ReportReason(i));
    }
    // A row has one place in a check's count, however many details it has.
    std::stable_sort(state_.flags.begin(), state_.flags.end(),
                     [](const RowFlag& a, const RowFlag& b) {
                       return std::pair(a.row, a.check) <
                              std::pair(b.row, b.check);
                     });
    const RowFlag* last = nullptr;
    for (const RowFlag& flag : state_.flags) {
      if (last == nullptr || last->row != flag.row ||
          last->check != flag.check) {
        Count(flag.row, flag.check);
      }
      last = &flag;
      if (flag.check != CheckId::kUnicode) {
        table_.flagged.push_back(
            {flag.row, Where(flag.row),
             AllChecks()[static_cast<int>(flag.check)].name, flag.detail});
      }
    }
    std::stable_sort(
        table_.flagged.begin(), table_.flagged.end(),
        [](const FlaggedRow& a, const FlaggedRow& b) { return a.row < b.row; });
    CountLabels();
    return absl::OkStatus();
  }

 private:
  const std::string& LabelOf(uint32_t row) const {
    return state_.label_names[state_.label[row]];
  }
  std::string Where(uint32_t row) const {
    return state_.rows.Where(state_.line[row]);
  }
  void Count(uint32_t row, CheckId check) {
    CheckReport& report = table_.report.checks[static_cast<int>(check)];
    ++report.rows;
    if (report.examples.size() < kExamples) {
      report.examples.push_back(Where(row));
    }
  }

  absl::Status ReportReason(uint32_t row) {
    const CheckId check = static_cast<CheckId>(state_.reason[row]);
    const uint32_t of = state_.duplicate_of[row];
    std::string other;
    if (of != kNoRow && check == CheckId::kLeak) {
      SFT_ASSIGN_OR_RETURN(const TableRow leaked, state_.against->Get(of));
      other = state_.against->Where(leaked.line);
    } else if (of != kNoRow) {
      other = Where(of);
    }
    Count(row, check);
    if (check == CheckId::kExactDuplicate || check == CheckId::kLabelConflict) {
      SFT_RETURN_IF_ERROR(CompareWhole(row, state_.rows, of));
    } else if (check == CheckId::kLeak) {
      SFT_RETURN_IF_ERROR(CompareWhole(row, *state_.against, of));
    }
    const char* name = AllChecks()[state_.reason[row]].name;
    if (state_.options.clean || check == CheckId::kNotSampled) {
      table_.dropped.push_back({row, Where(row), name, other});
    } else {
      table_.flagged.push_back({row, Where(row), name, other});
    }
    return absl::OkStatus();
  }

  // Counts the columns, beside those compared, in which a row differs from the
  // one that it is like.
  absl::Status CompareWhole(uint32_t row, const RowSource& others,
                            uint32_t of) {
    SFT_ASSIGN_OR_RETURN(const TableRow mine, state_.rows.Get(row));
    SFT_ASSIGN_OR_RETURN(const TableRow first, others.Get(of));
    if (mine.json == first.json) return absl::OkStatus();
    SFT_ASSIGN_OR_RETURN(const nlohmann::json a, formats::ParseJson(mine.json));
    SFT_ASSIGN_OR_RETURN(const nlohmann::json b,
                         formats::ParseJson(first.json));
    for (const auto& [column, value] : a.items()) {
      if (compared_.contains(column)) continue;
      const auto other = b.find(column);
      if (other != b.end() && ColumnText(*other) == ColumnText(value)) continue;
      ++table_.report.not_compared[column];
    }
    return absl::OkStatus();
  }
  static std::string ColumnText(const nlohmann::json& value) {
    return CollapseSpace(value.is_string() ? value.get<std::string>()
                                           : value.dump());
  }

  void CountLabels() {
    PrepareReport& report = table_.report;
    for (int s = 0; s < kSplits; ++s) {
      for (const uint32_t row : table_.splits[s]) {
        auto& counts = report.labels[LabelOf(row)];
        ++counts[1];
        ++counts[2 + s];
      }
    }
    int64_t smallest = 0, largest = 0;
    int classes = 0;
    for (const auto& [label, counts] : report.labels) {
      if (label.empty() || counts[1] == 0) continue;
      smallest = classes == 0 ? counts[1] : std::min(smallest, counts[1]);
      largest = std::max(largest, counts[1]);
      ++classes;
    }
    if (classes > 1) {
      report.imbalance =
          static_cast<double>(largest) / static_cast<double>(smallest);
      report.imbalanced = report.imbalance >= state_.options.imbalance_ratio;
    }
    report.rows = static_cast<int64_t>(state_.rows.size());
    report.dropped = static_cast<int64_t>(table_.dropped.size());
    report.kept = report.rows - report.dropped;
    report.cut_comparisons = state_.cut_queries;
  }

  PrepareState& state_;
  PreparedTable& table_;
  std::set<std::string> compared_;  // columns
};

}  // namespace

absl::StatusOr<PreparedTable> PrepareTable(const RowSource& rows,
                                           const PrepareOptions& options,
                                           const RowSource* against) {
  SFT_RETURN_IF_ERROR(CheckPrepareOptions(options));
  SFT_ASSIGN_OR_RETURN(const auto shares, ParseShares(options.split));
  PrepareState state(rows, against, options);
  SFT_RETURN_IF_ERROR(LookAtRows(state));
  for (const Check& check : AllChecks()) {
    if (check.run != nullptr) SFT_RETURN_IF_ERROR(check.run(state));
  }
  std::vector<uint32_t> kept;
  for (uint32_t i = 0; i < rows.size(); ++i) {
    if (state.Fine(i) || !options.clean) kept.push_back(i);
  }
  if (!options.clean && options.subsample > 0) {
    return absl::InvalidArgumentError("subsample: needs clean");
  }
  SFT_RETURN_IF_ERROR(Subsample(state, kept));
  PreparedTable table;
  table.splits = SplitRows(state, kept, shares);
  SFT_RETURN_IF_ERROR(Reporter(state, table).Run());
  return table;
}

}  // namespace sft::data
