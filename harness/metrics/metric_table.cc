// The table of all metrics; metrics.h says what a row holds.
#include "harness/metrics/bleu.h"
#include "harness/metrics/chrf.h"
#include "harness/metrics/final_number.h"
#include "harness/metrics/label_metrics.h"
#include "harness/metrics/metrics.h"
#include "harness/metrics/rouge.h"
#include "harness/metrics/span_f1.h"
#include "harness/metrics/squad.h"

namespace sft::metrics {

const std::vector<Metric>& AllMetrics() {
  using enum ItemFormat;
  static const auto& table = *new std::vector<Metric>{
      {.name = "accuracy",
       .unit = "fraction",
       .signature = "accuracy|ties:lower-label-index",
       .summary = "share of items whose likeliest label is the right one",
       .labels = Accuracy,
       .text = {.score = AccuracyOfLines}},
      {.name = "accuracy_norm",
       .unit = "fraction",
       .signature =
           "accuracy_norm|log-probability/characters|ties:lower-choice-index",
       .summary = "share of items whose likeliest choice a byte is the right "
                  "one"},
      {.name = "f1_macro",
       .unit = "fraction",
       .signature = "f1_macro|labels:present|zero_division:0|sklearn-1",
       .summary = "mean over the labels of F1",
       .title = "macro F1",
       .sums = {SumsOf::kLabels, kLabelColumns, MacroF1OfSums},
       .labels = MacroF1,
       .text = {.score = ScoreLines<MacroF1>}},
      {.name = "validation_loss",
       .unit = "nats/token",
       .higher_is_better = false,
       .signature = "cross_entropy|over:target-tokens|mean:tokens",
       .summary = "mean cross-entropy of the answers' tokens",
       .title = "{split} loss",
       .selects_cells = true,
       .weights = "validation_target_tokens"},
      {.name = "validation_target_tokens",
       .unit = "tokens",
       .signature = "count|target-tokens",
       .summary = "how many tokens validation_loss is a mean of"},
      {.name = "cross_entropy",
       .unit = "nats/token",
       .higher_is_better = false,
       .signature =
           "cross_entropy|over:window-tokens-but-the-first|mean:tokens",
       .summary = "mean cross-entropy of held-out text",
       .weights = "cross_entropy_tokens"},
      {.name = "perplexity",
       .unit = "1",
       .higher_is_better = false,
       .signature = "exp(cross_entropy)",
       .summary = "exp of the mean cross-entropy of held-out text, or of last "
                  "words",
       .exp_of = "cross_entropy"},
      {.name = "cross_entropy_tokens",
       .unit = "tokens",
       .signature = "count|predicted-tokens",
       .summary = "how many tokens cross_entropy is a mean of"},
      {.name = "f1_micro",
       .unit = "fraction",
       .signature = "f1_micro|labels:present|sklearn-1",
       .summary = "F1 over all items; with one label an item, the accuracy",
       .labels = MicroF1,
       .text = {.score = ScoreLines<MicroF1>}},
      {.name = "mcc",
       .unit = "1",
       .signature = "mcc|multiclass|sklearn-1",
       .summary = "Matthews' correlation of predicted and right labels",
       .sums = {SumsOf::kLabels, kLabelColumns, MatthewsCorrelationOfSums},
       .labels = MatthewsCorrelation,
       .text = {.score = ScoreLines<MatthewsCorrelation>}},
      {.name = "span_f1",
       .unit = "fraction",
       .signature = "span_f1|micro|scheme:conlleval|seqeval-1.2.2",
       .summary = "F1 of named spans, read as conlleval reads them",
       .sums = {SumsOf::kRecord, kSpanColumns, SpanF1OfSums},
       .text = {.score = SpanF1, .format = kTags}},
      {.name = "span_f1_strict",
       .unit = "fraction",
       .signature = "span_f1_strict|micro|scheme:IOB2|seqeval-1.2.2",
       .summary = "F1 of named spans, read strictly as IOB2",
       .sums = {SumsOf::kRecord, kSpanColumns, SpanF1OfSums},
       .text = {.score = SpanF1Strict, .format = kTags}},
      {.name = "exact_match",
       .unit = "percent",
       .signature = "exact_match|best-reference|mean:items|squad-v1.1",
       .summary = "share of answers equal to a reference once normalised",
       .text = {.score = SquadExactMatch, .format = kSquad}},
      {.name = "squad_f1",
       .unit = "percent",
       .signature = "squad_f1|best-reference|mean:items|squad-v1.1",
       .summary = "mean F1 of the answers' words",
       .text = {.score = SquadF1, .format = kSquad}},
      {.name = "bleu",
       .unit = "percent",
       .signature =
           "nrefs:N|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0",
       .summary = "corpus BLEU as sacreBLEU computes it",
       .sums = {SumsOf::kRecord, kBleuColumns, BleuOfSums},
       .text = {.score = Bleu,
                .several_references = true,
                .options = {"tokenize", "lowercase"}}},
      {.name = "chrf",
       .unit = "percent",
       .signature =
           "nrefs:N|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0",
       .summary = "chrF2 as sacreBLEU computes it",
       .sums = {SumsOf::kRecord, kChrfColumns, ChrfOfSums},
       .text = {.score = Chrf,
                .several_references = true,
                .options = {"lowercase"}}},
      {.name = "rouge1",
       .unit = "fraction",
       .signature = "rouge1|f1|nrefs:N|best-reference|mean:items|stemmer:no|"
                    "rouge-score-0.1.2",
       .summary = "mean F1 of words",
       .text = {.score = Rouge1,
                .several_references = true,
                .options = {"stemmer"}}},
      {.name = "rouge2",
       .unit = "fraction",
       .signature = "rouge2|f1|nrefs:N|best-reference|mean:items|stemmer:no|"
                    "rouge-score-0.1.2",
       .summary = "mean F1 of pairs of words",
       .text = {.score = Rouge2,
                .several_references = true,
                .options = {"stemmer"}}},
      {.name = "rougeL",
       .unit = "fraction",
       .signature = "rougeL|f1|nrefs:N|best-reference|mean:items|stemmer:no|"
                    "rouge-score-0.1.2",
       .summary = "mean F1 of the longest common subsequence",
       .text = {.score = RougeL,
                .several_references = true,
                .options = {"stemmer"}}},
      {.name = "rougeLsum",
       .unit = "fraction",
       .signature = "rougeLsum|f1|nrefs:N|best-reference|mean:items|stemmer:no|"
                    "rouge-score-0.1.2",
       .summary = "mean F1 of the union of the sentences' common subsequences",
       .text = {.score = RougeLsum,
                .several_references = true,
                .options = {"stemmer"},
                .escaped_newlines = true}},
      {.name = "constraint_accuracy",
       .unit = "fraction",
       .signature = "constraint_accuracy|ifeval-strict|languages:unchecked|"
                    "sentences:rules|mean:rows",
       .summary = "mean share of a row's verifiable constraints that the "
                  "answer meets"},
      {.name = "final_number",
       .unit = "fraction",
       .signature = "final_number|nrefs:N|last-number|stripped:comma,dollar|"
                    "decimal-equal|mean:items",
       .summary = "share of answers whose last number is the reference's "
                  "(GSM8K)",
       .text = {.score = ScoreFinalNumber, .several_references = true}},
  };
  return table;
}

}  // namespace sft::metrics
