// How checkpoints name the parts of a decoder, and which parts there are.
// What a block computes follows from this table alone: a gate if there is a
// gate's map, a norm behind attention if there is a name for it.
#ifndef HARNESS_MODEL_FAMILIES_LAYOUT_H_
#define HARNESS_MODEL_FAMILIES_LAYOUT_H_

#include <string>
#include <string_view>
#include <vector>

#include "harness/model/model.h"

namespace sft::model {

// No width, vocabulary or number of positions that is read is larger.
inline constexpr int64_t kMaxSize = 1 << 24;

// A parameter that a configuration asks for, under its Hugging Face name.
struct ParameterShape {
  std::string name;
  std::vector<int64_t> shape;
  bool transposed = false;  // files hold the matrix the other way round
};

// The tensors of a map or norm.
std::string WeightName(std::string_view part);
std::string BiasName(std::string_view part);
// The tensor of `map` named `suffix`, undefined if it has none.
at::Tensor FindTensor(const LinearMap& map, std::string_view suffix);

enum class NormPlace {
  kBeforeAttention,
  kAfterAttention,  // on what attention adds to the residual stream
  kBeforeFeedForward,
  kAfterFeedForward,
  kQuery,  // before the rotation, of each head or (normed_together) of all
  kKey
};

struct DecoderLayout {
  struct Map {
    std::string_view name;
    Role role;
  };
  struct Norm {
    std::string_view name;
    NormPlace place;
  };
  std::string_view root;       // "model.": of everything but the head
  std::string_view embedding;  // full names, without ".weight"
  std::string_view positions;  // learned ones; "" = rotary
  std::string_view layers;     // "model.layers.", before the number
  std::string_view final_norm;
  std::string_view head = "lm_head";
  std::string_view head_alias;  // what some files call it
  std::vector<Map> maps;        // in the order of LinearSlots
  std::vector<Norm> norms;      // after them, in the order of Parameters()
  // kQkv gives query, key and value of one head after another; else all
  // queries, then all keys, then all values.
  bool qkv_by_head = false;
  // Norms of queries and keys are over all heads together.
  bool normed_together = false;
  // Files hold the maps' weights as [in, out].
  bool transposed_maps = false;
  // The pad token's embedding row takes no gradient as an input.
  bool masks_pad = true;
  // Ends of tensors that old files carry and nobody needs.
  std::vector<std::string_view> surplus;

  // Place in `maps` or `norms`; -1 if there is none.
  int64_t MapIndex(Role role) const;
  int64_t NormIndex(NormPlace place) const;
  std::string LayerName(int64_t layer, std::string_view part) const;
};

const DecoderLayout& LlamaLayout();
// Llama's, with a norm of each head's queries and keys.
const DecoderLayout& HeadNormLayout();
// Norms around attention and feed-forward; the second with norms of heads.
const DecoderLayout& SandwichLayout();
const DecoderLayout& SandwichHeadNormLayout();
// Norms behind attention and feed-forward, and of all queries and keys.
const DecoderLayout& AfterNormLayout();
// Llama's, with one map for queries, keys and values and one for gate and up.
const DecoderLayout& FusedPairsLayout();
// One map for queries, keys and values, learned positions, no gate.
const DecoderLayout& FusedLayout();
// One such map that goes head by head, rotary positions, no gate.
const DecoderLayout& FusedHeadsLayout();
// A map each, learned positions, no gate.
const DecoderLayout& LearnedLayout();

}  // namespace sft::model

#endif  // HARNESS_MODEL_FAMILIES_LAYOUT_H_
