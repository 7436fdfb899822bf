// What each way of batching makes of rows with these lengths, counted without
// a model: the packing strategies, and padding to compare them with.
// `padded_to_max`, `padded_to_longest` (of a batch) and `padded_bucketed`
// (batches of rows of like length) are batching: padded with its options.
#ifndef METHODS_PACKING_FIGURES_H_
#define METHODS_PACKING_FIGURES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace sft::methods {

struct PackingQuestion {
  std::vector<int64_t> counts_by_length;
  int64_t max_length = 512;  // longer rows are cut; wrapped cuts anyhow
  int64_t max_per_pack = 0;  // 0 = no bound
  int64_t batch_size = 1;    // packs, or padded rows, a step
  uint64_t seed = 0;         // of the order, for the ways that go by it
};

struct PackingFigures {
  std::string strategy;
  int64_t max_per_pack = 0;  // as it was applied
  int64_t rows = 0;
  int64_t packs = 0;  // rows, where they are padded
  int64_t tokens = 0;
  int64_t slots = 0;  // tokens and pads
  int64_t truncated_rows = 0;
  int64_t truncated_tokens = 0;
  int64_t steps = 0;  // batches of batch_size
  double seconds = 0;

  double efficiency() const;  // tokens / slots
  double rows_per_pack() const;
};

// Strategies of packer.h, then the padded ways.
std::vector<std::string> PackingNames();

// next_fit and padded_to_longest depend on the order of the rows: they get one
// that is shuffled with the seed. Errors: an unknown name; a strategy that
// cannot have this max_length (CheckPacking); too many rows to lay out.
absl::StatusOr<PackingFigures> MeasurePacking(const std::string& name,
                                              const PackingQuestion& question);

}  // namespace sft::methods

#endif  // METHODS_PACKING_FIGURES_H_
