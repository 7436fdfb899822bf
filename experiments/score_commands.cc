// score: a metric over files of hypotheses and references.

#include <algorithm>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "experiments/command_line.h"
#include "harness/core/status.h"
#include "harness/metrics/metrics.h"
#include "harness/metrics/squad.h"
#include "harness/metrics/text_item_files.h"

namespace sft::experiments {
namespace {

struct ScoreFlags {
  std::string metric, hypotheses;
  std::vector<std::string> references;
  bool json = false;
  std::string tokenize;
  metrics::TextMetricOptions options;
};

void DeclareScore(CLI::App& app, ScoreFlags& flags) {
  std::vector<std::string> names;
  for (const metrics::Metric& metric : metrics::AllMetrics()) {
    if (metric.text.score != nullptr) names.push_back(metric.name);
  }
  app.add_option("--metric", flags.metric, "what to compute")
      ->required()
      ->check(OneOf(names));
  app.add_option("--hypotheses", flags.hypotheses, "what was produced")
      ->required()
      ->type_name("FILE");
  AddList(app, "--references", flags.references,
          "what is right, or several of them by commas")
      ->required()
      ->type_name("FILES");
  app.add_flag("--json", flags.json, "print JSON, with each item's score");
  metrics::TextMetricOptions& options = flags.options;
  app.add_option("--tokenize", flags.tokenize,
                 "bleu: without it 13a, as in sacreBLEU")
      ->check(OneOf({"13a", "intl", "none"}));
  app.add_flag("--lowercase", options.lowercase,
               "bleu, chrf, chrfpp: lower-case both sides");
  app.add_flag("--stemmer", options.stemmer,
               "rouge: Porter's stemmer on both sides");
  app.add_flag("--case-sensitive", options.case_sensitive,
               "ter: without it both sides are lower-cased");
  app.add_flag("--ignore-case", options.ignore_case,
               "exact_match_text: lower-case both sides");
  app.add_flag("--ignore-punctuation", options.ignore_punctuation,
               "exact_match_text: without ASCII punctuation");
  app.add_flag("--ignore-numbers", options.ignore_numbers,
               "exact_match_text: without the digits 0 to 9");
  app.add_option("--ignore-regex", options.regexes_to_ignore,
                 "exact_match_text: without what this matches; may be given "
                 "several times")
      ->allow_extra_args(false)
      ->type_name("PATTERN");
}

absl::Status CheckTakes(const metrics::Metric& metric,
                        const std::string& option, bool given) {
  const auto& taken = metric.text.options;
  if (!given || std::find(taken.begin(), taken.end(), option) != taken.end()) {
    return absl::OkStatus();
  }
  return InputError("--" + option, "is no option of " + metric.name);
}

// What SQuAD's scripts say of questions without a prediction.
void WarnOfMissing(const std::vector<metrics::TextItem>& items) {
  constexpr int kShown = 5;
  const bool second = metrics::IsSquad2(items);
  int missing = 0;
  for (const metrics::TextItem& item : items) {
    if (item.answered || ++missing > kShown) continue;
    fprintf(stderr, "Missing prediction for %s\n", item.id.c_str());
  }
  if (missing == 0) return;
  fprintf(stderr,
          "warning: %d of %zu questions have no prediction and %s, as in "
          "SQuAD %s's script\n",
          missing, items.size(),
          second ? "are left out of the mean" : "score 0",
          second ? "2.0" : "1.1");
}

using IsMetric = std::function<bool(const metrics::Metric&)>;

std::vector<metrics::Metric> TextMetrics(const IsMetric& is) {
  std::vector<metrics::Metric> found;
  for (const metrics::Metric& metric : metrics::AllMetrics()) {
    if (metric.text.score != nullptr && is(metric)) found.push_back(metric);
  }
  return found;
}

std::string NamesOf(const IsMetric& is) {
  return absl::StrJoin(TextMetrics(is), " ",
                       [](std::string* out, const metrics::Metric& metric) {
                         out->append(metric.name);
                       });
}

// What the files of each metric hold.
std::string HelpOfMetrics() {
  using metrics::Metric;
  std::string help;
  const auto add = [&help](const std::string& files, const IsMetric& is) {
    absl::StrAppend(&help, files, ":\n");
    for (const Metric& metric : TextMetrics(is)) {
      absl::StrAppendFormat(&help, "  %-15s %s (%s)\n", metric.name,
                            metric.summary, metric.unit);
    }
  };
  const auto of = [](metrics::ItemFormat format) -> IsMetric {
    return [format](const Metric& m) {
      return m.text.format == format && m.labels == nullptr &&
             m.label_sets == nullptr && m.values == nullptr;
    };
  };
  add("A label a line", [](const Metric& m) { return m.labels != nullptr; });
  add("The labels of an item a line, between commas",
      [](const Metric& m) { return m.label_sets != nullptr; });
  add("A number a line", [](const Metric& m) { return m.values != nullptr; });
  add("A text a line", of(metrics::ItemFormat::kLines));
  add("CoNLL columns, the last is the tag, a blank line ends a sentence",
      of(metrics::ItemFormat::kTags));
  add("JSON as SQuAD's own script takes it, {id: answer} and the data set",
      of(metrics::ItemFormat::kSquad));
  absl::StrAppend(
      &help, "\nA \\n written in the line ends a sentence: ",
      NamesOf([](const Metric& m) { return m.text.escaped_newlines; }),
      ".\nSeveral reference files are several references an item: ",
      NamesOf([](const Metric& m) { return m.text.several_references; }),
      ".\n--json adds the score of each item; there are none for ",
      NamesOf([](const Metric& m) {
        const bool has_none = m.labels != nullptr || m.label_sets != nullptr ||
                              m.values != nullptr;
        return has_none && m.sums.columns > 0;
      }),
      ".");
  return help;
}

absl::StatusOr<int> RunScore(const ScoreFlags& flags) {
  SFT_ASSIGN_OR_RETURN(const metrics::Metric metric,
                       metrics::TextMetricByName(flags.metric));
  metrics::TextMetricOptions options = flags.options;
  const std::string& tokenize = flags.tokenize;
  for (const auto& [option, given] : std::vector<std::pair<std::string, bool>>{
           {"tokenize", !tokenize.empty()},
           {"lowercase", options.lowercase},
           {"stemmer", options.stemmer},
           {"case-sensitive", options.case_sensitive},
           {"ignore-case", options.ignore_case},
           {"ignore-punctuation", options.ignore_punctuation},
           {"ignore-numbers", options.ignore_numbers},
           {"ignore-regex", !options.regexes_to_ignore.empty()}}) {
    SFT_RETURN_IF_ERROR(CheckTakes(metric, option, given));
  }
  if (!tokenize.empty()) options.tokenize = tokenize;
  SFT_ASSIGN_OR_RETURN(
      const std::vector<metrics::TextItem> items,
      metrics::ReadTextItems(metric, flags.hypotheses, flags.references));
  SFT_ASSIGN_OR_RETURN(const metrics::MetricScore score,
                       metrics::ScoreTexts(metric, items, options));
  WarnOfMissing(items);
  if (flags.json) {
    nlohmann::ordered_json out;
    out["metric"] = metric.name;
    out["value"] = score.value;
    out["signature"] = score.signature;
    out["items"] = score.items;
    printf("%s\n", out.dump().c_str());
  } else {
    printf("%s\t%.6f\t%s\n", metric.name.c_str(), score.value,
           score.signature.c_str());
  }
  return kExitGood;
}

}  // namespace

std::vector<Command> ScoreCommands() {
  return {MakeCommand(
      {.name = "score",
       .usage = "score --metric M --hypotheses FILE --references "
                "FILE[,FILE...] [--json]",
       .summary = "A metric over files, equal to the library people cite.",
       .help = absl::StrCat(R"(
  printf 'the cat sat on the mat\n' > hyp.txt
  printf 'the cat is on the mat\n' > ref.txt
  sftbench score --metric chrf --hypotheses hyp.txt --references ref.txt

)",
                            HelpOfMetrics())},
      DeclareScore, RunScore)};
}

}  // namespace sft::experiments
