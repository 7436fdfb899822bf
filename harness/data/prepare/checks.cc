#include "harness/data/prepare/checks.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_join.h"
#include "harness/core/status.h"
#include "harness/data/clean_text.h"

namespace sft::data {

const std::vector<Check>& AllChecks() {
  static const auto& checks = *new std::vector<Check>{
      {CheckId::kUnicode, "unicode", "fix",
       "text that is not in Unicode's form NFC is brought to it",
       LookForUnicode, nullptr},
      {CheckId::kEmpty, "empty", "drop",
       "a text or label column is missing or blank", LookForEmpty, nullptr},
      {CheckId::kLeak, "leak", "drop",
       "the prompt occurs, exactly or nearly, in the --against file", nullptr,
       FindLeaks},
      {CheckId::kLabelConflict, "label_conflict", "drop",
       "the same prompt has several labels: all of its rows", nullptr,
       FindLabelConflicts},
      {CheckId::kExactDuplicate, "exact_duplicate", "drop",
       "prompt, answer and label of an earlier row", nullptr,
       FindExactDuplicates},
      {CheckId::kNearDuplicate, "near_duplicate", "drop",
       "nearly the prompt and answer, and the label, of an earlier row",
       nullptr, FindNearDuplicates},
      {CheckId::kLabelNoise, "label_noise", "flag",
       "two thirds or more of the near duplicates have another label", nullptr,
       FindLabelNoise},
      {CheckId::kLength, "length_outlier", "flag",
       "far shorter or longer than the others", nullptr, FindLengthOutliers},
      {CheckId::kPersonalData, "personal_data", "flag",
       "looks like an e-mail, phone, IBAN, card or IP", LookForPersonalData,
       nullptr},
      {CheckId::kNotSampled, "not_sampled", "drop", "left out by --subsample",
       nullptr, nullptr},
  };
  return checks;
}

PrepareState::PrepareState(const RowSource& rows, const RowSource* against,
                           const PrepareOptions& options)
    : rows(rows), against(against), options(options) {
  const size_t n = rows.size();
  hash.resize(n);
  answer.resize(n);
  label.resize(n);
  words.resize(n);
  line.resize(n);
  signature.resize(n);
  reason.resize(n, kFine);
  duplicate_of.resize(n, kNoRow);
  parent.resize(n);
  std::iota(parent.begin(), parent.end(), 0);
}

void PrepareState::Drop(uint32_t row, CheckId check, uint32_t of) {
  if (!Fine(row)) return;
  reason[row] = static_cast<uint8_t>(check);
  duplicate_of[row] = of;
  if (of != kNoRow && check != CheckId::kLeak) Join(row, of);
}

void PrepareState::Flag(uint32_t row, CheckId check, const char* detail) {
  flags.push_back({row, check, detail});
}

uint32_t PrepareState::Group(uint32_t row) {
  while (parent[row] != row) row = parent[row] = parent[parent[row]];
  return row;
}

void PrepareState::Join(uint32_t a, uint32_t b) {
  a = Group(a), b = Group(b);
  parent[std::max(a, b)] = std::min(a, b);
}

uint32_t PrepareState::LabelId(const std::string& label) {
  const auto [it, fresh] =
      label_ids.try_emplace(label, static_cast<uint32_t>(label_names.size()));
  if (fresh) label_names.push_back(label);
  return it->second;
}

uint64_t ColumnsHash(const std::vector<std::string>& columns) {
  return TextHash(CollapseSpace(absl::StrJoin(columns, "\n")));
}

bool SameColumns(const std::vector<std::string>& a,
                 const std::vector<std::string>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const std::string& x, const std::string& y) {
                      return CollapseSpace(x) == CollapseSpace(y);
                    });
}

absl::StatusOr<bool> SameText(const RowSource& a, uint32_t row_a,
                              const RowSource& b, uint32_t row_b) {
  SFT_ASSIGN_OR_RETURN(const TableRow x, a.Get(row_a));
  SFT_ASSIGN_OR_RETURN(const TableRow y, b.Get(row_b));
  return SameColumns(x.text, y.text);
}

absl::StatusOr<RowShingles> ShinglesOfRow(const PrepareState& state,
                                          uint32_t row) {
  SFT_ASSIGN_OR_RETURN(const TableRow x, state.rows.Get(row));
  return ShinglesOf(x.text, state.options.shingle_words);
}

}  // namespace sft::data
