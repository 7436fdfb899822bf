// The shape of an encoder out of config.json, and how checkpoints name its
// parts. What a block computes follows from these tables alone: a gate if there
// is a map for it, rotary positions if there is no table of any. The rates of
// dropout in config.json are not applied.
#ifndef HARNESS_MODEL_FAMILIES_ENCODER_CONFIG_H_
#define HARNESS_MODEL_FAMILIES_ENCODER_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/model/families/layout.h"
#include "harness/model/ops/ops.h"

namespace sft::model {

inline constexpr int64_t kMaxClasses = 1 << 16;  // of a head

// A head as one of transformers' classes has it.
struct EncoderHead {
  HeadKind kind;
  std::string_view architecture;  // "BertForSequenceClassification"
  // The map of the first token before the last one, with its activation; "" if
  // there is none.
  std::string_view dense;
  Activation activation = Activation::kTanh;  // unless config.json names it
  std::string_view out;                       // full names, without ".weight"
};

struct EncoderLayout {
  struct Map {
    std::string_view name;
    Role role;
  };
  std::string_view root;          // "bert.": of everything but the heads
  std::string_view architecture;  // without a head
  std::string_view embedding;     // full names, without ".weight"
  std::string_view positions;     // learned ones; "" = none
  std::string_view token_types;   // "" = none
  std::string_view embedding_norm;
  // The map behind that norm, where the tables are not as wide as the blocks.
  std::string_view projection;
  // A table of distances, and its norm: scores are disentangled (relative
  // attention). "" = none; without `positions`, they are rotary.
  std::string_view distances, distances_norm;
  std::string_view layers;  // "bert.encoder.layer.", before the number
  std::vector<Map> maps;    // in the order of LinearSlots
  // Behind the addition of attention and feed-forward; before these branches
  // where `pre_norm`, and then not before the first attention.
  std::string_view attention_norm, feedforward_norm;
  bool pre_norm = false;
  std::string_view final_norm;  // "" = none
  // Those of the blocks' maps and of the pooler, and of all norms.
  bool map_biases = true, norm_biases = true;
  // The backbone's own map of the first token, "" = none; heads that do not
  // name it as their `dense` do without it. Its norm is behind the activation.
  std::string_view pooler, pooler_norm;
  std::vector<EncoderHead> heads;
  // Tensors of other heads and old buffers, that nobody needs: how their names
  // begin, and how they end.
  std::vector<std::string_view> surplus_begins, surplus_ends;

  int64_t MapIndex(Role role) const;
  std::string LayerName(int64_t layer, std::string_view part) const;
  bool rotates() const { return positions.empty() && distances.empty(); }
  // Whether a block has a norm for its attention.
  bool HasAttentionNorm(int64_t layer) const { return !pre_norm || layer > 0; }
  // nullptr if there is no head of this kind; rows' results share one.
  const EncoderHead* FindHead(HeadKind kind) const;
};

struct EncoderConfig {
  std::string family = "bert";
  const EncoderLayout* layout = nullptr;
  Activation activation = Activation::kGelu;
  int64_t layers = 0, width = 0, heads = 0, ffn_width = 0, vocabulary = 0;
  int64_t embedding_width = 0;  // of the tables; `width` unless projected
  int64_t position_rows = 0;    // of the table; some are not for tokens
  int64_t token_types = 0;
  double norm_epsilon = 1e-12;
  // Positions count the tokens that are no pads, from pad + 1 on.
  bool positions_skip_pad = false;
  // Rotary positions: the theta of layers that see everything and of those that
  // see `window` tokens to each side; a truth value a layer.
  double theta = 0, window_theta = 0;
  int64_t window = 0;
  std::vector<bool> windowed;
  // Distances: those up to half of `buckets` are told apart, larger ones by
  // their logarithm, up to `max_distance`.
  int64_t buckets = 0, max_distance = 0;
  // Of the heads' `dense`; unset: the layout's.
  std::optional<Activation> head_activation;
  bool mean_pooling = false;  // of a row, in place of its first token
  std::optional<int64_t> bos, pad, eos;
  // The checkpoint's own head: kNextToken if it has none that is known here.
  HeadKind head = HeadKind::kNextToken;
  std::vector<std::string> labels;  // a class each; empty without a head
  bool pooler = false;              // the checkpoint holds a pooler of use

  int64_t head_width() const { return width / heads; }
  // [out, in] of a block's map.
  std::pair<int64_t, int64_t> MapSize(Role role) const;
  bool projects() const { return embedding_width != width; }
  int64_t distance_rows() const { return 2 * buckets; }
  int64_t first_position() const {
    return positions_skip_pad ? pad.value_or(0) + 1 : 0;
  }
  int64_t max_positions() const { return position_rows - first_position(); }
};

// Whether `text`, a config.json, is of an encoder: it is then for
// EncoderConfigFromJson. Broken files are of no encoder.
bool IsEncoderConfig(const std::string& text);
// Whether a head for what config.json calls so ("problem_type") is known.
bool IsKnownProblem(std::string_view name);
// `where` names the file in errors.
absl::StatusOr<EncoderConfig> EncoderConfigFromJson(const std::string& where,
                                                    const std::string& text);
// A config.json that transformers loads as the class of its head; `dtype` is
// "float32" or "float64".
std::string EncoderConfigToJson(const EncoderConfig& config,
                                const std::string& dtype);

// Every tensor of the backbone and of the checkpoint's own head.
std::vector<ParameterShape> EncoderParameters(const EncoderConfig& config);

}  // namespace sft::model

#endif  // HARNESS_MODEL_FAMILIES_ENCODER_CONFIG_H_
