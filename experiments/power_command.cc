#include "experiments/power_command.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "experiments/planned_sweep.h"
#include "harness/analysis/power.h"
#include "harness/core/status.h"
#include "harness/data/tasks/task_kind.h"
#include "harness/formats/json.h"

namespace sft::experiments {
namespace {

// Fewer of them, and a standard deviation is a guess.
constexpr double kFewFreedom = 10;

struct PowerFlags {
  std::string spec;
  std::string from;
  std::vector<std::string> seeds, items, comparisons;
  double seed_sd = -1, item_sd = -1, rest_sd = -1;  // below 0: not stated
  double effect = 0;
  bool json = false;
};

void DeclarePower(CLI::App& app, PowerFlags& flags) {
  app.add_option("SPEC", flags.spec,
                 "a YAML file, the question; without it families of "
                 "--comparisons, whatever they compare");
  app.add_option("--from", flags.from,
                 "earlier records, whose variances are taken")
      ->type_name("DIR|FILE");
  AddList(app, "--seeds", flags.seeds,
          "numbers of seeds to look at; without it the spec's, 3, 5 and 8")
      ->type_name("N,...");
  AddList(app, "--items", flags.items,
          "numbers of items to look at; without it those that the spec scores")
      ->type_name("N,...");
  AddList(app, "--comparisons", flags.comparisons,
          "without SPEC: sizes of a family; else 1, 4 and 12")
      ->type_name("N,...");
  app.add_option("--seed-sd", flags.seed_sd,
                 "standard deviation between seeds of a difference of scores")
      ->check(Number(0));
  app.add_option("--item-sd", flags.item_sd,
                 "the same between items, whatever the seed")
      ->check(Number(0));
  app.add_option("--rest-sd", flags.rest_sd,
                 "the same of an item from seed to seed")
      ->check(Number(0));
  app.add_option("--effect", flags.effect,
                 "a difference to be found: with what power, and how many "
                 "seeds it takes; 0 = none")
      ->check(Number(0));
  app.add_flag("--json", flags.json, "an array of objects");
}

absl::StatusOr<std::vector<int64_t>> Numbers(
    const char* flag, const std::vector<std::string>& texts) {
  std::vector<int64_t> numbers;
  for (const std::string& text : texts) {
    int64_t number = 0;
    if (!absl::SimpleAtoi(text, &number) || number < 1 || number > 10000000) {
      return absl::InvalidArgumentError(absl::StrCat(
          flag, ": wants whole numbers from 1, such as 3,5,8, not '", text,
          "'"));
    }
    numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

// 0 where the rows are not here.
int64_t PlannedItems(const analysis::PlannedQuestion& question) {
  const spec::RunConfig& config = question.config;
  const auto row = TheWorkbench().DatasetOf(config, question.task);
  if (!row.ok()) return config.test_limit;
  if (data::KindRow((*row)->task.kind).is_text) {
    return config.heldout_tokens / config.heldout_window;
  }
  const auto sizes = TheWorkbench().SizesOf(**row);
  if (!sizes.ok()) return config.test_limit;
  return config.test_limit > 0 ? std::min(config.test_limit, sizes->test)
                               : sizes->test;
}

// What is stated stands before what was measured. Without either, standard
// deviations between seeds are the unit.
analysis::EarlierVariance VarianceFor(
    const PowerFlags& flags,
    const std::map<std::string, analysis::EarlierVariance>& earlier,
    const std::string& task, std::string& source) {
  analysis::EarlierVariance found;
  const auto it = earlier.find(task);
  const bool is_stated =
      flags.seed_sd >= 0 || flags.item_sd >= 0 || flags.rest_sd >= 0;
  source = is_stated ? "stated" : "none";
  if (it != earlier.end()) {
    found = it->second;
    source = absl::StrCat(is_stated ? "stated, else " : "", "from ",
                          found.pairs, found.pairs == 1 ? " pair" : " pairs");
  } else if (!is_stated) {
    found.unit = "sd between seeds";
    found.parts.seeds = 1;
    return found;
  } else {
    found.parts.seeds = analysis::kNaN;
  }
  if (flags.seed_sd >= 0) found.parts.seeds = flags.seed_sd * flags.seed_sd;
  if (flags.item_sd >= 0) found.parts.items = flags.item_sd * flags.item_sd;
  if (flags.rest_sd >= 0) found.parts.rest = flags.rest_sd * flags.rest_sd;
  return found;
}

// "" for NaN: there is none.
std::string NumberText(double value, const char* form) {
  if (std::isnan(value)) return "";
  if (std::isinf(value)) return "none";
  char text[48];
  snprintf(text, sizeof text, form, value);
  return text;
}
double RootOf(double variance) {
  return std::isnan(variance) ? variance : std::sqrt(std::max(0.0, variance));
}

struct PowerColumn {
  const char* name;
  bool is_short;  // also on a terminal
  bool is_text;
  std::string (*text)(const analysis::PowerRow&);
};
const std::vector<PowerColumn>& PowerColumns() {
  using Row = analysis::PowerRow;
  static const std::vector<PowerColumn>& columns =
      *new std::vector<PowerColumn>{
          {"family", false, true,
           [](const Row& row) {
             return std::string(row.question.is_retained ? "retained"
                                                         : "tasks");
           }},
          {"task", true, true,
           [](const Row& row) { return row.question.task; }},
          {"metric", false, true, [](const Row& row) { return row.metric; }},
          {"comparisons", true, false,
           [](const Row& row) {
             return absl::StrCat(row.question.comparisons);
           }},
          {"seeds", true, false,
           [](const Row& row) { return absl::StrCat(row.question.seeds); }},
          {"items", true, false,
           [](const Row& row) {
             return row.question.items > 0 ? absl::StrCat(row.question.items)
                                           : std::string();
           }},
          {"level", false, false,
           [](const Row& row) { return NumberText(row.level, "%.6g"); }},
          {"seed_sd", false, false,
           [](const Row& row) {
             return NumberText(RootOf(row.parts.seeds), "%.6g");
           }},
          {"item_sd", false, false,
           [](const Row& row) {
             return NumberText(RootOf(row.parts.items), "%.6g");
           }},
          {"rest_sd", false, false,
           [](const Row& row) {
             return NumberText(RootOf(row.parts.rest), "%.6g");
           }},
          {"freedom", false, false,
           [](const Row& row) {
             return NumberText(row.parts.freedom, "%.6g");
           }},
          {"variances", false, true, [](const Row& row) { return row.source; }},
          {"detectable", true, false,
           [](const Row& row) { return NumberText(row.detectable, "%.4g"); }},
          {"unit", true, true, [](const Row& row) { return row.unit; }},
          {"from_seeds", false, false,
           [](const Row& row) { return NumberText(row.of_seeds, "%.3f"); }},
          {"power", true, false,
           [](const Row& row) { return NumberText(row.power, "%.3f"); }},
          {"seeds_needed", true, false,
           [](const Row& row) { return NumberText(row.seeds_needed, "%.0f"); }},
          {"verdict", true, true, [](const Row& row) { return row.verdict; }}};
  return columns;
}

void PrintPowerRows(const std::vector<analysis::PowerRow>& rows, bool json) {
  if (json) {
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    for (const analysis::PowerRow& row : rows) {
      nlohmann::ordered_json one = nlohmann::ordered_json::object();
      for (const PowerColumn& column : PowerColumns()) {
        const std::string text = column.text(row);
        double number = 0;
        int64_t count = 0;
        if (!column.is_text && absl::SimpleAtoi(text, &count)) {
          one[column.name] = count;
        } else if (!column.is_text && absl::SimpleAtod(text, &number)) {
          one[column.name] = number;
        } else if (column.is_text) {
          one[column.name] = text;
        } else {
          one[column.name] = nullptr;
        }
      }
      all.push_back(std::move(one));
    }
    printf("%s\n", formats::JsonText(all, 2).c_str());
    return;
  }
  const bool is_short = isatty(STDOUT_FILENO) == 1;
  std::vector<std::vector<std::string>> table(1);
  for (const PowerColumn& column : PowerColumns()) {
    if (column.is_short || !is_short) table[0].push_back(column.name);
  }
  for (const analysis::PowerRow& row : rows) {
    table.emplace_back();
    for (const PowerColumn& column : PowerColumns()) {
      if (column.is_short || !is_short)
        table.back().push_back(column.text(row));
    }
  }
  PrintColumns(table);
}

// The spec's, or families of so many comparisons of one task.
absl::StatusOr<std::vector<analysis::PlannedQuestion>> QuestionsFor(
    const PowerFlags& flags) {
  std::vector<analysis::PlannedQuestion> questions;
  if (flags.spec.empty()) {
    SFT_ASSIGN_OR_RETURN(
        const std::vector<int64_t> sizes,
        Numbers("--comparisons", flags.comparisons.empty()
                                     ? std::vector<std::string>{"1", "4", "12"}
                                     : flags.comparisons));
    for (const int64_t size : sizes) {
      analysis::PlannedQuestion& one = questions.emplace_back();
      one.task = "any";
      one.comparisons = one.own = size;
    }
    return questions;
  }
  if (!flags.comparisons.empty()) {
    return absl::InvalidArgumentError(
        "--comparisons: the spec says how many there are; leave it out");
  }
  SFT_ASSIGN_OR_RETURN(const launch::CheckedPlan checked,
                       PlanOfSpec(flags.spec, launch::PlanDepth::kHeaders));
  PrintWarnings(checked.warnings);
  PrintWarnings(analysis::NotesOnDecidability(checked.plan));
  questions = analysis::QuestionsOf(checked.plan);
  for (analysis::PlannedQuestion& one : questions) {
    one.items = PlannedItems(one);
  }
  return questions;
}

absl::StatusOr<int> RunPower(const PowerFlags& flags) {
  SFT_ASSIGN_OR_RETURN(const std::vector<int64_t> stated_items,
                       Numbers("--items", flags.items));
  SFT_ASSIGN_OR_RETURN(
      const std::vector<int64_t> stated_seeds,
      Numbers("--seeds", flags.seeds.empty()
                             ? std::vector<std::string>{"3", "5", "8"}
                             : flags.seeds));
  std::map<std::string, analysis::EarlierVariance> earlier;
  if (!flags.from.empty()) {
    SFT_ASSIGN_OR_RETURN(
        const analysis::Results results,
        analysis::CollectResults(flags.from,
                                 TheWorkbench().LaterOptionsOfMethods()));
    earlier = analysis::VariancesOf(results);
  }
  SFT_ASSIGN_OR_RETURN(std::vector<analysis::PlannedQuestion> questions,
                       QuestionsFor(flags));
  std::vector<analysis::PowerRow> rows;
  for (analysis::PlannedQuestion& question : questions) {
    std::string source;
    const analysis::EarlierVariance variance =
        VarianceFor(flags, earlier, question.task, source);
    std::set<int64_t> items(stated_items.begin(), stated_items.end());
    if (items.empty()) {
      items = {question.items > 1 ? question.items : variance.items};
    }
    if (*items.begin() < 2 && variance.parts.items + variance.parts.rest > 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("--items: say how many items of ", question.task,
                       " are scored, at least 2; its rows are not here"));
    }
    std::set<int64_t> seeds(stated_seeds.begin(), stated_seeds.end());
    if (flags.seeds.empty() && question.seeds > 0) seeds.insert(question.seeds);
    for (const int64_t n_items : items) {
      for (const int64_t n_seeds : seeds) {
        // Where items add nothing their number does not matter.
        question.items = std::max<int64_t>(n_items, 2);
        question.seeds = n_seeds;
        rows.push_back(analysis::PowerOfQuestion(
            question, variance, source,
            flags.effect > 0 ? std::optional(flags.effect) : std::nullopt));
        rows.back().question.items = n_items;
      }
    }
    if (variance.parts.freedom > 0 && variance.parts.freedom < kFewFreedom &&
        flags.seed_sd < 0) {
      PrintWarnings({absl::StrCat(
          question.task, ": the variance between seeds rests on ",
          variance.parts.freedom,
          " degrees of freedom; what is detectable may be off by half")});
    }
  }
  PrintPowerRows(rows, flags.json);
  return kExitGood;
}

}  // namespace

Command PowerCommand() {
  return MakeCommand(
      {.name = "power",
       .usage = "power [SPEC] [--from DIR|FILE] [--effect D] [--json]",
       .summary = "The difference that a sweep could find, before it is run.",
       .help = R"(
A row a task and number of seeds: the true difference that one comparison of
the spec's report finds in 80 of 100 sweeps, by the report's own test (seeds
and items crossed, Holm's first step at 0.025 over the family's comparisons).
Variances are those of earlier records of like runs (--from), or stated; else
the unit is a standard deviation between seeds. Columns on a terminal, all of
them tab-separated in a pipe.
  sftbench power my.yaml --from results/pilot
  sftbench power my.yaml --seed-sd 0.008 --item-sd 0.4 --effect 0.02
)"},
      DeclarePower, RunPower);
}

}  // namespace sft::experiments
