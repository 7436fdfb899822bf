// What a training pass costs in products and in bytes: maps, heads and models
// say it of themselves, so that nobody guesses it from their names.
#ifndef HARNESS_MODEL_PASS_COST_H_
#define HARNESS_MODEL_PASS_COST_H_

#include <cstdint>
#include <vector>

namespace sft::model {

// A matrix that rows are multiplied by.
struct MatrixShape {
  int64_t in_features = 0;
  int64_t out_features = 0;
  bool trains = false;
};
// Those of a whole model.
struct PassMatrices {
  std::vector<MatrixShape> blocks;      // applied to every token
  std::vector<MatrixShape> table = {};  // applied to a table, once a batch:
  int64_t table_rows = 0;
  std::vector<MatrixShape> head;  // applied to what the head reads:
  bool head_reads_all = false;    // target tokens, or all of them
};

// A micro-batch, and how it is passed over.
struct PassSize {
  int64_t tokens = 0;  // pads included
  int64_t targets = 0;
  // Sum over its sequences of l (l + 1) / 2; of l^2 where tokens see both
  // sides.
  int64_t attention_pairs = 0;
  bool activation_checkpointing = false;
};
// What is held beside the model, until the backward pass takes it.
struct PassBytes {
  int64_t blocks = 0;  // what all blocks keep
  // Logits, and the head's gradient where it is made beside the loss.
  int64_t head = 0;
  // A gradient of the embedding made whole before it joins the head's.
  int64_t lookup_gradient = 0;
};

}  // namespace sft::model

#endif  // HARNESS_MODEL_PASS_COST_H_
