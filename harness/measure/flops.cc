#include "harness/measure/flops.h"

namespace sft::measure {
namespace {

double Product(int64_t tokens, const model::MatrixShape& map) {
  return 2.0 * static_cast<double>(tokens) *
         static_cast<double>(map.in_features) *
         static_cast<double>(map.out_features);
}

}  // namespace

FlopModel MakeFlopModel(model::Model& model, bool activation_checkpointing) {
  const model::ModelInfo& info = model.info();
  return {.matrices = model.Matrices(),
          .heads = info.heads,
          .head_width = info.head_width,
          .layers = info.layers,
          .activation_checkpointing = activation_checkpointing};
}

StepWork WorkOf(const Batch& batch) {
  return WorkOf(data::SizeOfBatch(batch), batch.head);
}

StepWork WorkOf(const data::BatchSize& batch, HeadKind head) {
  StepWork work;
  work.computed_tokens = batch.slots();
  work.target_tokens = batch.target_tokens;
  work.micro_batches = 1;
  // Only encoders have batches for other heads.
  const bool causal = head == HeadKind::kNextToken;
  for (const int64_t length : batch.sequences) {
    work.attention_pairs +=
        causal ? length * (length + 1) / 2 : length * length;
  }
  return work;
}

StepWork operator+(const StepWork& a, const StepWork& b) {
  return {
      a.computed_tokens + b.computed_tokens, a.target_tokens + b.target_tokens,
      a.attention_pairs + b.attention_pairs, a.micro_batches + b.micro_batches};
}

Flops StepFlops(const FlopModel& model, const StepWork& work) {
  Flops flops;
  const auto add = [&flops](int64_t rows,
                            const std::vector<model::MatrixShape>& maps) {
    for (const model::MatrixShape& map : maps) {
      const double product = Product(rows, map);
      flops.forward += product;
      flops.backward_inputs += product;
      if (map.trains) flops.backward_weights += product;
    }
  };
  add(work.computed_tokens, model.matrices.blocks);
  add(work.micro_batches * model.matrices.table_rows, model.matrices.table);
  const double attention = 4.0 * static_cast<double>(model.layers) *
                           static_cast<double>(model.heads) *
                           static_cast<double>(model.head_width) *
                           static_cast<double>(work.attention_pairs);
  flops.forward += attention;
  // Two products forward, each with two inputs that need a gradient.
  flops.backward_inputs += 2 * attention;
  if (model.activation_checkpointing) flops.recomputed = flops.forward;
  add(model.matrices.head_reads_all ? work.computed_tokens : work.target_tokens,
      model.matrices.head);
  return flops;
}

}  // namespace sft::measure
