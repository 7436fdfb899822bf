// A pretrained backbone and the places where a method may act on it:
// LinearSlot (a linear map that can be replaced) and AttentionSlot (how tokens
// see each other). Methods never name a layer class.
// B sequences, T tokens, D width, N heads, H head width, V vocabulary,
// I/O in/out features, M target positions.
#ifndef HARNESS_MODEL_MODEL_H_
#define HARNESS_MODEL_MODEL_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/model/pass_cost.h"

namespace sft::model {

// The part that a linear map or a parameter plays; HFT's categories and the
// target lists of adapters are written in these.
enum class Role {
  kEmbedding,
  kQuery,
  kKey,
  kValue,
  kQkv,  // one map that gives queries, keys and values
  kOutput,
  kGate,
  kUp,
  kGateUp,  // one map that gives both
  kDown,
  kProjection,  // from an embedding's width to the blocks'
  kPooler,      // encoders' map of the first token
  kNorm,
  kBias,
  kHead
};
// "q_proj", "down_proj", ... as in PEFT's target_modules.
std::string_view RoleName(Role role);

// State of the current forward pass that maps may need.
struct PassState {
  bool training = false;
  // Named by the trainer for every micro-batch, so that a recomputed forward
  // draws the same dropout masks.
  uint64_t dropout_seed = 0;
  double neftune_alpha = 0;  // noise on embeddings while training
};

// y = map(x) for x [..., I] in the compute dtype, y [..., O].
class LinearMap {
 public:
  virtual ~LinearMap() = default;
  virtual at::Tensor Forward(const at::Tensor& x, const PassState& pass) = 0;
  // The same for the few rows of a generation's step, by a kernel that reads
  // the weight once: x [M, I] -> y [M, O], dense, on the CPU, values of the
  // compute dtype held as f32, no gradient. False where there is no such
  // kernel; y then holds nothing.
  virtual bool MapRows(const float* x_MI, int64_t rows, float* y_MO);
  // Whether Forward draws random numbers while training.
  virtual bool Draws() const { return false; }
  // The dense matrix [O, I] that Forward multiplies by, in the master dtype
  // (f32, or f64), detached: what merging and exporting write.
  virtual at::Tensor DenseWeight() const = 0;
  // The matrices that Forward multiplies rows by, one after another or side by
  // side.
  virtual std::vector<MatrixShape> Matrices() const = 0;
  // Every tensor held, by suffix: "weight", "bias", "lora_A.weight", ...
  virtual std::vector<NamedTensor> Tensors() const = 0;
  // Bytes held, by category: "weights", "quantized_weights",
  // "quantization_constants", "adapters".
  virtual std::vector<std::pair<std::string, int64_t>> BytesByCategory()
      const = 0;
};

struct LinearSlot {
  std::string name;  // "model.layers.0.self_attn.q_proj"
  int64_t layer = -1;
  Role role = Role::kQuery;
  int64_t in_features = 0;
  int64_t out_features = 0;
  bool stored_transposed = false;  // files hold the weight as [I, O]
  bool unread = false;  // the map's tensors have sizes and no values yet
  std::unique_ptr<LinearMap> map;
};

// q [B, N, T, H], k and v [B, N_kv, T, H] -> [B, N, T, H].
// The default computes padded batches row by row, where no real token sees a
// pad, and packed ones sequence by sequence along cu_seqlens; decoders
// causally.
using AttentionFn = std::function<at::Tensor(
    const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
    const Batch& batch, double scale)>;
// A layer whose scores depend on more (on distances) has no such slot.
struct AttentionSlot {
  int64_t layer = 0;
  AttentionFn attend;
};

// A dense tensor of the model that could be trained: embeddings, norms,
// biases, and weights and biases of slots that still hold a DenseLinear.
struct Parameter {
  std::string name;  // Hugging Face name: "model.norm.weight"
  int64_t layer = -1;
  Role role = Role::kNorm;
  at::Tensor tensor;  // shares storage with the model; leaf
};

struct ModelInfo {
  std::string family;         // "llama"
  std::string name;           // as asked for
  std::string source_digest;  // SHA-256 of the weight files
  int64_t layers = 0, width = 0, heads = 0, kv_heads = 0, head_width = 0;
  int64_t ffn_width = 0, vocabulary = 0, max_positions = 0;
  int64_t parameters = 0;  // of the untouched model, tied head once
  bool tied_head = false;
  // What the weights were stored in: kFloat unless all are of one narrower
  // floating type. An export keeps it.
  at::ScalarType stored_dtype = at::kFloat;
  // A line each of what the files declare and is done otherwise here.
  std::vector<std::string> notes;
  // The head's classes are no more in the checkpoint's order.
  bool head_reordered = false;
  // The head was drawn: neither the checkpoint nor an adapter holds it.
  bool head_drawn = false;
};

struct LossOutput {
  at::Tensor loss_sum;  // scalar, differentiable: sum of nats over targets
  int64_t target_tokens = 0;
};

// How the next token is chosen from logits l [V], in transformers' order:
// softmax(l / temperature), of these the top_k likeliest, of these the top_p.
class CausalReader;

struct GenerationOptions {
  int64_t max_new_tokens = 64;
  std::vector<int32_t> stop_ids;  // end an answer, and are no part of it
  // An answer also ends where this says so of its ids so far (stop strings).
  std::function<bool(const std::vector<int32_t>&)> stop;
  double temperature = 0;  // 0 = greedy
  int64_t top_k = 0;       // 0 = all
  double top_p = 1;        // the smallest set of at least this probability
  int64_t seed = 0;        // of the sampling
  // A prompt's draws are its own stream: of this number, or of its index where
  // there are none, so that batches change no answer.
  std::vector<int64_t> streams;
  // Steps read guesses of what follows (harness/model/generate/guess.h): the
  // same answers in fewer steps.
  bool guess = true;
  int64_t beams = 1;          // above 1: beam search; temperature must be 0
  double length_penalty = 1;  // beams are ranked by sum of log p / length^this
};

class Model {
 public:
  virtual ~Model() = default;
  virtual const ModelInfo& info() const = 0;
  virtual at::ScalarType compute_dtype() const = 0;
  virtual at::Device device() const = 0;

  virtual std::vector<LinearSlot>& linear_slots() = 0;
  virtual std::vector<AttentionSlot>& attention_slots() = 0;
  virtual std::vector<Parameter> Parameters() = 0;
  // A model may be opened while the maps of its slots are still in the files
  // (OpenModel). Who replaces maps reads one, makes what it wants of it and
  // lets it go before the next, so that the whole never is in memory; to
  // compute, all must be there. Reading gives the slot another map. Nothing to
  // do where a map is read.
  absl::Status ReadMap(LinearSlot& slot);
  absl::Status ReadMaps();
  // From now on no map is read, and `read` puts a slot's there.
  void LeaveMapsUnread(std::function<absl::Status(LinearSlot&)> read);
  PassState& pass_state() { return pass_state_; }
  virtual void SetActivationCheckpointing(bool on) = 0;

  // Final hidden states [B, T, D], after the last norm.
  virtual at::Tensor HiddenStates(const Batch& batch) = 0;
  // Head on chosen rows: h [M, D] -> logits [M, V] in f32 (f64 models: f64).
  virtual at::Tensor Logits(const at::Tensor& h_MD) = 0;
  // The columns [first, first + count) of Logits(): where only sums over the
  // vocabulary are wanted, the whole of it need not exist at a time.
  virtual at::Tensor LogitsOf(const at::Tensor& h_MD, int64_t first,
                              int64_t count) {
    return Logits(h_MD).narrow(1, first, count);
  }
  // Sum of cross-entropy over targets, as labels mean them under `head()`:
  // labels_BT[b][t] != kNoLoss predicted from position t-1 by decoders. Only
  // target positions reach the head. Of kLabels: each row's mean over classes
  // of the binary cross-entropy; of kValue: squared errors.
  virtual LossOutput SumLoss(const Batch& batch) = 0;
  // Whether the training pass over a flat batch that knows its targets depends
  // on the host by the batch's sizes alone: nothing is read back from the
  // device, nothing drawn. Such a pass can be captured and replayed.
  virtual bool IsReplayable() { return false; }

  // The matrices of a training pass; those of slots are the maps' own.
  virtual PassMatrices Matrices() = 0;
  // What a training pass in which every map trains should hold.
  virtual PassBytes BytesOf(const PassSize& pass) = 0;

  // What the model predicts. Encoders get the head that their task needs.
  virtual HeadKind head() const { return HeadKind::kNextToken; }
  // True of models whose tokens see both sides, and which have a head a task.
  virtual bool is_encoder() const { return false; }
  // Encoders: a head of `classes` outputs (kSpan: 2, kValue: 1), the
  // checkpoint's own where it holds one of this kind and size, else drawn from
  // the init stream of `seed`. Before any method attaches. An adapter's, which
  // does not tell what its rows' results are, is kept for each such kind.
  virtual absl::Status SetHead(HeadKind head, int64_t classes, int64_t seed);
  // The task's classes by name, in its order; ignored unless there is one a
  // class. A checkpoint's own head is put in this order by its own names
  // (id2label); one whose names are others is drawn anew from `seed`, one that
  // has no names is kept. What was done is in info().notes.
  virtual void SetLabelNames(const std::vector<std::string>&, int64_t) {}
  // The head now holds what an adapter brought: it is not drawn anew, whatever
  // its classes are called.
  virtual void KeepHead() { keeps_head_ = true; }
  // Encoders: the head's own tensors among Parameters(), which every method
  // trains, for nobody has trained them yet.
  virtual std::vector<Parameter> HeadParameters() { return {}; }
  // Encoders: scores in f32 (f64). Of heads that read rows [P, C], a row each
  // sequence of the batch; kToken and kSpan [B, T, C].
  virtual at::Tensor HeadLogits(const Batch& batch);

  // A continuation of each prompt (not empty), at most as long as the model has
  // positions; decoders only. Uses a KV cache.
  virtual std::vector<std::vector<int32_t>> Generate(
      const std::vector<std::vector<int32_t>>& prompts,
      const GenerationOptions& options) = 0;
  // Reads texts for generation (GenerateBy): for who keeps what was read from
  // one answer to the next. Decoders only; it lives no longer than the model.
  virtual std::unique_ptr<CausalReader> MakeReader();
  std::vector<std::vector<int32_t>> GenerateGreedy(
      const std::vector<std::vector<int32_t>>& prompts, int64_t max_new_tokens,
      std::vector<int32_t> stop_ids) {
    GenerationOptions options;
    options.max_new_tokens = max_new_tokens;
    options.stop_ids = std::move(stop_ids);
    return Generate(prompts, options);
  }

  // Gives a tied head its own copy of the embedding: Parameters() then has
  // both. False where there is no tied head.
  virtual bool UntieHead() { return false; }

  // The dense tensors under Hugging Face names, slots as DenseWeight(): what
  // `export --merged` writes.
  virtual std::vector<NamedTensor> DenseState() = 0;
  // config.json of the exported folder.
  virtual std::string ConfigJson() const = 0;

 protected:
  bool keeps_head_ = false;

 private:
  PassState pass_state_;
  std::function<absl::Status(LinearSlot&)> read_map_;
};

}  // namespace sft::model

#endif  // HARNESS_MODEL_MODEL_H_
