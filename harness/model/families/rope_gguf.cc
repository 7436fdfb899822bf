#include "harness/model/families/rope_gguf.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/core/status.h"
#include "harness/model/families/rope_config.h"

namespace sft::model {
namespace {

constexpr char kRopeDivisors[] = "rope_freqs.weight";
constexpr char kShortDivisors[] = "rope_factors_short.weight";
constexpr char kLongDivisors[] = "rope_factors_long.weight";

// What divides the angles under llama3, as llama.cpp's converter writes it.
std::vector<double> Llama3Divisors(const RopeScaling& s, int64_t rotated,
                                   double theta) {
  std::vector<double> out;
  for (int64_t i = 0; i < rotated / 2; ++i) {
    const double wavelength = 2 * M_PI *
                              std::pow(theta, 2.0 * static_cast<double>(i) /
                                                  static_cast<double>(rotated));
    const double low = s.low_frequency_factor, high = s.high_frequency_factor;
    if (wavelength < s.original_positions / high) {
      out.push_back(1);
    } else if (wavelength > s.original_positions / low) {
      out.push_back(s.factor);
    } else {
      const double smooth =
          (s.original_positions / wavelength - low) / (high - low);
      out.push_back(1 / ((1 - smooth) / s.factor + smooth));
    }
  }
  return out;
}

absl::StatusOr<double> RealAt(const formats::GgufFile& file,
                              const std::string& key, double fallback) {
  if (!file.Has(key)) return fallback;
  SFT_ASSIGN_OR_RETURN(const double value, file.Get<double>(key));
  if (value >= 0 && std::isfinite(value)) return value;
  return InputError(file.path(), absl::StrCat("key ", key, ": ", value,
                                              " is no number from 0 on"));
}

const formats::GgufTensor* FindRope(const formats::GgufFile& file,
                                    const char* name) {
  for (const formats::GgufTensor& tensor : file.tensors()) {
    if (tensor.name == name) return &tensor;
  }
  return nullptr;
}

absl::StatusOr<std::vector<float>> ValuesOf(const formats::GgufFile& file,
                                            const formats::GgufTensor& tensor,
                                            const DecoderConfig& c) {
  const int64_t half = c.RotaryWidth() / 2;
  if (tensor.type == nullptr || tensor.shape != std::vector<int64_t>{half} ||
      tensor.type->block_elements != 1) {
    return InputError(file.path(),
                      absl::StrCat("tensor ", tensor.name, ": wanted ", half,
                                   " numbers, half of what is rotated"));
  }
  std::vector<float> values(static_cast<size_t>(half));
  tensor.type->to_float(tensor.data, half, values.data());
  for (float value : values) {
    if (!(value > 0 && std::isfinite(value))) {
      return InputError(file.path(),
                        absl::StrCat("tensor ", tensor.name, " holds ", value));
    }
  }
  return values;
}

// The numbers of llama3 that give these divisors: the tensor is all that the
// file keeps of them.
absl::Status ReadDivisors(const formats::GgufFile& file,
                          const formats::GgufTensor& tensor, double original,
                          DecoderConfig& c) {
  SFT_ASSIGN_OR_RETURN(const std::vector<float> divisors,
                       ValuesOf(file, tensor, c));
  RopeScaling s;
  s.type = RopeType::kLlama3;
  s.factor = *std::max_element(divisors.begin(), divisors.end());
  std::vector<double> lengths = {8192};
  if (original > 0) lengths.insert(lengths.begin(), original);
  for (int power = 4; power <= 20; ++power) lengths.push_back(1 << power);
  for (double length : lengths) {
    s.original_positions = length;
    const std::vector<double> wanted =
        Llama3Divisors(s, c.RotaryWidth(), c.rope_theta);
    const bool fits = std::equal(
        wanted.begin(), wanted.end(), divisors.begin(),
        [](double a, float b) { return std::abs(a - b) < 1e-4 * a; });
    if (!fits) continue;
    if (s.factor > 1) c.rope_scaling = s;
    return absl::OkStatus();
  }
  return InputError(file.path(),
                    absl::StrCat("tensor ", kRopeDivisors,
                                 ": its divisors are not those of llama3 rope "
                                 "scaling, the only ones supported"));
}

// llama.cpp's keys name neither kind nor factor where the tensors are.
absl::Status ReadLongDivisors(const formats::GgufFile& file, double original,
                              double attention, DecoderConfig& c) {
  RopeScaling s;
  s.type = RopeType::kLongRope;
  s.original_positions =
      original > 0 ? original : static_cast<double>(c.max_positions);
  s.factor = static_cast<double>(c.max_positions) / s.original_positions;
  s.attention_factor = attention;
  struct Part {
    const char* name;
    std::vector<double>& factors;
  };
  for (const Part& part : {Part{kShortDivisors, s.short_factors},
                           Part{kLongDivisors, s.long_factors}}) {
    const formats::GgufTensor* tensor = FindRope(file, part.name);
    if (tensor == nullptr) {
      return InputError(file.path(),
                        absl::StrCat("tensor ", part.name, " is missing"));
    }
    SFT_ASSIGN_OR_RETURN(const std::vector<float> values,
                         ValuesOf(file, *tensor, c));
    part.factors.assign(values.begin(), values.end());
  }
  c.rope_scaling = std::move(s);
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadGgufRope(const formats::GgufFile& file,
                          const std::string& architecture, DecoderConfig& c) {
  const std::string rope = architecture + ".rope.";
  const auto real = [&](const char* key, double fallback) {
    return RealAt(file, rope + key, fallback);
  };
  SFT_ASSIGN_OR_RETURN(double factor, real("scaling.factor", 0));
  if (factor == 0) {
    SFT_ASSIGN_OR_RETURN(factor, real("scale_linear", 0));
  }
  // llama.cpp's default.
  std::string type = "linear";
  const std::string type_key = rope + "scaling.type";
  if (file.Has(type_key)) {
    SFT_ASSIGN_OR_RETURN(type, file.Get<std::string>(type_key));
  }
  double original = 0;
  const std::string original_key = rope + "scaling.original_context_length";
  if (file.Has(original_key)) {
    SFT_ASSIGN_OR_RETURN(const int64_t tokens, file.Get<int64_t>(original_key));
    original = static_cast<double>(tokens);
  }
  SFT_ASSIGN_OR_RETURN(const double attention, real("scaling.attn_factor", 1));
  const auto refuse = [&](const std::string& what) {
    return InputError(file.path(),
                      absl::StrCat("rope scaling ", what, " is not supported"));
  };
  if (FindRope(file, kShortDivisors) != nullptr ||
      FindRope(file, kLongDivisors) != nullptr) {
    return ReadLongDivisors(file, original, attention, c);
  }
  const formats::GgufTensor* divisors = FindRope(file, kRopeDivisors);
  const bool scales = factor > 1 && type != "none";
  if (type != "none" && type != "linear" && type != "yarn") {
    return refuse(absl::StrCat("\"", type, "\""));
  }
  if (factor != 0 && !(factor >= 1)) {
    return refuse(absl::StrCat("by the factor ", factor));
  }
  if (attention != 1 && !(scales && type == "yarn")) {
    return refuse(absl::StrCat("with attn_factor ", attention));
  }
  if (divisors != nullptr) {
    if (scales) return refuse(absl::StrCat(type, " with ", kRopeDivisors));
    return ReadDivisors(file, *divisors, original, c);
  }
  if (!scales) return absl::OkStatus();
  RopeScaling& s = c.rope_scaling;
  s.factor = factor;
  s.original_positions =
      original > 0 ? original : static_cast<double>(c.max_positions);
  if (type == "linear") {
    s.type = RopeType::kLinear;
    return absl::OkStatus();
  }
  s.type = RopeType::kYarn;
  s.attention_factor = attention * YarnAttentionFactor(factor, 1);
  SFT_ASSIGN_OR_RETURN(s.beta_fast, real("scaling.yarn_beta_fast", 32));
  SFT_ASSIGN_OR_RETURN(s.beta_slow, real("scaling.yarn_beta_slow", 1));
  for (const auto& [key, only] :
       {std::pair("scaling.yarn_ext_factor", 1.0),
        std::pair("scaling.yarn_attn_factor", 1.0),
        std::pair("scaling.yarn_log_multiplier", 0.0)}) {
    SFT_ASSIGN_OR_RETURN(const double value, real(key, only));
    if (value != only)
      return refuse(absl::StrCat("with ", rope, key, " ", value));
  }
  return absl::OkStatus();
}

absl::Status WriteGgufRope(const std::string& where,
                           const std::string& architecture,
                           const DecoderConfig& c, formats::GgufKeys& keys) {
  const std::string rope = architecture + ".rope.";
  keys.Real(rope + "freq_base", c.rope_theta);
  if (c.local_rope_theta > 0) {
    keys.Real(rope + "freq_base_swa", c.local_rope_theta);
  }
  const auto refuse = [&](const char* what) {
    return InputError(where, absl::StrCat("llama.cpp has no ", what,
                                          ": this model cannot be exported"));
  };
  if (c.local_rope_scaling.type != RopeType::kDefault) {
    return refuse("scaled rotary positions of layers with a window");
  }
  const RopeScaling& s = c.rope_scaling;
  if (s.original_positions > 0 && s.type != RopeType::kLinear) {
    keys.Whole(rope + "scaling.original_context_length",
               static_cast<int64_t>(s.original_positions));
  }
  switch (s.type) {
    case RopeType::kLinear:
      keys.Text(rope + "scaling.type", "linear");
      keys.Real(rope + "scaling.factor", s.factor);
      break;
    case RopeType::kYarn:
      if (!s.truncate) return refuse("yarn rope scaling without \"truncate\"");
      keys.Text(rope + "scaling.type", "yarn");
      keys.Real(rope + "scaling.factor", s.factor);
      keys.Real(rope + "scaling.attn_factor",
                s.attention_factor / YarnAttentionFactor(s.factor, 1));
      keys.Real(rope + "scaling.yarn_beta_fast", s.beta_fast);
      keys.Real(rope + "scaling.yarn_beta_slow", s.beta_slow);
      break;
    case RopeType::kDynamic:
      return refuse("dynamic rope scaling");
    case RopeType::kLongRope:
      keys.Text(rope + "scaling.type", "longrope");
      keys.Real(rope + "scaling.attn_factor", s.attention_factor);
      break;
    case RopeType::kLlama3:  // GgufRopeTensors()
    case RopeType::kDefault:
      break;
  }
  return absl::OkStatus();
}

std::vector<GgufRopeTensor> GgufRopeTensors(const DecoderConfig& c) {
  const RopeScaling& s = c.rope_scaling;
  const auto narrow = [](const std::vector<double>& values) {
    return std::vector<float>(values.begin(), values.end());
  };
  if (s.type == RopeType::kLlama3) {
    return {{kRopeDivisors,
             narrow(Llama3Divisors(s, c.RotaryWidth(), c.rope_theta))}};
  }
  if (s.type == RopeType::kLongRope) {
    return {{kShortDivisors, narrow(s.short_factors)},
            {kLongDivisors, narrow(s.long_factors)}};
  }
  return {};
}

bool IsGgufRope(const std::string& name) {
  return name == kRopeDivisors || name == kShortDivisors ||
         name == kLongDivisors;
}

}  // namespace sft::model
