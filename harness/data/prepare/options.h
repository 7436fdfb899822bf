// What cleaning and splitting may be told.
#ifndef HARNESS_DATA_PREPARE_OPTIONS_H_
#define HARNESS_DATA_PREPARE_OPTIONS_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/fields.h"
#include "harness/data/forms/form_options.h"
#include "harness/data/prepare/rows.h"

namespace sft::data {

struct PrepareOptions : FormOptions {
  // Empty: those of the first layout that the file has (RowLayouts).
  std::vector<std::string> text;
  std::vector<std::string> also;    // of the prompt too, may be absent
  std::vector<std::string> answer;  // may be absent
  std::string label;                // "": "label", if there is one
  bool clean = true;                // false: what would be dropped is flagged
  std::string split = "0.8,0.1,0.1";
  int64_t seed = 0;
  double near_duplicate_similarity = 0.8;
  int64_t shingle_words = 3;
  std::string label_conflicts = "drop";
  int64_t subsample = 0;
  double length_outlier_deviations = 4;
  double imbalance_ratio = 10;
  // Not to be asked for: the columns of the layout that `text` is of are
  // compared too; `clean` brings text to Unicode's form NFC.
  bool whole_layout = true;
  bool nfc = true;
  // Rows of one prompt and several answers are in conflict too.
  bool one_answer = false;
  // Rows become a user's own: chat templates write tools in the file's order.
  bool keep_order_of_tools = false;
  AnswerOf answer_of = nullptr;  // as RowColumns has it
  // What to do where a wanted column is not among these; "" if it knows
  // nothing.
  std::string (*column_remedy)(const std::vector<std::string>& columns) =
      nullptr;

  template <class V>
  void VisitFields(V& v) {
    FormOptions::VisitFields(v);
    v("text", text, Limits{}, "columns that make a row's text");
    v("also", also, Limits{}, "columns of the prompt that may be absent");
    v("answer", answer, Limits{}, "columns of the answer");
    v("label", label, Limits{}, "column of the label");
    v("clean", clean, Limits{}, "drop faulty rows, instead of flagging them");
    v("split", split, Limits{}, "shares of train, validation and test");
    v("seed", seed, Limits{.min = 0, .max = 9e15}, "of splits and subsample");
    v("near_duplicate_similarity", near_duplicate_similarity,
      Limits{.min = 0.3, .max = 1},
      "Jaccard similarity of word shingles from which rows are duplicates");
    v("shingle_words", shingle_words, Limits{.min = 1, .max = 16},
      "words a shingle has");
    v("label_conflicts", label_conflicts, Limits{.choices = {"drop", "flag"}},
      "rows of one text and several labels");
    v("subsample", subsample, Limits{.min = 0, .max = 4e9},
      "rows to keep, 0 = all");
    v("length_outlier_deviations", length_outlier_deviations,
      Limits{.min = 1, .max = 1000},
      "robust standard deviations of log length from which a row is flagged");
    v("imbalance_ratio", imbalance_ratio, Limits{.min = 1, .max = 1e9},
      "largest to smallest class from which imbalance is reported");
  }
};

inline constexpr int kSplits = 3;
inline constexpr const char* kSplitNames[kSplits] = {"train", "validation",
                                                     "test"};

// The columns that belong together by their usual names: instruction, input and
// output; question, context and answers; text, text_pair and label; ...
const std::vector<RowColumns>& RowLayouts();

// The three shares; an error unless each is in [0, 1], the first above 0, and
// they sum to 1.
absl::StatusOr<std::array<double, kSplits>> ParseShares(
    const std::string& split);
// Every field within its limits, and the shares.
absl::Status CheckPrepareOptions(const PrepareOptions& options);

}  // namespace sft::data

#endif  // HARNESS_DATA_PREPARE_OPTIONS_H_
