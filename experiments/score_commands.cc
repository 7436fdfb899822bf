// score: a metric over files of hypotheses and references.

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "absl/flags/declare.h"
#include "absl/flags/flag.h"
#include "absl/strings/str_split.h"
#include "experiments/command_line.h"
#include "harness/core/status.h"
#include "harness/eval/squad.h"
#include "harness/eval/text_metrics.h"

ABSL_DECLARE_FLAG(bool, json);
ABSL_FLAG(std::string, metric, "", "what to compute; 'list metrics' has all");
ABSL_FLAG(std::string, hypotheses, "", "file of what was produced");
ABSL_FLAG(std::string, references, "",
          "file of what is right, or several with commas between");
ABSL_FLAG(std::string, tokenize, "",
          "bleu: 13a (when not given), intl or none");
ABSL_FLAG(bool, lowercase, false, "bleu, chrf: lower-case both sides");
ABSL_FLAG(bool, stemmer, false, "rouge: Porter's stemmer on both sides");

namespace sft::experiments {
namespace {

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

absl::StatusOr<int> RunScore(const std::vector<std::string>&) {
  const std::string hypotheses = absl::GetFlag(FLAGS_hypotheses);
  const std::string list = absl::GetFlag(FLAGS_references);
  const std::string name = absl::GetFlag(FLAGS_metric);
  if (name.empty() || hypotheses.empty() || list.empty()) {
    return absl::InvalidArgumentError(
        "sftbench score: wants --metric, --hypotheses and --references (see "
        "'sftbench score --help')");
  }
  SFT_ASSIGN_OR_RETURN(const eval::TextMetric metric,
                       eval::TextMetricByName(name));
  eval::TextMetricOptions options;
  const std::string tokenize = absl::GetFlag(FLAGS_tokenize);
  options.lowercase = absl::GetFlag(FLAGS_lowercase);
  options.stemmer = absl::GetFlag(FLAGS_stemmer);
  SFT_RETURN_IF_ERROR(CheckTakes(metric, "tokenize", !tokenize.empty()));
  SFT_RETURN_IF_ERROR(CheckTakes(metric, "lowercase", options.lowercase));
  SFT_RETURN_IF_ERROR(CheckTakes(metric, "stemmer", options.stemmer));
  if (!tokenize.empty()) options.tokenize = tokenize;
  const std::vector<std::string> references = absl::StrSplit(list, ',');
  SFT_ASSIGN_OR_RETURN(const std::vector<eval::TextItem> items,
                       eval::ReadTextItems(metric, hypotheses, references));
  SFT_ASSIGN_OR_RETURN(const eval::TextScore score,
                       metric.score(items, options));
  WarnOfMissing(items);
  if (absl::GetFlag(FLAGS_json)) {
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
  return {
      {.name = "score",
       .usage = "score --metric M --hypotheses FILE --references "
                "FILE[,FILE...] [--json]",
       .summary = "A metric over files, equal to the library people cite.",
       .help =
           "  printf 'the cat sat on the mat\\n' > hyp.txt\n"
           "  printf 'the cat is on the mat\\n' > ref.txt\n"
           "  sftbench score --metric chrf --hypotheses hyp.txt "
           "--references ref.txt\n\n"
           "accuracy f1_macro f1_micro mcc   a label a line (scikit-learn)\n"
           "bleu chrf                        a text a line (sacreBLEU, "
           "0..100)\n"
           "rouge1 rouge2 rougeL rougeLsum   a text a line (rouge-score, "
           "0..1);\n"
           "                                 for rougeLsum a \\n written in "
           "the line\n"
           "                                 ends a sentence\n"
           "span_f1 span_f1_strict           CoNLL columns, the last is the "
           "tag, a blank\n"
           "                                 line ends a sentence (seqeval)\n"
           "exact_match squad_f1             JSON as SQuAD's own script takes "
           "it:\n"
           "                                 {id: answer} and the data set "
           "(0..100)\n\n"
           "Several reference files are several references an item (bleu, "
           "chrf, rouge).\n"
           "--json adds the score of each item; there are none for f1_macro "
           "and mcc.",
       .flags = {"metric", "hypotheses", "references", "json", "tokenize",
                 "lowercase", "stemmer"},
       .run = RunScore},
  };
}

}  // namespace sft::experiments
