// What travels from data to model: examples, batches, named tensors.
// B sequences, T tokens, P packed sequences, V vocabulary.
#ifndef HARNESS_CORE_BATCH_H_
#define HARNESS_CORE_BATCH_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace sft {

inline constexpr int32_t kNoLoss = -100;

// What labels mean, for it is another thing under each head:
enum class HeadKind {
  kNextToken,  // labels[t] = input_ids[t], predicted from position t-1
  kSequence,   // labels[0] = the class
  kToken,      // labels[t] = the class of token t
  kSpan,       // labels[0], labels[1] = first and last token of the answer
  kLabels,     // values[c] = 1 if class c is one of the row's, else 0
  kValue       // values[0] = a number
};
// Whether a head has one result a row; the three kinds have the same maps.
constexpr bool ReadsRows(HeadKind head) {
  return head == HeadKind::kSequence || head == HeadKind::kLabels ||
         head == HeadKind::kValue;
}

// One tokenized row; labels are kNoLoss where there is no target. Under
// kNextToken labels[0] is kNoLoss.
struct Example {
  int64_t row_id = 0;
  std::vector<int32_t> input_ids;
  std::vector<int32_t> labels;
  std::vector<int32_t> token_types;  // encoders' segments; empty = all 0
  // Of kLabels and kValue: what the row's result is to be. labels[0] is then 0,
  // for the row has a target.
  std::vector<double> values;
  HeadKind head = HeadKind::kNextToken;
  int64_t target_tokens() const {
    int64_t n = 0;
    for (int32_t label : labels) n += label != kNoLoss;
    return n;
  }
};
inline int64_t TokensOf(const std::vector<Example>& examples) {
  int64_t tokens = 0;
  for (const Example& e : examples) tokens += std::ssize(e.input_ids);
  return tokens;
}

// Right-padded rows (cu_seqlens undefined), or rows laid end to end in one
// row (B = 1) whose boundaries are cu_seqlens: int32 [P+1], first 0, last T.
struct Batch {
  at::Tensor input_ids_BT;       // int64
  at::Tensor labels_BT;          // int64, kNoLoss = no target
  at::Tensor position_ids_BT;    // int64, restarts at every sequence
  at::Tensor token_types_BT;     // int64, undefined = all 0
  at::Tensor values_PC;          // f64, of each sequence; undefined = none
  at::Tensor cu_seqlens;         // int32 [P+1], undefined if padded
  std::vector<int64_t> lengths;  // of each sequence, pads not counted
  std::vector<int64_t> row_ids;  // of each sequence
  // Flat batches that are only read: of each sequence, one before it whose
  // tokens its own see too (a prompt that several answers share), or -1. Its
  // positions go on from there. Empty = none has any.
  std::vector<int64_t> prefixes;
  // Of flat batches under kNextToken, where known beforehand, so that no device
  // need be asked: the token before each target among the B * T, and the
  // target; kNoLoss there counts for nothing. int64 [M].
  at::Tensor target_row_M, target_M;
  // No sequence is longer; 0 = as `lengths` say.
  int64_t longest = 0;

  HeadKind head = HeadKind::kNextToken;
  int64_t real_tokens = 0;    // tokens that are no pads
  int64_t target_tokens = 0;  // labels that are no kNoLoss
  int64_t slots() const { return input_ids_BT.numel(); }
  int64_t padded_tokens() const { return slots() - real_tokens; }
};

// The tensors that a batch has.
inline std::vector<at::Tensor*> TensorsOf(Batch& batch) {
  std::vector<at::Tensor*> tensors;
  for (at::Tensor* tensor :
       {&batch.input_ids_BT, &batch.labels_BT, &batch.position_ids_BT,
        &batch.token_types_BT, &batch.cu_seqlens, &batch.target_row_M,
        &batch.target_M, &batch.values_PC}) {
    if (tensor->defined()) tensors.push_back(tensor);
  }
  return tensors;
}

struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

}  // namespace sft

#endif  // HARNESS_CORE_BATCH_H_
