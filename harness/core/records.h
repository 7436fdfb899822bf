// What a run leaves behind, as plain structs that train, eval, measure and
// record share. Units are in the names.
#ifndef HARNESS_CORE_RECORDS_H_
#define HARNESS_CORE_RECORDS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sft {

// kStopped: measured at the end of a rung of a search; it goes on from there
// where its scores are good enough.
enum class RunStatus {
  kOk,
  kDiverged,
  kOutOfMemory,
  kTimeout,
  kFailed,
  kStopped
};

// One optimizer step.
struct StepRecord {
  int64_t step = 0;   // counted from 1 over the whole run
  int64_t round = 0;  // index into RunConfig::train
  double loss = 0;    // mean over the step's target tokens, nats
  double learning_rate = 0;
  double grad_norm = 0;  // before clipping, L2
  int64_t real_tokens = 0;
  int64_t target_tokens = 0;
  int64_t padded_tokens = 0;
  int64_t sequences = 0;
  double wall_seconds = 0;  // under /measured
  double cpu_seconds = 0;   // under /measured
};

// One metric with what it was computed from.
struct MetricRecord {
  std::string name;  // "accuracy", "validation_loss"
  double value = 0;
  std::string unit;       // "fraction", "nats/token"
  std::string signature;  // how it was computed, in one line
  bool higher_is_better = true;
  std::vector<double> items;  // score of each item, empty if none
  // Where the value is no mean of items: numbers of each item, row-major
  // [items, sum_columns], whose sums over items give the value
  // (harness/metrics/sums.h). What resampling takes.
  std::vector<double> sums = {};
  int64_t sum_columns = 0;
};

// One task (or held-out text) measured after one round; round 0 is the base
// model, round r is after the r-th stage of training.
struct EvalRecord {
  std::string task;
  // "test", "validation", "heldout"; at points within a round "curve" and
  // "rewind"; of what is between two models "distance".
  std::string split;
  int64_t round = 0;
  double point = 0;  // of a curve the step of the round; rewound: alpha
  std::vector<MetricRecord> metrics;  // the primary one first
  std::vector<int64_t> row_ids;       // of the items
  std::vector<int64_t> predictions;   // label index, classification only
  std::vector<int64_t> references;    // label index, classification only
  double wall_seconds = 0;            // under /measured
  int64_t tokens = 0;
};

// Bytes by category; "peak" values under /measured.
struct MemoryRecord {
  std::map<std::string, int64_t> predicted_bytes;
  std::map<std::string, int64_t> measured_bytes;
};

}  // namespace sft

#endif  // HARNESS_CORE_RECORDS_H_
