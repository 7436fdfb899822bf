#include "harness/model/families/gguf_config.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "harness/core/status.h"
#include "harness/model/families/families.h"
#include "harness/model/families/gguf_families.h"
#include "harness/model/families/gguf_places.h"
#include "harness/model/families/rope_gguf.h"

namespace sft::model {
namespace {

// Behind the architecture's name.
struct WholeKey {
  const char* name;
  int64_t DecoderConfig::*value;
};
constexpr WholeKey kWholeKeys[] = {
    {".context_length", &DecoderConfig::max_positions},
    {".embedding_length", &DecoderConfig::width},
    {".block_count", &DecoderConfig::layers},
    {".feed_forward_length", &DecoderConfig::ffn_width},
    {".attention.head_count", &DecoderConfig::heads},
};
constexpr char kKvHeads[] = ".attention.head_count_kv";
constexpr char kKeyLength[] = ".attention.key_length";
constexpr char kValueLength[] = ".attention.value_length";
constexpr char kRotated[] = ".rope.dimension_count";
constexpr char kAttentionCap[] = ".attn_logit_softcapping";
constexpr char kFinalCap[] = ".final_logit_softcapping";
constexpr char kWindowKey[] = ".attention.sliding_window";
constexpr char kPattern[] = ".attention.sliding_window_pattern";
constexpr char kLocalTheta[] = ".rope.freq_base_swa";
constexpr char kParallel[] = ".use_parallel_residual";

struct ScaleKey {
  const char* name;
  double DecoderConfig::*value;
  double none;  // what is as if the key were not there
};
constexpr ScaleKey kScaleKeys[] = {
    {".embedding_scale", &DecoderConfig::embedding_scale, 1},
    {".attention.scale", &DecoderConfig::attention_scale, 0},
    {".residual_scale", &DecoderConfig::residual_scale, 1},
    {".logit_scale", &DecoderConfig::logit_divisor, 1},
};

const char* EpsilonKey(NormKind norm) {
  return norm == NormKind::kLayer ? ".attention.layer_norm_epsilon"
                                  : ".attention.layer_norm_rms_epsilon";
}

// What makes an architecture one of another kind, by any of its keys.
absl::Status RefuseOtherKinds(const formats::GgufFile& file,
                              const std::string& architecture) {
  struct Kind {
    const char* begin;
    const char* what;
  };
  constexpr Kind kKinds[] = {{".expert_", "a mixture of experts"},
                             {".ssm.", "a state-space model"},
                             {".wkv.", "a recurrent model"},
                             {".token_shift_count", "a recurrent model"}};
  for (const auto& [key, value] : file.metadata()) {
    for (const Kind& kind : kKinds) {
      if (!key.starts_with(architecture + kind.begin)) continue;
      const auto* count = std::get_if<int64_t>(&value);
      if (count != nullptr && *count == 0) continue;
      return InputError(
          file.path(),
          absl::StrCat("architecture \"", architecture, "\" is ", kind.what,
                       " (key ", key, "): these are not supported"));
    }
  }
  return absl::OkStatus();
}

// A family with what llama.cpp knows of it.
struct KnownFamily {
  const DecoderFamily* family = nullptr;
  const GgufFamily* gguf = nullptr;
};

// Of several families that llama.cpp reads alike, the one with windows where
// the file has one.
absl::StatusOr<KnownFamily> FamilyOfGguf(const formats::GgufFile& file,
                                         const std::string& architecture) {
  const bool has_window = file.Has(architecture + kWindowKey);
  KnownFamily found;
  std::vector<std::string_view> known;
  for (const GgufFamily& row : GgufFamilies()) {
    const DecoderFamily* family = FindFamily(row.family);
    if (family == nullptr) continue;
    if (known.empty() || known.back() != row.architecture) {
      known.push_back(row.architecture);
    }
    if (row.architecture != architecture) continue;
    const bool fits = (family->windows != WindowRule::kNone) == has_window;
    if (found.family == nullptr || fits) found = {family, &row};
  }
  if (found.family != nullptr) return found;
  SFT_RETURN_IF_ERROR(RefuseOtherKinds(file, architecture));
  std::string names;
  for (std::string_view name : known) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", ToAbsl(name));
  }
  return InputError(file.path(),
                    absl::StrCat("architecture \"", architecture,
                                 "\" is not supported, only ", names));
}

// rotates_share: a head may be rotated in part.
absl::Status ReadSizes(const formats::GgufFile& file,
                       const std::string& architecture, bool rotates_share,
                       DecoderConfig& c) {
  for (const WholeKey& key : kWholeKeys) {
    SFT_ASSIGN_OR_RETURN(c.*key.value,
                         file.Get<int64_t>(architecture + key.name));
  }
  c.kv_heads = c.heads;
  if (file.Has(architecture + kKvHeads)) {
    SFT_ASSIGN_OR_RETURN(c.kv_heads,
                         file.Get<int64_t>(architecture + kKvHeads));
  }
  c.head_width = c.heads > 0 && c.width % c.heads == 0 ? c.width / c.heads : 0;
  if (file.Has(architecture + kKeyLength)) {
    SFT_ASSIGN_OR_RETURN(c.head_width,
                         file.Get<int64_t>(architecture + kKeyLength));
  }
  for (const char* key : {kRotated, kValueLength}) {
    if (!file.Has(architecture + key)) continue;
    SFT_ASSIGN_OR_RETURN(int64_t value, file.Get<int64_t>(architecture + key));
    if (key == kRotated && rotates_share && value > 0 && c.head_width > 0) {
      const auto width = static_cast<double>(c.head_width);
      c.rotary_share = static_cast<double>(value) / width;
      // The quotient may be a little too small.
      if (c.RotaryWidth() < value) {
        c.rotary_share = std::nextafter(c.rotary_share, 2.0);
      }
    } else if (value != c.head_width) {
      return InputError(file.path(),
                        absl::StrCat("key ", architecture, key, ": ", value,
                                     " is not the head width ", c.head_width));
    }
  }
  SFT_ASSIGN_OR_RETURN(c.norm_epsilon,
                       file.Get<double>(architecture + EpsilonKey(c.norm)));
  if (file.Has(architecture + ".attention.causal")) {
    SFT_ASSIGN_OR_RETURN(const bool causal,
                         file.Get<bool>(architecture + ".attention.causal"));
    if (!causal) {
      return InputError(file.path(),
                        "is no decoder: its attention is not "
                        "causal");
    }
  }
  return absl::OkStatus();
}

// Which parts have a bias, and whether there is a head: by the tensors.
absl::Status ReadParts(const formats::GgufFile& file, DecoderConfig& c) {
  const auto bias_of = [](Role role) {
    return absl::StrCat("blk.0.", ToAbsl(GgufPart(role)), ".bias");
  };
  const std::string of_query = bias_of(Role::kQuery);
  const std::string of_qkv = bias_of(Role::kQkv);
  const std::string of_output = bias_of(Role::kOutput);
  const std::string of_up = bias_of(Role::kUp);
  c.attention_bias = c.output_bias = c.mlp_bias = false;
  c.tied_head = true;
  for (const formats::GgufTensor& tensor : file.tensors()) {
    const std::string& name = tensor.name;
    if (name == "token_embd.weight" && tensor.shape.size() == 2) {
      c.vocabulary = tensor.shape[0];
    }
    c.tied_head = c.tied_head && name != "output.weight";
    c.attention_bias = c.attention_bias || name == of_query || name == of_qkv;
    c.output_bias = c.output_bias || name == of_output;
    c.mlp_bias = c.mlp_bias || name == of_up;
  }
  if (c.vocabulary == 0) {
    return InputError(file.path(), "tensor token_embd.weight is missing");
  }
  return absl::OkStatus();
}

// c.layers is known to be sane.
absl::Status ReadGgufWindows(const formats::GgufFile& file,
                             const std::string& architecture,
                             const KnownFamily& known, DecoderConfig& c) {
  const DecoderFamily& family = *known.family;
  if (family.windows == WindowRule::kNone) return absl::OkStatus();
  if (file.Has(architecture + kWindowKey)) {
    SFT_ASSIGN_OR_RETURN(c.window,
                         file.Get<int64_t>(architecture + kWindowKey));
  } else if (!known.gguf->has_windows) {
    c.window = 0;
  }
  if (c.window == 0) return absl::OkStatus();
  const std::string key = architecture + kPattern;
  int64_t pattern = family.window_pattern;
  if (const auto layers = file.Get<std::vector<bool>>(key); layers.ok()) {
    if (static_cast<int64_t>(layers->size()) != c.layers) {
      return InputError(file.path(),
                        absl::StrCat("key ", key, " has ", layers->size(),
                                     " entries, wanted ", c.layers));
    }
    c.windowed = *layers;
  } else {
    if (file.Has(key)) {
      SFT_ASSIGN_OR_RETURN(pattern, file.Get<int64_t>(key));
      if (pattern < 0) {
        return InputError(file.path(), absl::StrCat("key ", key, ": ", pattern,
                                                    " is below 0"));
      }
    }
    for (int64_t i = 0; i < c.layers; ++i) {
      c.windowed.push_back(pattern == 0 || (i + 1) % pattern != 0);
    }
  }
  if (std::find(c.windowed.begin(), c.windowed.end(), true) ==
      c.windowed.end()) {
    c.windowed.clear();
  }
  return absl::OkStatus();
}

// What llama.cpp divides scores by the root of, where it reads no scale.
double QueryScalarOf(const GgufFamily& gguf, const DecoderConfig& c) {
  return c.layers == gguf.layers_scaled_by_width && c.heads > 0
             ? static_cast<double>(c.width / c.heads)
             : static_cast<double>(c.head_width);
}

// Which layers it does not rotate; empty where it rotates all.
std::vector<bool> UnrotatedOf(const GgufFamily& gguf, int64_t layers) {
  std::vector<bool> out;
  if (gguf.unrotated_every == 0 || layers < gguf.unrotated_every) return out;
  for (int64_t i = 1; i <= layers; ++i) {
    out.push_back(i % gguf.unrotated_every == 0);
  }
  return out;
}

// What llama.cpp computes a block's way, whatever the file says; "" if that is
// the model's.
std::string OtherBlock(const DecoderFamily& family, const GgufFamily& gguf,
                       const DecoderConfig& c) {
  const Activation own = family.defaults.activation;
  const bool is_gelu = c.activation == Activation::kGelu ||
                       c.activation == Activation::kGeluTanh;
  const bool takes_gelu =
      own == Activation::kGelu || own == Activation::kGeluTanh;
  if (c.activation != own && !(is_gelu && takes_gelu)) {
    return "has another activation in this family";
  }
  if (c.attention_bias && c.output_bias && !gguf.output_bias) {
    return "knows no bias of the output of attention in this family";
  }
  if (c.mlp_bias && !gguf.mlp_bias) {
    return "knows no biases of the feed-forward maps in this family";
  }
  if (c.unrotated != UnrotatedOf(gguf, c.layers)) {
    return absl::StrCat("rotates every layer but each ", gguf.unrotated_every,
                        "th, the model others");
  }
  if (!gguf.has_scales && (c.residual_scale != 1 || c.logit_divisor != 1 ||
                           c.attention_scale != 0)) {
    return "knows no scales in this family";
  }
  return "";
}

}  // namespace

absl::StatusOr<DecoderConfig> ConfigFromGguf(const formats::GgufFile& file) {
  SFT_ASSIGN_OR_RETURN(const std::string architecture,
                       file.Get<std::string>("general.architecture"));
  SFT_ASSIGN_OR_RETURN(const KnownFamily known,
                       FamilyOfGguf(file, architecture));
  const DecoderFamily* family = known.family;
  SFT_RETURN_IF_ERROR(RefuseOtherKinds(file, architecture));
  DecoderConfig c = family->defaults;
  SFT_RETURN_IF_ERROR(
      ReadSizes(file, architecture, family->keys.rotary_share != nullptr, c));
  SFT_RETURN_IF_ERROR(ReadParts(file, c));
  const auto real = [&](const char* name, double& value) -> absl::Status {
    if (!file.Has(architecture + name)) return absl::OkStatus();
    SFT_ASSIGN_OR_RETURN(value, file.Get<double>(architecture + name));
    return absl::OkStatus();
  };
  const bool rotates = c.layout->positions.empty();
  if (rotates) SFT_RETURN_IF_ERROR(real(".rope.freq_base", c.rope_theta));
  if (c.local_rope_theta > 0) {
    SFT_RETURN_IF_ERROR(real(kLocalTheta, c.local_rope_theta));
  }
  if (family->has_query_scalar) {
    SFT_RETURN_IF_ERROR(real(kAttentionCap, c.attention_softcap));
    SFT_RETURN_IF_ERROR(real(kFinalCap, c.final_softcap));
    c.query_scalar = QueryScalarOf(*known.gguf, c);
  }
  for (const ScaleKey& key : kScaleKeys) {
    if (!known.gguf->has_scales) break;
    SFT_RETURN_IF_ERROR(real(key.name, c.*key.value));
  }
  if (known.gguf->has_parallel) {
    SFT_ASSIGN_OR_RETURN(c.parallel, file.Get<bool>(architecture + kParallel));
  }
  if (family->scales_embedding && c.width > 0) {
    c.embedding_scale = std::sqrt(static_cast<double>(c.width));
  }
  const auto token = [&](const char* key) -> std::optional<int64_t> {
    if (auto id = file.Get<int64_t>(key); id.ok()) return *id;
    return std::nullopt;
  };
  c.bos = token("tokenizer.ggml.bos_token_id");
  c.pad = token("tokenizer.ggml.padding_token_id");
  if (auto eos = token("tokenizer.ggml.eos_token_id")) c.eos.push_back(*eos);
  SFT_RETURN_IF_ERROR(CheckConfig(file.path(), c));
  // Only now are the numbers of layers and heads known to be sane.
  c.unrotated = UnrotatedOf(*known.gguf, c.layers);
  SFT_RETURN_IF_ERROR(ReadGgufWindows(file, architecture, known, c));
  if (rotates) SFT_RETURN_IF_ERROR(ReadGgufRope(file, architecture, c));
  SFT_RETURN_IF_ERROR(CheckConfig(file.path(), c));
  return c;
}

absl::StatusOr<GgufMetadata> GgufMetadataOf(const std::string& where,
                                            const DecoderConfig& c) {
  const DecoderFamily* family = FindFamily(c.family);
  const auto refuse = [&](const std::string& what) {
    return InputError(where, absl::StrCat("llama.cpp ", what,
                                          ": this model cannot be exported"));
  };
  const GgufFamily* row = FindGgufFamily(c.family);
  if (family == nullptr || row == nullptr) {
    return refuse(absl::StrCat("knows no ", c.family));
  }
  const GgufFamily& gguf = *row;
  const std::string architecture(gguf.architecture);
  GgufMetadata out;
  formats::GgufKeys& keys = out.keys;
  keys.Text("general.architecture", architecture);
  keys.Text("general.type", "model");
  keys.Whole("general.quantization_version", 2);
  keys.Whole(architecture + ".vocab_size", c.vocabulary);
  for (const WholeKey& key : kWholeKeys) {
    keys.Whole(architecture + key.name, c.*key.value);
  }
  keys.Whole(architecture + kKvHeads, c.kv_heads);
  keys.Whole(architecture + kKeyLength, c.head_width);
  keys.Whole(architecture + kValueLength, c.head_width);
  keys.Real(architecture + EpsilonKey(c.norm), c.norm_epsilon);
  if (c.layout->positions.empty()) {
    keys.Whole(architecture + kRotated, c.RotaryWidth());
    SFT_RETURN_IF_ERROR(WriteGgufRope(where, architecture, c, keys));
  }
  if (family->has_query_scalar) {
    if (c.query_scalar != QueryScalarOf(gguf, c)) {
      return refuse(absl::StrCat("divides scores by the root of ",
                                 QueryScalarOf(gguf, c),
                                 ", the model by "
                                 "that of ",
                                 c.query_scalar));
    }
    if (c.attention_softcap != 0) {
      keys.Real(architecture + kAttentionCap, c.attention_softcap);
    } else if (family->defaults.attention_softcap != 0) {
      return refuse("caps attention, the model does not");
    }
    keys.Real(architecture + kFinalCap, c.final_softcap);
  }
  if (const std::string other = OtherBlock(*family, gguf, c); !other.empty()) {
    return refuse(other);
  }
  if (gguf.has_parallel) keys.Flag(architecture + kParallel, c.parallel);
  for (const ScaleKey& key : kScaleKeys) {
    if (gguf.has_scales && c.*key.value != key.none) {
      keys.Real(architecture + key.name, c.*key.value);
    }
  }
  if (c.activation == Activation::kGelu) {
    out.notes.emplace_back(
        "llama.cpp approximates GELU by tanh: its logits differ in the third "
        "digit");
  }
  if (c.rope_scaling.type == RopeType::kLongRope) {
    out.notes.emplace_back(
        "llama.cpp takes the long factors of longrope by the size of its "
        "context, not by a text's length");
  }
  if (!c.tied_head && gguf.tied_head == GgufFamily::TiedHead::kAlways) {
    return refuse("takes the embedding for the head, the model has another");
  }
  out.writes_head =
      c.tied_head && gguf.tied_head == GgufFamily::TiedHead::kWrittenTwice;
  if (!c.windowed.empty()) {
    keys.Whole(architecture + kWindowKey, c.window);
    keys.Flags(architecture + kPattern, c.windowed);
    if (!gguf.has_windows && c.window < c.max_positions) {
      out.notes.push_back(
          absl::StrCat("llama.cpp gives this family no window: beyond ",
                       c.window, " tokens it computes something else"));
    }
  } else if (gguf.has_windows) {
    // Without keys it would take some for granted.
    keys.Whole(architecture + kWindowKey, c.max_positions);
    keys.Flags(architecture + kPattern,
               std::vector<bool>(static_cast<size_t>(c.layers), false));
  }
  return out;
}

}  // namespace sft::model
