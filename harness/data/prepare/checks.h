// The checks a table goes through, one file each, and what they share.
#ifndef HARNESS_DATA_PREPARE_CHECKS_H_
#define HARNESS_DATA_PREPARE_CHECKS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "harness/data/prepare/options.h"
#include "harness/data/prepare/rows.h"
#include "harness/data/shingles.h"

namespace sft::data {

// In the order in which they are made: a row that one drops is not seen by
// the ones behind it.
enum class CheckId : uint8_t {
  kUnicode,
  kEmpty,
  kLeak,
  kLabelConflict,
  kExactDuplicate,
  kNearDuplicate,
  kLabelNoise,
  kLength,
  kPersonalData,
  kNotSampled,
  kCount
};
inline constexpr uint8_t kFine = 255;  // no check drops the row
inline constexpr uint32_t kNoRow = ~uint32_t{0};

struct RowFlag {
  uint32_t row = 0;
  CheckId check = CheckId::kUnicode;
  const char* detail = "";  // "e-mail": never what was found
};

// What is known of each row without its text.
struct PrepareState {
  PrepareState(const RowSource& rows, const RowSource* against,
               const PrepareOptions& options);

  // The row goes, because of row `of` (kNoRow: none; a row of `against` if
  // the check is kLeak).
  void Drop(uint32_t row, CheckId check, uint32_t of = kNoRow);
  void Flag(uint32_t row, CheckId check, const char* detail = "");
  bool Fine(uint32_t row) const { return reason[row] == kFine; }
  // Rows of one group fall on one side of a split.
  uint32_t Group(uint32_t row);
  void Join(uint32_t a, uint32_t b);
  uint32_t LabelId(const std::string& label);

  const RowSource& rows;
  const RowSource* against;
  const PrepareOptions& options;
  std::vector<uint64_t> hash;    // ColumnsHash of the prompt
  std::vector<uint64_t> answer;  // ColumnsHash of the answer
  std::vector<uint32_t> label;   // index of label_names
  std::vector<uint32_t> words;   // in the prompt
  std::vector<int64_t> line;
  std::vector<Signature> signature;  // of rows with words
  std::vector<uint8_t> reason;       // CheckId or kFine
  std::vector<uint32_t> duplicate_of;
  std::vector<uint32_t> parent;  // of Group
  std::vector<RowFlag> flags;
  std::vector<std::string> label_names;
  absl::flat_hash_map<std::string, uint32_t> label_ids;
  int64_t cut_queries = 0;
};

struct Check {
  CheckId id;
  const char* name;
  const char* action;  // fix, drop, flag
  const char* what;
  // Sees each row with its text, once; may be null.
  void (*look)(PrepareState&, const TableRow&, uint32_t);
  // Runs when all rows were seen; may be null.
  absl::Status (*run)(PrepareState&);
};
const std::vector<Check>& AllChecks();

// White space within columns does not count, here and below.
uint64_t ColumnsHash(const std::vector<std::string>& columns);
bool SameColumns(const std::vector<std::string>& a,
                 const std::vector<std::string>& b);
// Have two rows the same prompt?
absl::StatusOr<bool> SameText(const RowSource& a, uint32_t row_a,
                              const RowSource& b, uint32_t row_b);
// The shingles of a row's prompt.
absl::StatusOr<RowShingles> ShinglesOfRow(const PrepareState& state,
                                          uint32_t row);

void LookForUnicode(PrepareState& state, const TableRow& row, uint32_t index);
void LookForEmpty(PrepareState& state, const TableRow& row, uint32_t index);
void LookForPersonalData(PrepareState& state, const TableRow& row,
                         uint32_t index);
absl::Status FindLeaks(PrepareState& state);
absl::Status FindLabelConflicts(PrepareState& state);
absl::Status FindExactDuplicates(PrepareState& state);
absl::Status FindNearDuplicates(PrepareState& state);
absl::Status FindLabelNoise(PrepareState& state);
absl::Status FindLengthOutliers(PrepareState& state);

}  // namespace sft::data

#endif  // HARNESS_DATA_PREPARE_CHECKS_H_
