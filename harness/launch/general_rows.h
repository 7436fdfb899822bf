// Rows that a run takes beside those of a stage: replayed ones, and those that
// a method reads before it trains.
#ifndef HARNESS_LAUNCH_GENERAL_ROWS_H_
#define HARNESS_LAUNCH_GENERAL_ROWS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/core/tokenizer.h"

namespace sft::launch {

// Hex SHA-256 over the examples, in their order.
std::string DigestOfExamples(const std::vector<Example>& examples);

// Documents cut into windows of 64 tokens, each a row of which every token is a
// target; BOS, where the tokenizer prescribes one, stands before each window
// and counts. A document's rest is left out, unless it is all of it. Where
// max_length is smaller, so are the windows.
inline constexpr int64_t kTextWindow = 64;
absl::StatusOr<std::vector<Example>> TextWindows(
    const std::vector<std::string>& documents, const Tokenizer& tokenizer,
    const std::string& bos, int64_t max_length);

// `rows` in a shuffled order that follows from them, from what they are for and
// from the seed.
std::vector<Example> Shuffled(const std::vector<Example>& rows,
                              std::string_view use, int64_t sample_seed);

// Target tokens that rows must add to `own` ones to be this share of all.
double TargetsOfShare(double own, double share);
// From the front, and from the front again where they run out, until they hold
// as many target tokens; none where they hold no target.
std::vector<Example> UntilTargets(const std::vector<Example>& rows,
                                  double target_tokens);

// The row's first tokens, with their labels. Where a packing splits rows they
// come whole, and one pass reads no more than a batch may hold.
void CutTo(int64_t tokens, Example& row);

// Who reads a row or a document. Rows that are replayed or calibrated on must
// be no other's.
class RowRoles {
 public:
  // `field` of the spec asks for it; "" for rows that train and that measure.
  void Add(uint64_t row, const std::string& role, const std::string& field);
  // InvalidArgument: the field, and whose rows it names too.
  absl::Status Check() const;

 private:
  struct Role {
    std::string name, field;
  };
  // Of rows that a field asks for, and of the others; the first one counts.
  std::map<uint64_t, Role> asked_, others_;
  std::map<std::pair<std::string, std::string>, int64_t> shared_;
  std::map<std::pair<std::string, std::string>, std::string> fields_;
};
uint64_t DocumentKey(std::string_view document);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_GENERAL_ROWS_H_
