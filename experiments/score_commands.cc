// score: a metric over files of hypotheses and references.

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "experiments/command_line.h"
#include "harness/core/status.h"
#include "harness/eval/squad.h"
#include "harness/eval/text_metrics.h"

namespace sft::experiments {
namespace {

struct ScoreFlags {
  std::string metric, hypotheses;
  std::vector<std::string> references;
  bool json = false;
  std::string tokenize;
  bool lowercase = false;
  bool stemmer = false;
};

void DeclareScore(CLI::App& app, ScoreFlags& flags) {
  std::vector<std::string> metrics;
  for (const eval::TextMetric& metric : eval::AllTextMetrics()) {
    metrics.push_back(metric.name);
  }
  app.add_option("--metric", flags.metric, "what to compute")
      ->required()
      ->check(OneOf(metrics));
  app.add_option("--hypotheses", flags.hypotheses, "what was produced")
      ->required()
      ->type_name("FILE");
  AddList(app, "--references", flags.references,
          "what is right, or several of them by commas")
      ->required()
      ->type_name("FILES");
  app.add_flag("--json", flags.json, "print JSON, with each item's score");
  app.add_option("--tokenize", flags.tokenize,
                 "bleu: without it 13a, as in sacreBLEU")
      ->check(OneOf({"13a", "intl", "none"}));
  app.add_flag("--lowercase", flags.lowercase,
               "bleu, chrf: lower-case both sides");
  app.add_flag("--stemmer", flags.stemmer,
               "rouge: Porter's stemmer on both sides");
}

absl::Status CheckTakes(const eval::TextMetric& metric,
                        const std::string& option, bool given) {
  const auto& taken = metric.options;
  if (!given || std::find(taken.begin(), taken.end(), option) != taken.end()) {
    return absl::OkStatus();
  }
  return InputError("--" + option, "is no option of " + metric.name);
}

// What SQuAD's scripts say of questions without a prediction.
void WarnOfMissing(const std::vector<eval::TextItem>& items) {
  constexpr int kShown = 5;
  const bool second = eval::IsSquad2(items);
  int missing = 0;
  for (const eval::TextItem& item : items) {
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

absl::StatusOr<int> RunScore(const ScoreFlags& flags) {
  SFT_ASSIGN_OR_RETURN(const eval::TextMetric metric,
                       eval::TextMetricByName(flags.metric));
  eval::TextMetricOptions options;
  const std::string& tokenize = flags.tokenize;
  options.lowercase = flags.lowercase;
  options.stemmer = flags.stemmer;
  SFT_RETURN_IF_ERROR(CheckTakes(metric, "tokenize", !tokenize.empty()));
  SFT_RETURN_IF_ERROR(CheckTakes(metric, "lowercase", options.lowercase));
  SFT_RETURN_IF_ERROR(CheckTakes(metric, "stemmer", options.stemmer));
  if (!tokenize.empty()) options.tokenize = tokenize;
  SFT_ASSIGN_OR_RETURN(
      const std::vector<eval::TextItem> items,
      eval::ReadTextItems(metric, flags.hypotheses, flags.references));
  SFT_ASSIGN_OR_RETURN(const eval::TextScore score,
                       metric.score(items, options));
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
       .help = R"(
  printf 'the cat sat on the mat\n' > hyp.txt
  printf 'the cat is on the mat\n' > ref.txt
  sftbench score --metric chrf --hypotheses hyp.txt --references ref.txt

accuracy f1_macro f1_micro mcc  a label a line (scikit-learn)
bleu chrf                       a text a line (sacreBLEU, 0..100)
rouge1 rouge2 rougeL rougeLsum  a text a line (rouge-score, 0..1);
                                for rougeLsum a \n written in the line
                                ends a sentence
span_f1 span_f1_strict          CoNLL columns, the last is the tag, a
                                blank line ends a sentence (seqeval)
exact_match squad_f1            JSON as SQuAD's own script takes it:
                                {id: answer} and the data set (0..100)

Several reference files are several references an item (bleu, chrf, rouge).
--json adds the score of each item; there are none for f1_macro and mcc.
)"},
      DeclareScore, RunScore)};
}

}  // namespace sft::experiments
