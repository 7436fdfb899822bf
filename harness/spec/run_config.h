// One resolved cell of a sweep: everything that decides its result, and
// nothing else. Its canonical text is hashed into the run's id.
#ifndef HARNESS_SPEC_RUN_CONFIG_H_
#define HARNESS_SPEC_RUN_CONFIG_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/fields.h"

namespace sft::spec {

// The method's name of the row that trains nothing.
inline constexpr char kUntuned[] = "untuned";
// Of replay.from: rows of the stages before.
inline constexpr char kEarlierRows[] = "earlier";

// Options of methods that came when there were records of these already: name
// -> the default at which ids leave it out.
using LaterOptions = std::map<std::string, std::string>;
LaterOptions LaterOptionsOf(const std::vector<FieldSpec>& options);

struct RunConfig {
  static constexpr std::string_view kLater[] = {"at_points",
                                                "bos",
                                                "curve",
                                                "decay",
                                                "distance",
                                                "heldout_stride",
                                                "limit_from",
                                                "optimizer",
                                                "replay.from",
                                                "replay.share",
                                                "rewind",
                                                "sample_seed",
                                                "score_end_of_turn"};

  // What is asked.
  std::string model = "smollm2-135m-instruct";
  std::vector<std::string> train;     // data-set names, a round each
  std::vector<std::string> evaluate;  // task names, scored on test rows
  std::vector<std::string> retain;    // measured before and after
  std::string method = "full";        // row of methods/registry.cc
  std::string batching = "padded";    // row of methods/registry.cc
  int64_t seed = 0;

  // Budget: exactly one of the four is above 0; it is a round's budget.
  int64_t budget_steps = 0;
  int64_t budget_target_tokens = 0;
  double budget_epochs = 0;
  double budget_wall_seconds = 0;

  // Batches.
  int64_t batch_size = 8;  // rows, or packed sequences, a micro-batch
  int64_t gradient_accumulation_steps = 1;
  int64_t max_length = 512;  // tokens; longer rows are cut, and counted

  // Optimizer and schedule.
  std::string optimizer = "adamw";  // train/optimizers/registry.cc
  double learning_rate = 2e-5;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.0;
  std::string decay = "all";
  double max_grad_norm = 1.0;  // 0 = no clipping
  std::string schedule = "cosine";
  double warmup_ratio = 0.03;

  // Arithmetic.
  std::string dtype = "f32";
  std::string device = "cpu";
  int64_t threads = 2;
  bool activation_checkpointing = false;

  // Data form.
  std::string prompt_form = "auto";
  double loss_on_prompt = 0;  // 0 = answers only, 1 = every token
  std::string loss_on = "last";
  std::string system_prompt;   // one line, before rows that have none
  std::string bos = "auto";    // before a text: as the tokenizer prescribes
  int64_t min_row_tokens = 0;  // training rows outside are left out
  int64_t max_row_tokens = 0;  // 0 = no bound
  double neftune_alpha = 0;    // arXiv 2310.05914, 0 = no noise

  // Evaluation.
  int64_t train_limit = 0;  // rows, 0 = all
  int64_t validation_limit = 200;
  int64_t test_limit = 0;
  std::string limit_from = "sample";  // which rows a limit leaves
  int64_t sample_seed = 0;            // of that sample, for all runs alike
  int64_t heldout_tokens = 4096;      // of each held-out text, in windows
  int64_t heldout_window = 512;
  int64_t heldout_stride = 0;    // from window to window, 0 = no overlap
  int64_t eval_every_steps = 0;  // validation loss during training, 0 = no
  int64_t generate_samples = 0;  // answers kept with --keep-text
  // Points between base and end, each scored on held-out text, on validation
  // rows and on what `at_points` names of `retain` (spec/points.h).
  std::vector<std::string> curve;   // steps of every round
  std::vector<std::string> rewind;  // alphas: base + alpha (tuned - base)
  std::vector<std::string> at_points;
  bool distance = false;  // how far the tuned model is from the base
  // Rows trained on besides, in every stage: whose, and their share of its
  // target tokens.
  std::vector<std::string> replay_from;
  double replay_share = 0.01;
  // Tasks whose labels or choices are scored with the end of turn, as training
  // has them; the plan fills in those that a cell of the spec trains on.
  std::vector<std::string> score_end_of_turn;

  // Options of the update and batching methods, defaults filled in: name ->
  // canonical text, e.g. "lora.rank" -> "16".
  std::map<std::string, std::string> method_options;
  // Those among them; no field. Who has the methods' tables notes them.
  LaterOptions later_options;

  // The user's own data sets among train, evaluate and retain: name -> JSON
  // (harness/spec/user_data.h).
  std::map<std::string, std::string> user_data;

  template <class V>
  void VisitFields(V& v) {
    const Limits any, positive{.min = 1}, natural{.min = 0}, share{0, 1, {}};
    v("model", model, any, "a folder, a .gguf file, or a listed name");
    v("train", train, any, "data sets to train on, one round each");
    v("evaluate", evaluate, any, "tasks scored on their test rows");
    v("retain", retain, any, "measured before and after training");
    v("method", method, any, "update method: which weights move");
    v("batching", batching, any, "batching method: how rows fill a batch");
    v("seed", seed, natural, "seed of all named random streams");
    v("budget.steps", budget_steps, natural, "optimizer steps a round");
    v("budget.target_tokens", budget_target_tokens, natural,
      "tokens with loss a round; the same rows for every method");
    v("budget.epochs", budget_epochs, natural, "passes over the rows");
    v("budget.wall_seconds", budget_wall_seconds, natural,
      "seconds of training; not reproducible bit for bit");
    v("batch_size", batch_size, positive, "rows or packs a micro-batch");
    v("gradient_accumulation_steps", gradient_accumulation_steps, positive,
      "micro-batches an optimizer step");
    v("max_length", max_length, Limits{8, 1 << 20, {}}, "tokens a row or pack");
    v("optimizer", optimizer, any,
      "what moves the weights; list optimizers says how they differ");
    v("learning_rate", learning_rate, Limits{0, 10, {}},
      "peak of the schedule");
    v("beta1", beta1, share, "AdamW");
    v("beta2", beta2, share, "AdamW");
    v("epsilon", epsilon, natural, "AdamW");
    v("weight_decay", weight_decay, natural, "AdamW, decoupled");
    v("decay", decay, Limits{.choices = {"all", "matrices"}},
      "which weights decay; matrices = no biases and norms, as transformers' "
      "Trainer");
    v("max_grad_norm", max_grad_norm, natural, "L2 clip, 0 = none");
    v("schedule", schedule, Limits{.choices = {"cosine", "linear", "constant"}},
      "learning rate after the warm-up");
    v("warmup_ratio", warmup_ratio, share, "share of the steps");
    v("dtype", dtype, Limits{.choices = {"f32", "bf16", "f64"}},
      "compute dtype; bf16 keeps f32 master weights");
    v("device", device, Limits{.choices = {"cpu", "cuda"}}, "where it runs");
    v("threads", threads, Limits{1, 1024, {}},
      "CPU threads of one run; auto = the cores that the plan finds");
    v("activation_checkpointing", activation_checkpointing, any,
      "recompute each block in the backward pass");
    v("prompt_form", prompt_form, Limits{.choices = {"auto", "plain", "chat"}},
      "plain text, or the model's own chat template");
    v("loss_on_prompt", loss_on_prompt, Limits{.choices = {"0", "1"}},
      "0 = loss on answers only, 1 = on every token");
    v("loss_on", loss_on, Limits{.choices = {"last", "all_assistant"}},
      "which answers of a conversation bear loss");
    v("system_prompt", system_prompt, any,
      "a line put before rows that have no system turn");
    v("bos", bos, Limits{.choices = {"auto", "always", "never"}},
      "the token that begins a text: as the tokenizer prescribes, or not");
    v("min_row_tokens", min_row_tokens, natural,
      "shorter training rows are left out, and counted");
    v("max_row_tokens", max_row_tokens, natural,
      "longer training rows are left out, and counted; 0 = none");
    v("neftune_alpha", neftune_alpha, natural,
      "uniform noise alpha / sqrt(length x width) on embeddings in training");
    v("train_limit", train_limit, natural, "training rows, 0 = all");
    v("validation_limit", validation_limit, positive, "validation rows");
    v("test_limit", test_limit, natural, "test rows, 0 = all");
    v("limit_from", limit_from, Limits{.choices = {"sample", "head"}},
      "rows that a limit leaves: a stratified sample, or the file's first");
    v("sample_seed", sample_seed, natural,
      "of the sample; the run's seed does not change it");
    v("heldout_tokens", heldout_tokens, positive, "tokens of held-out text");
    v("heldout_window", heldout_window, Limits{8, 1 << 20, {}},
      "tokens a window of held-out text");
    v("heldout_stride", heldout_stride, natural,
      "tokens from the beginning of one window to the next, of which each "
      "scores "
      "what the one before did not; 0: windows do not overlap");
    v("eval_every_steps", eval_every_steps, natural,
      "validation loss during training, 0 = only at the end");
    v("generate_samples", generate_samples, natural,
      "greedy answers to keep with --keep-text");
    v("curve", curve, any,
      "steps of every round after which held-out text and validation rows are "
      "scored, ascending");
    v("rewind", rewind, any,
      "alphas of base + alpha (tuned - base), which is scored likewise; above "
      "0 and below 1, ascending");
    v("at_points", at_points, any,
      "retained tasks that curve and rewind score besides");
    v("distance", distance, any,
      "divergence from the base model, norm and rank of what changed");
    v("replay.from", replay_from, any,
      "rows trained on besides: earlier (of the stages before), data sets, or "
      "text in windows of 64 tokens; none = no replay");
    v("replay.share", replay_share, Limits{0, 0.95, {}},
      "of a stage's target tokens, in equal parts from each of replay.from");
    v("score_end_of_turn", score_end_of_turn, any,
      "tasks whose answers are scored with the end of turn; none = those "
      "trained on");
  }

  // "name = value" lines in name order, method options included: the text
  // that is hashed, recorded and read back. A field or an option that came
  // after the first records is left out at its default, so that their ids still
  // hold.
  std::string CanonicalConfigText() const;
  static absl::StatusOr<RunConfig> FromCanonicalText(std::string_view text);
};

// The line of one field in the canonical text, "" where it is left out.
std::string CanonicalConfigLine(const std::string& name,
                                const std::string& value,
                                const LaterOptions& later);

// Notes which of the config's options came later. To be called before its text
// or id is made, where the config comes from a file that may name such an
// option at its default: files know no tables of methods.
void NoteLaterOptions(const LaterOptions& later, RunConfig& config);

// name -> canonical text of every field, method options included, and
// "data.NAME" of the user's data sets; and back. An unknown name without a dot
// is an error, one with a dot a method option.
std::map<std::string, std::string> ConfigFields(const RunConfig& config);
absl::StatusOr<RunConfig> ConfigFromFields(
    const std::map<std::string, std::string>& fields);

// Begins the digest of a model that a path names: its files decide, however
// the path is written.
inline constexpr char kModelByContent[] = "model by content ";
// The config as its id has it: without paths, that of a model where a digest
// begins with kModelByContent. The same files are the same run wherever they
// lie.
RunConfig ConfigByContent(const RunConfig& config,
                          const std::vector<std::string>& input_digests);

// First 16 hex digits of SHA-256 over the canonical text of ConfigByContent and
// the digests of the model's and the data's files (in the given order).
std::string MakeRunId(const RunConfig& config,
                      const std::vector<std::string>& input_digests);
// The same, where that text is known.
std::string MakeRunIdOfText(std::string_view text,
                            const std::vector<std::string>& input_digests);

}  // namespace sft::spec

#endif  // HARNESS_SPEC_RUN_CONFIG_H_
