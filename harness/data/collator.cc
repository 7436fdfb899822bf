// Batches out of examples. Shapes: B sequences, T tokens, P pieces.
#include "harness/data/collator.h"

#include <ATen/ATen.h>
#include <c10/util/Exception.h>

#include <algorithm>

namespace sft::data {
namespace {

const Example& Checked(const std::vector<Example>& examples,
                       const Piece& piece) {
  TORCH_CHECK(
      piece.index >= 0 && piece.index < static_cast<int64_t>(examples.size()),
      "piece of example ", piece.index, " of ", examples.size());
  const Example& example = examples[piece.index];
  const int64_t size = static_cast<int64_t>(example.input_ids.size());
  TORCH_CHECK(example.labels.size() == example.input_ids.size(), "example ",
              piece.index, " has ", size, " ids, ", example.labels.size(),
              " labels");
  TORCH_CHECK(piece.begin >= 0 && piece.length > 0 &&
                  piece.length <= size - piece.begin,
              "piece [", piece.begin, ", +", piece.length, ") of ", size,
              " tokens");
  TORCH_CHECK(example.head == HeadKind::kNextToken || piece.length == size,
              "a head reads whole rows: piece [", piece.begin, ", +",
              piece.length, ") of ", size, " tokens");
  TORCH_CHECK(
      example.token_types.empty() || example.token_types.size() == size_t(size),
      "example ", piece.index, " has ", size, " ids, ",
      example.token_types.size(), " token types");
  return example;
}

// The head that all pieces share, their values; and room for token types, if
// any has some.
void StartBatch(const std::vector<Example>& examples,
                const std::vector<Piece>& pieces, Batch& batch) {
  batch.head = Checked(examples, pieces.front()).head;
  std::vector<double> values;
  for (const Piece& piece : pieces) {
    const std::vector<double>& own = examples[piece.index].values;
    TORCH_CHECK(own.size() == examples[pieces[0].index].values.size(),
                "example ", piece.index, " has ", own.size(), " values");
    values.insert(values.end(), own.begin(), own.end());
  }
  if (!values.empty()) {
    batch.values_PC =
        at::tensor(values, at::kDouble).view({std::ssize(pieces), -1});
  }
  for (const Piece& piece : pieces) {
    const Example& example = Checked(examples, piece);
    TORCH_CHECK(example.head == batch.head, "a batch of two heads");
    if (!example.token_types.empty() && !batch.token_types_BT.defined()) {
      batch.token_types_BT = at::zeros_like(batch.input_ids_BT);
    }
  }
}

// Writes one piece at slot `at` of the batch's rows laid end to end, and
// counts it.
void WritePiece(const std::vector<Example>& examples, const Piece& piece,
                int64_t at, Batch& batch) {
  const Example& example = Checked(examples, piece);
  const bool next_token = example.head == HeadKind::kNextToken;
  int64_t* ids = batch.input_ids_BT.data_ptr<int64_t>() + at;
  int64_t* labels = batch.labels_BT.data_ptr<int64_t>() + at;
  int64_t* positions = batch.position_ids_BT.data_ptr<int64_t>() + at;
  for (int64_t t = 0; t < piece.length; ++t) {
    ids[t] = example.input_ids[piece.begin + t];
    // Nothing in the batch precedes a piece's first token.
    labels[t] =
        next_token && t == 0 ? kNoLoss : example.labels[piece.begin + t];
    positions[t] = t;
    batch.target_tokens += labels[t] != kNoLoss;
  }
  if (batch.token_types_BT.defined()) {
    std::copy_n(example.token_types.begin() + piece.begin,
                example.token_types.empty() ? 0 : piece.length,
                batch.token_types_BT.data_ptr<int64_t>() + at);
  }
  batch.real_tokens += piece.length;
  batch.lengths.push_back(piece.length);
  batch.row_ids.push_back(example.row_id);
}

}  // namespace

BatchSize SizeOfBatch(const Batch& batch) {
  BatchSize size;
  size.target_tokens = batch.target_tokens;
  if (batch.cu_seqlens.defined()) {
    size.sequences = batch.lengths;
  } else {
    size.sequences.assign(static_cast<size_t>(batch.input_ids_BT.size(0)),
                          batch.input_ids_BT.size(1));
  }
  return size;
}

Batch PaddedBatch(const std::vector<Example>& examples,
                  const std::vector<Piece>& pieces, int64_t pad_to,
                  int32_t pad_id) {
  TORCH_CHECK(!pieces.empty(), "a batch of no rows");
  int64_t width = 0;
  for (const Piece& piece : pieces) width = std::max(width, piece.length);
  TORCH_CHECK(pad_to <= 0 || width <= pad_to, "a row of ", width,
              " tokens in a batch padded to ", pad_to);
  if (pad_to > 0) width = pad_to;
  const int64_t rows = static_cast<int64_t>(pieces.size());
  Batch batch;
  batch.input_ids_BT = at::full({rows, width}, pad_id, at::kLong);
  batch.labels_BT = at::full({rows, width}, kNoLoss, at::kLong);
  batch.position_ids_BT =
      at::arange(width, at::kLong).expand({rows, width}).contiguous();
  StartBatch(examples, pieces, batch);
  for (int64_t b = 0; b < rows; ++b) {
    WritePiece(examples, pieces[b], b * width, batch);
  }
  return batch;
}

Batch FlatBatch(const std::vector<Example>& examples,
                const std::vector<Piece>& pieces) {
  TORCH_CHECK(!pieces.empty(), "a batch of no rows");
  int64_t total = 0;
  for (const Piece& piece : pieces) total += piece.length;
  const int64_t count = static_cast<int64_t>(pieces.size());
  Batch batch;
  batch.input_ids_BT = at::empty({1, total}, at::kLong);
  batch.labels_BT = at::empty({1, total}, at::kLong);
  batch.position_ids_BT = at::empty({1, total}, at::kLong);
  batch.cu_seqlens = at::zeros({count + 1}, at::kInt);
  StartBatch(examples, pieces, batch);
  int32_t* cu_seqlens = batch.cu_seqlens.data_ptr<int32_t>();
  int64_t at = 0;
  for (int64_t p = 0; p < count; ++p) {
    WritePiece(examples, pieces[p], at, batch);
    at += pieces[p].length;
    cu_seqlens[p + 1] = static_cast<int32_t>(at);
  }
  return batch;
}

std::vector<Batch> FlatBatches(const std::vector<Example>& examples,
                               int64_t max_tokens) {
  std::vector<Batch> batches;
  std::vector<Piece> pieces;
  int64_t tokens = 0;
  for (size_t i = 0; i < examples.size(); ++i) {
    const int64_t length = static_cast<int64_t>(examples[i].input_ids.size());
    if (!pieces.empty() && tokens + length > max_tokens) {
      batches.push_back(FlatBatch(examples, pieces));
      pieces.clear();
      tokens = 0;
    }
    pieces.push_back({static_cast<int64_t>(i), 0, length});
    tokens += length;
  }
  if (!pieces.empty()) batches.push_back(FlatBatch(examples, pieces));
  return batches;
}

Batch OnDevice(Batch batch, at::Device device) {
  if (device.is_cpu()) return batch;
  for (at::Tensor* tensor : TensorsOf(batch)) *tensor = tensor->to(device);
  return batch;
}

}  // namespace sft::data
