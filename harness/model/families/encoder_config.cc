#include "harness/model/families/encoder_config.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "harness/core/status.h"
#include "harness/formats/json.h"
#include "harness/formats/json_fields.h"
#include "harness/model/families/activation_names.h"
#include "harness/model/families/encoder_families.h"
#include "harness/model/families/encoder_places.h"

namespace sft::model {
namespace {

constexpr int kMaxDepth = 32;

// nullopt where the key is absent.
absl::StatusOr<std::optional<Activation>> ReadActivation(
    const formats::JsonFields& fields, const char* key) {
  const nlohmann::json* value = fields.Find(key);
  if (value == nullptr) return std::nullopt;
  std::string names;
  for (const ActivationName& row : kActivationNames) {
    if (*value == row.name) return row.activation;
    absl::StrAppend(&names, names.empty() ? "" : ", ", row.name);
  }
  return fields.Wrong(key, absl::StrCat("supported, only ", names).c_str());
}

const char* NameOf(Activation activation) {
  for (const ActivationName& row : kActivationNames) {
    if (row.activation == activation) return row.name;
  }
  return "";
}

// What the row says of keys that may have one value alone.
absl::Status CheckFixed(const EncoderFamily& family,
                        const formats::JsonFields& fields) {
  SFT_RETURN_IF_ERROR(fields.Supported(family.only));
  SFT_RETURN_IF_ERROR(fields.Supported(family.always));
  for (const formats::OnlyValue& one : family.always) {
    if (fields.Find(one.key) != nullptr) continue;
    return fields.Wrong(one.key, one.value);  // is missing
  }
  return absl::OkStatus();
}

// The width of the tables, and keys that repeat the blocks'.
absl::Status ReadWidths(const EncoderFamily& family,
                        const formats::JsonFields& fields, EncoderConfig& c) {
  SFT_RETURN_IF_ERROR(fields.Int(family.width, c.width));
  if (family.embedding_width == nullptr) {
    c.embedding_width = c.width;
  } else if (fields.Find(family.embedding_width) != nullptr) {
    SFT_RETURN_IF_ERROR(fields.Int(family.embedding_width, c.embedding_width));
  }
  for (const char* key : family.same_width) {
    const nlohmann::json* value = fields.Find(key);
    if (value == nullptr || *value == c.width) continue;
    return fields.Wrong(
        key, absl::StrCat("supported, only the width ", c.width).c_str());
  }
  return absl::OkStatus();
}

absl::Status ReadPooling(const EncoderFamily& family,
                         const formats::JsonFields& fields, EncoderConfig& c) {
  if (family.pooling == nullptr || fields.Find(family.pooling) == nullptr) {
    return absl::OkStatus();
  }
  const nlohmann::json& value = *fields.Find(family.pooling);
  if (value != "cls" && value != "mean") {
    return fields.Wrong(family.pooling, "cls or mean");
  }
  c.mean_pooling = value == "mean";
  return absl::OkStatus();
}

// "id2label": {"0": "NEGATIVE", ...}, else "num_labels"; two if neither.
absl::Status ReadLabels(const formats::JsonFields& fields, EncoderConfig& c) {
  int64_t classes = 2;
  if (fields.Find("num_labels") != nullptr) {
    SFT_RETURN_IF_ERROR(fields.Int("num_labels", classes));
    if (classes < 1 || classes > kMaxClasses) {
      return fields.Wrong("num_labels", "a number of classes");
    }
  }
  const nlohmann::json* names = fields.Find("id2label");
  if (names != nullptr) {
    if (!names->is_object() || names->empty() || names->size() > kMaxClasses) {
      return fields.Wrong("id2label", "an object of one label a class");
    }
    classes = static_cast<int64_t>(names->size());
  }
  for (int64_t i = 0; i < classes; ++i) {
    c.labels.push_back(absl::StrCat("LABEL_", i));
    if (names == nullptr) continue;
    auto found = names->find(absl::StrCat(i));
    if (found == names->end() || !found->is_string()) {
      return fields.Wrong("id2label", "numbered from 0 on");
    }
    c.labels.back() = found->get<std::string>();
  }
  return absl::OkStatus();
}

// What "problem_type" calls the results of rows.
struct Problem {
  const char* name;
  HeadKind head;
};
constexpr Problem kProblems[] = {
    {"single_label_classification", HeadKind::kSequence},
    {"multi_label_classification", HeadKind::kLabels},
    {"regression", HeadKind::kValue}};

// The head is the one of the class that wrote the file, where it is known here.
absl::Status ReadHead(const formats::JsonFields& fields, EncoderConfig& c) {
  const nlohmann::json* architectures = fields.Find("architectures");
  const nlohmann::json* problem = fields.Find("problem_type");
  const Problem* known = std::find_if(
      std::begin(kProblems), std::end(kProblems), [&](const Problem& row) {
        return problem != nullptr && *problem == row.name;
      });
  if (architectures == nullptr ||
      (problem != nullptr && known == std::end(kProblems))) {
    return absl::OkStatus();
  }
  for (const EncoderHead& head : c.layout->heads) {
    if (*architectures != nlohmann::json::array({head.architecture})) continue;
    c.head = head.kind;
    SFT_RETURN_IF_ERROR(ReadLabels(fields, c));
    if (ReadsRows(c.head) && problem != nullptr) c.head = known->head;
    // As in transformers, one output is a number.
    if (ReadsRows(c.head) && problem == nullptr && c.labels.size() == 1) {
      c.head = HeadKind::kValue;
    }
    if (c.head == HeadKind::kValue && c.labels.size() != 1) {
      return fields.Wrong("id2label", "one: a head of several numbers");
    }
    if (c.head == HeadKind::kSpan && c.labels.size() != 2) {
      return fields.Wrong("id2label", "two: first and last token");
    }
  }
  return absl::OkStatus();
}

// Ids are hints, but for the pad token's, on which positions may depend.
absl::Status ReadTokenIds(const std::string& where,
                          const formats::JsonFields& fields, EncoderConfig& c) {
  auto token = [&](const char* key, std::optional<int64_t>& out) {
    const nlohmann::json* value = fields.Find(key);
    if (value != nullptr && value->is_number_integer()) {
      out = value->get<int64_t>();
    } else if (fields.Has(key)) {
      out.reset();
    }
  };
  token("bos_token_id", c.bos);
  token("eos_token_id", c.eos);
  token("pad_token_id", c.pad);
  if (c.positions_skip_pad && !c.pad) {
    return fields.Wrong("pad_token_id", "an id, from which positions count");
  }
  if (c.pad && (*c.pad < 0 || *c.pad >= c.vocabulary)) {
    return InputError(where, absl::StrCat("pad_token_id ", *c.pad,
                                          " is not in the vocabulary"));
  }
  return absl::OkStatus();
}

absl::Status CheckSizes(const std::string& where, const EncoderConfig& c) {
  struct Bound {
    const char* name;
    int64_t value;
    int64_t max;
  };
  for (const Bound& bound : std::initializer_list<Bound>{
           {"number of layers", c.layers, 4096},
           {"width", c.width, 1 << 20},
           {"width of the embedding", c.embedding_width, 1 << 20},
           {"number of heads", c.heads, 1 << 16},
           {"ffn width", c.ffn_width, kMaxSize},
           {"vocabulary", c.vocabulary, kMaxSize},
           {"number of positions", c.position_rows, kMaxSize}}) {
    if (bound.value < 1 || bound.value > bound.max) {
      return InputError(where, absl::StrCat(bound.name, " ", bound.value,
                                            " is not from 1 to ", bound.max));
    }
  }
  if (!c.layout->token_types.empty() &&
      (c.token_types < 1 || c.token_types > 1024)) {
    return InputError(where,
                      absl::StrCat("number of token types ", c.token_types,
                                   " is not from 1 to 1024"));
  }
  if (c.width % c.heads != 0) {
    return InputError(
        where, absl::StrCat("width ", c.width, " is no multiple of ", c.heads,
                            " heads"));
  }
  if (c.layout->rotates() && c.head_width() % 2 != 0) {
    return InputError(where, absl::StrCat("head width ", c.head_width(),
                                          " is odd and cannot be rotated"));
  }
  if (!(c.norm_epsilon > 0 && c.norm_epsilon < 1)) {
    return InputError(where, absl::StrCat("norm epsilon ", c.norm_epsilon,
                                          " is not between 0 and 1"));
  }
  return absl::OkStatus();
}

const EncoderFamily* FamilyOf(const nlohmann::json& object) {
  auto type = object.find("model_type");
  if (type == object.end() || !type->is_string()) return nullptr;
  return FindEncoderFamily(type->get<std::string>());
}

}  // namespace

std::pair<int64_t, int64_t> EncoderConfig::MapSize(Role role) const {
  switch (role) {
    case Role::kQkv:
      return {3 * width, width};
    case Role::kUp:
      return {ffn_width, width};
    case Role::kGateUp:
      return {2 * ffn_width, width};
    case Role::kDown:
      return {width, ffn_width};
    default:
      return {width, width};
  }
}

int64_t EncoderLayout::MapIndex(Role role) const {
  for (size_t i = 0; i < maps.size(); ++i) {
    if (maps[i].role == role) return static_cast<int64_t>(i);
  }
  return -1;
}

std::string EncoderLayout::LayerName(int64_t layer,
                                     std::string_view part) const {
  return absl::StrCat(ToAbsl(layers), layer, ".", ToAbsl(part));
}

const EncoderHead* EncoderLayout::FindHead(HeadKind kind) const {
  for (const EncoderHead& head : heads) {
    if (head.kind == kind) return &head;
    if (ReadsRows(head.kind) && ReadsRows(kind)) return &head;
  }
  return nullptr;
}

bool IsKnownProblem(std::string_view name) {
  return std::any_of(std::begin(kProblems), std::end(kProblems),
                     [&](const Problem& row) { return row.name == name; });
}

bool IsEncoderConfig(const std::string& text) {
  const absl::StatusOr<nlohmann::json> object =
      formats::ParseJsonObject("", text, kMaxDepth);
  return object.ok() && FamilyOf(*object) != nullptr;
}

absl::StatusOr<EncoderConfig> EncoderConfigFromJson(const std::string& where,
                                                    const std::string& text) {
  SFT_ASSIGN_OR_RETURN(nlohmann::json object,
                       formats::ParseJsonObject(where, text, kMaxDepth));
  const formats::JsonFields fields(where, object);
  const EncoderFamily* family = FamilyOf(object);
  if (family == nullptr) {
    return fields.Wrong("model_type", "an encoder's");
  }
  SFT_RETURN_IF_ERROR(CheckFixed(*family, fields));
  EncoderConfig c = family->defaults;
  SFT_RETURN_IF_ERROR(fields.Int(family->layers, c.layers));
  SFT_RETURN_IF_ERROR(ReadWidths(*family, fields, c));
  SFT_RETURN_IF_ERROR(fields.Int(family->heads, c.heads));
  SFT_RETURN_IF_ERROR(fields.Int(family->ffn_width, c.ffn_width));
  SFT_RETURN_IF_ERROR(fields.Int("vocab_size", c.vocabulary));
  SFT_RETURN_IF_ERROR(fields.Int("max_position_embeddings", c.position_rows));
  if (family->token_types != nullptr) {
    SFT_RETURN_IF_ERROR(fields.Int(family->token_types, c.token_types));
  }
  if (family->norm_epsilon != nullptr &&
      fields.Find(family->norm_epsilon) != nullptr) {
    SFT_RETURN_IF_ERROR(fields.Real(family->norm_epsilon, c.norm_epsilon));
  }
  SFT_ASSIGN_OR_RETURN(const auto activation,
                       ReadActivation(fields, family->activation));
  c.activation = activation.value_or(c.activation);
  if (family->head_activation != nullptr) {
    SFT_ASSIGN_OR_RETURN(c.head_activation,
                         ReadActivation(fields, family->head_activation));
  }
  SFT_RETURN_IF_ERROR(ReadPooling(*family, fields, c));
  SFT_RETURN_IF_ERROR(CheckSizes(where, c));
  SFT_RETURN_IF_ERROR(ReadPlaces(fields, c));
  SFT_RETURN_IF_ERROR(ReadTokenIds(where, fields, c));
  if (c.max_positions() < 1) {
    return InputError(where,
                      absl::StrCat("pad_token_id ", *c.pad, " leaves none of ",
                                   c.position_rows, " positions"));
  }
  SFT_RETURN_IF_ERROR(ReadHead(fields, c));
  return c;
}

std::string EncoderConfigToJson(const EncoderConfig& c,
                                const std::string& dtype) {
  const EncoderFamily& family = *FindEncoderFamily(c.family);
  nlohmann::ordered_json out;
  const EncoderHead* head = c.layout->FindHead(c.head);
  out["architectures"] = {std::string(head == nullptr ? c.layout->architecture
                                                      : head->architecture)};
  out["model_type"] = std::string(family.name);
  out["vocab_size"] = c.vocabulary;
  out[family.width] = c.width;
  out[family.ffn_width] = c.ffn_width;
  out[family.layers] = c.layers;
  out[family.heads] = c.heads;
  out["max_position_embeddings"] = c.position_rows;
  if (family.token_types != nullptr) out[family.token_types] = c.token_types;
  if (family.norm_epsilon != nullptr) {
    out[family.norm_epsilon] = c.norm_epsilon;
  }
  out[family.activation] = NameOf(c.activation);
  if (family.head_activation != nullptr && c.head_activation) {
    out[family.head_activation] = NameOf(*c.head_activation);
  }
  if (family.embedding_width != nullptr) {
    out[family.embedding_width] = c.embedding_width;
  }
  if (family.pooling != nullptr) {
    out[family.pooling] = c.mean_pooling ? "mean" : "cls";
  }
  for (const auto* fixed : {&family.only, &family.always}) {
    for (const formats::OnlyValue& only : *fixed) {
      out[only.key] = nlohmann::ordered_json::parse(only.value);
    }
  }
  WritePlaces(c, out);
  auto id = [](const std::optional<int64_t>& token) {
    return token ? nlohmann::ordered_json(*token) : nlohmann::ordered_json();
  };
  out["bos_token_id"] = id(c.bos);
  out["eos_token_id"] = id(c.eos);
  out["pad_token_id"] = id(c.pad);
  if (!c.labels.empty()) {
    nlohmann::ordered_json names, numbers;
    for (size_t i = 0; i < c.labels.size(); ++i) {
      names[absl::StrCat(i)] = c.labels[i];
      numbers[c.labels[i]] = i;
    }
    out["id2label"] = names;
    out["label2id"] = numbers;
  }
  for (const Problem& row : kProblems) {
    if (row.head == c.head) out["problem_type"] = row.name;
  }
  out["torch_dtype"] = dtype;
  out["dtype"] = dtype;
  return out.dump(2) + "\n";
}

std::vector<ParameterShape> EncoderParameters(const EncoderConfig& c) {
  const EncoderLayout& layout = *c.layout;
  std::vector<ParameterShape> out;
  auto add = [&](std::string_view name, int64_t rows, int64_t columns,
                 bool bias = true) {
    out.push_back({WeightName(name), {rows, columns}});
    if (bias) out.push_back({BiasName(name), {rows}});
  };
  auto add_table = [&](std::string_view name, int64_t rows, int64_t columns) {
    if (!name.empty()) add(name, rows, columns, /*bias=*/false);
  };
  auto add_norm = [&](std::string_view name, int64_t width) {
    if (name.empty()) return;
    out.push_back({WeightName(name), {width}});
    if (layout.norm_biases) out.push_back({BiasName(name), {width}});
  };
  add_table(layout.embedding, c.vocabulary, c.embedding_width);
  add_table(layout.positions, c.position_rows, c.embedding_width);
  add_table(layout.token_types, c.token_types, c.embedding_width);
  add_norm(layout.embedding_norm, c.embedding_width);
  if (c.projects()) add(layout.projection, c.width, c.embedding_width);
  add_table(layout.distances, c.distance_rows(), c.width);
  add_norm(layout.distances_norm, c.width);
  for (int64_t layer = 0; layer < c.layers; ++layer) {
    for (const EncoderLayout::Map& map : layout.maps) {
      const auto [rows, columns] = c.MapSize(map.role);
      add(layout.LayerName(layer, map.name), rows, columns, layout.map_biases);
    }
    if (layout.HasAttentionNorm(layer)) {
      add_norm(layout.LayerName(layer, layout.attention_norm), c.width);
    }
    add_norm(layout.LayerName(layer, layout.feedforward_norm), c.width);
  }
  add_norm(layout.final_norm, c.width);
  if (c.pooler) {
    add(layout.pooler, c.width, c.width, layout.map_biases);
    add_norm(layout.pooler_norm, c.width);
  }
  if (const EncoderHead* head = layout.FindHead(c.head)) {
    if (!head->dense.empty() && head->dense != layout.pooler) {
      add(head->dense, c.width, c.width);
    }
    add(head->out, static_cast<int64_t>(c.labels.size()), c.width);
  }
  return out;
}

}  // namespace sft::model
