// The shape of an encoder out of config.json, and how checkpoints name its
// parts. A post-norm block follows from these tables alone; no family has code
// in the forward pass. The rates of dropout in config.json are not applied.
#ifndef HARNESS_MODEL_FAMILIES_ENCODER_CONFIG_H_
#define HARNESS_MODEL_FAMILIES_ENCODER_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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
  Activation activation = Activation::kTanh;
  std::string_view out;  // full names, without ".weight"
};

struct EncoderLayout {
  struct Map {
    std::string_view name;
    Role role;
  };
  std::string_view root;          // "bert.": of everything but the heads
  std::string_view architecture;  // without a head
  std::string_view embedding;     // full names, without ".weight"
  std::string_view positions;
  std::string_view token_types;  // "" = none
  std::string_view embedding_norm;
  std::string_view layers;          // "bert.encoder.layer.", before the number
  std::vector<Map> maps;            // in the order of LinearSlots
  std::string_view attention_norm;  // behind attention's addition
  std::string_view feedforward_norm;  // behind the feed-forward's
  // The backbone's own map of the first token, "" = none; heads that do not
  // name it as their `dense` do without it.
  std::string_view pooler;
  std::vector<EncoderHead> heads;
  // Tensors of other heads and old buffers, that nobody needs: how their names
  // begin, and how they end.
  std::vector<std::string_view> surplus_begins, surplus_ends;

  int64_t MapIndex(Role role) const;
  std::string LayerName(int64_t layer, std::string_view part) const;
  // nullptr if there is no head of this kind.
  const EncoderHead* FindHead(HeadKind kind) const;
};

struct EncoderConfig {
  std::string family = "bert";
  const EncoderLayout* layout = nullptr;
  Activation activation = Activation::kGelu;
  int64_t layers = 0, width = 0, heads = 0, ffn_width = 0, vocabulary = 0;
  int64_t position_rows = 0;  // of the table; some are not for tokens
  int64_t token_types = 0;
  double norm_epsilon = 1e-12;
  // Positions count the tokens that are no pads, from pad + 1 on.
  bool positions_skip_pad = false;
  std::optional<int64_t> bos, pad, eos;
  // The checkpoint's own head: kNextToken if it has none that is known here.
  HeadKind head = HeadKind::kNextToken;
  std::vector<std::string> labels;  // a class each; empty without a head
  bool pooler = false;              // the checkpoint holds a pooler of use

  int64_t head_width() const { return width / heads; }
  int64_t first_position() const {
    return positions_skip_pad ? pad.value_or(0) + 1 : 0;
  }
  int64_t max_positions() const { return position_rows - first_position(); }
};

// Whether `text`, a config.json, is of an encoder: it is then for
// EncoderConfigFromJson. Broken files are of no encoder.
bool IsEncoderConfig(const std::string& text);
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
