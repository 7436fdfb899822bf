#include "harness/page/glossary.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "harness/core/fields.h"
#include "harness/metrics/metrics.h"
#include "harness/record/schema.h"
#include "harness/spec/run_config.h"

namespace sft::page {
namespace {

// By the end of a column's key; the first that fits counts.
struct GlossaryRow {
  const char* ending;
  const char* meaning;
};
constexpr GlossaryRow kGlossary[] = {
    {"selected",
     "* marks the best row of its group by validation rows, the "
     "one that goes to the test"},
    {"seeds", "runs that ended well, each from a random seed of its own"},
    {"score", "mean over seeds, with their standard deviation"},
    {"smallest_detectable",
     "the smallest difference that the test finds with power 0.8"},
    {"sign_flip_p", "exact sign-flip test over seeds, beside the other"},
    {"holm_p", "p corrected by Holm's method for all tests of its family"},
    {"effect_size", "mean over standard deviation of the items' differences"},
    {"row_value", "of the row, read where it comes down to s*"},
    {"against_value", "of the other row, read where it comes down to s*"},
    {"difference", "the row's value less the other's, with its interval"},
    {"gain",
     "how much better than the other side, mean over common seeds; "
     "above 0 is an improvement"},
    {"_items", "test items that both sides answered"},
    {"items", "test items that both sides answered"},
    {"wins", "items that only this side, and only the other, got right"},
    {"letters", "rows that share a letter cannot be told apart"},
    {"words", "what the corrected test says"},
    {"verdict", "what the corrected test says"},
    {"claim", "what the test speaks of: these models, or the method"},
    {"row", "method, batching and what else varies"},
    {"against", "the other side of the comparison"},
    {"before", "score of the base model"},
    {"after", "score of the tuned model"},
    {"change", "after minus before training"},
    {"over", "the tasks that the number is a mean over"},
    {"task", "the set whose test rows are scored"},
    {"target", "what the rows are trained for"},
    {"level", "the target score at which both sides are read"},
    {"pairs", "seeds that both sides have and that reach s*"},
    {"missed", "seeds of which one side does not reach s*"},
    {"set", "a set that is retained, or trained on"},
    {"metric", "how answers are scored"},
    {"measure", "what follows from the scores after each round"},
    {"reading", "whether above 0 is a gain or a loss"},
    {"direction", "whether higher or lower is better"},
    {"unit", "of the values in the row"},
    {"value", "mean over seeds, with its interval"},
    {"front",
     "* : no other row is as good in all that the table weighs, and better in "
     "one"},
    {"reported",
     "* : the smallest alpha within one standard error of the "
     "end's loss"},
    {"kept", "score on the retained set, with its interval"},
    {"loss", "mean loss on validation rows, with its interval"},
    {"step", "optimizer step of the round"},
    {"alpha", "how far from the base model (0) to the tuned one (1)"},
    {"round", "0 is the base model, r is after the r-th stage of training"},
    {"status", "how the row's runs ended"},
    {"peak_memory_mib",
     "peak memory of training: on the card where there is "
     "one, else resident memory of the process"},
    {"tokens_per_second", "real tokens by wall time of training"},
    {"kl_from_base", "divergence of the tuned model's answers from the base"},
    {"p", "of the paired test, not corrected"},
};

bool EndsIn(const std::string& key, const std::string& ending) {
  return key == ending || key.ends_with("_" + ending) ||
         (ending[0] == '_' && key.ends_with(ending));
}

std::string MeaningOfField(const std::string& key) {
  static const auto& fields =
      *new std::vector<FieldSpec>(DescribeFields<spec::RunConfig>());
  for (const FieldSpec& field : fields) {
    if (field.name == key) return field.help;
  }
  return key.find('.') == std::string::npos
             ? ""
             : absl::StrCat("the option ", key, " of the method");
}

std::string MeaningOfMetric(const std::string& key) {
  const metrics::Metric* longest = nullptr;
  for (const metrics::Metric& metric : metrics::AllMetrics()) {
    if (!EndsIn(key, metric.name)) continue;
    if (longest == nullptr || metric.name.size() > longest->name.size()) {
      longest = &metric;
    }
  }
  return longest == nullptr ? "" : longest->summary;
}

}  // namespace

std::string MeaningOfColumn(const analysis::TableColumn& column) {
  // A fact's name is its own, and a metric's: these say more.
  std::string meaning = MeaningOfMetric(column.key);
  if (!meaning.empty()) return meaning;
  for (const GlossaryRow& row : kGlossary) {
    if (EndsIn(column.key, row.ending)) return row.meaning;
  }
  meaning = MeaningOfField(column.key);
  if (!meaning.empty() && column.key.find("distance.") != 0) return meaning;
  return record::MeaningOf(absl::StrCat("/facts/", column.key));
}

}  // namespace sft::page
