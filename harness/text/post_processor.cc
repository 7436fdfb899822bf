// See post_processor.h. Semantics: `tokenizers` 0.23, processors/*.rs.
#include "harness/text/post_processor.h"

#include <utility>
#include <vector>

#include "harness/core/status.h"
#include "harness/formats/json_fields.h"

namespace sft::text {
namespace {

using nlohmann::json;
using Ids = std::vector<int32_t>;

constexpr char kWhat[] = "post_processor";
constexpr int kMaxNesting = 16;

// `id` as the id of `token`, checked against the vocabulary.
absl::StatusOr<int32_t> CheckedId(const std::string& token, const json& id,
                                  const TokenIdFn& id_of,
                                  const std::string& file) {
  const std::optional<int32_t> known = id_of(token);
  if (!known.has_value()) {
    return InputError(file, absl::StrCat(kWhat, ": token \"", token,
                                         "\" is not in the vocabulary"));
  }
  if (!id.is_number_integer() || id != *known) {
    return InputError(file, absl::StrCat(kWhat, ": token \"", token,
                                         "\" has id ", id.dump().substr(0, 20),
                                         ", in the vocabulary it is ", *known));
  }
  return *known;
}

// ["[SEP]", 102]
absl::StatusOr<int32_t> PairField(const json& config, const char* name,
                                  const TokenIdFn& id_of,
                                  const std::string& file) {
  const json* field = formats::FindField(config, name);
  if (field == nullptr || !field->is_array() || field->size() != 2 ||
      !(*field)[0].is_string()) {
    return InputError(
        file, absl::StrCat(kWhat, ": \"", name, "\" must be [token, id]"));
  }
  return CheckedId((*field)[0].get<std::string>(), (*field)[1], id_of, file);
}

// One entry of a template: special tokens, or the text A or B.
struct TemplatePart {
  Ids ids;
  char sequence = 0;
  int64_t type = 0;
};

absl::StatusOr<Ids> IdsOfSpecial(const json& config, const std::string& name,
                                 const TokenIdFn& id_of,
                                 const std::string& file) {
  const json* all = formats::FindField(config, "special_tokens");
  const json* special = all != nullptr && all->is_object()
                            ? formats::FindField(*all, name.c_str())
                            : nullptr;
  if (special == nullptr || !special->is_object()) {
    return InputError(
        file, absl::StrCat(kWhat, ": \"", name, "\" is not in special_tokens"));
  }
  SFT_ASSIGN_OR_RETURN(const json* ids,
                       formats::ArrayField(*special, "ids", file));
  SFT_ASSIGN_OR_RETURN(const json* tokens,
                       formats::ArrayField(*special, "tokens", file));
  if (ids->size() != tokens->size()) {
    return InputError(file,
                      absl::StrCat(kWhat, ": \"", name, "\" has ", ids->size(),
                                   " ids for ", tokens->size(), " tokens"));
  }
  Ids out;
  for (size_t i = 0; i < ids->size(); ++i) {
    if (!(*tokens)[i].is_string()) {
      return InputError(file, absl::StrCat(kWhat, ": a token of \"", name,
                                           "\" is no string"));
    }
    SFT_ASSIGN_OR_RETURN(
        const int32_t id,
        CheckedId((*tokens)[i].get<std::string>(), (*ids)[i], id_of, file));
    out.push_back(id);
  }
  return out;
}

absl::StatusOr<std::vector<TemplatePart>> TemplateParts(
    const json& config, const char* name, const TokenIdFn& id_of,
    const std::string& file) {
  SFT_ASSIGN_OR_RETURN(const json* list,
                       formats::ArrayField(config, name, file));
  std::vector<TemplatePart> parts;
  for (const json& item : *list) {
    const json* special = formats::FindField(item, "SpecialToken");
    const json* sequence = formats::FindField(item, "Sequence");
    const json* either = special != nullptr ? special : sequence;
    if (either == nullptr || !either->is_object()) {
      return InputError(file, absl::StrCat(kWhat, ": an entry of \"", name,
                                           "\" is neither SpecialToken nor "
                                           "Sequence"));
    }
    SFT_ASSIGN_OR_RETURN(const std::string id,
                         formats::StringField(*either, "id", "", file));
    TemplatePart part;
    SFT_ASSIGN_OR_RETURN(part.type,
                         formats::IntField(*either, "type_id", 0, file));
    if (special != nullptr) {
      SFT_ASSIGN_OR_RETURN(part.ids, IdsOfSpecial(config, id, id_of, file));
    } else if (id == "A" || id == "B") {
      part.sequence = id[0];
    } else {
      return InputError(
          file, absl::StrCat(kWhat, ": Sequence \"", id, "\" is not A or B"));
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

// Tokens between the texts: `where` 0 before A, 1 behind A, 2 behind B. False
// if A and B are not there once each, in this order.
bool Between(const std::vector<TemplatePart>& parts, bool pair, Ids (&out)[3]) {
  int where = 0;
  for (const TemplatePart& part : parts) {
    if (part.sequence == 0) {
      out[where].insert(out[where].end(), part.ids.begin(), part.ids.end());
      continue;
    }
    if (part.sequence != (where == 0 ? 'A' : 'B') || where == 2) return false;
    ++where;
  }
  return where == (pair ? 2 : 1);
}

// nullopt where the templates are of another form than InputLayout's.
std::optional<InputLayout> LayoutOf(const std::vector<TemplatePart>& single,
                                    const std::vector<TemplatePart>& pair) {
  Ids of_one[3], of_two[3];
  if (!Between(single, false, of_one) || !Between(pair, true, of_two) ||
      of_one[0] != of_two[0] || of_one[1] != of_two[2]) {
    return std::nullopt;
  }
  InputLayout layout;
  layout.before = of_one[0];
  layout.between = of_two[1];
  layout.after = of_one[1];
  for (const TemplatePart& part : single) {
    if (part.type != 0) return std::nullopt;
  }
  // All of B, and what follows it, has one type; what comes before has 0.
  std::optional<int64_t> second;
  for (const TemplatePart& part : pair) {
    if (part.sequence == 'B') second = part.type;
    if (part.type != second.value_or(0)) return std::nullopt;
  }
  if (*second != 0 && *second != 1) return std::nullopt;
  layout.second_type = *second == 1;
  return layout;
}

absl::StatusOr<PostProcessor> Parse(const json& config, const TokenIdFn& id_of,
                                    const std::string& file, int nesting) {
  PostProcessor out;
  if (config.is_null()) return out;
  SFT_ASSIGN_OR_RETURN(const std::string type,
                       formats::TypeField(config, file));
  if (type == "Sequence") {
    if (nesting >= kMaxNesting) {
      return InputError(file, absl::StrCat(kWhat, ": sequences nest too deep"));
    }
    SFT_ASSIGN_OR_RETURN(const json* list,
                         formats::ArrayField(config, "processors", file));
    for (const json& item : *list) {
      SFT_ASSIGN_OR_RETURN(PostProcessor step,
                           Parse(item, id_of, file, nesting + 1));
      if (step.layout.has_value()) out.layout = std::move(step.layout);
      // Each step wraps what the one before it left.
      Ids& before = out.single.before;
      before.insert(before.begin(), step.single.before.begin(),
                    step.single.before.end());
      out.single.after.insert(out.single.after.end(), step.single.after.begin(),
                              step.single.after.end());
      if (step.trims_offsets) {
        out.trims_offsets = true;
        out.keeps_first_space = step.keeps_first_space;
      }
    }
    return out;
  }
  if (type == "ByteLevel" || type == "RobertaProcessing") {
    SFT_ASSIGN_OR_RETURN(
        out.trims_offsets,
        formats::BoolField(config, "trim_offsets", true, file));
    SFT_ASSIGN_OR_RETURN(
        out.keeps_first_space,
        formats::BoolField(config, "add_prefix_space", true, file));
    if (type == "ByteLevel") return out;
  }
  if (type == "BertProcessing" || type == "RobertaProcessing") {
    SFT_ASSIGN_OR_RETURN(const int32_t cls,
                         PairField(config, "cls", id_of, file));
    SFT_ASSIGN_OR_RETURN(const int32_t sep,
                         PairField(config, "sep", id_of, file));
    InputLayout layout;
    const bool bert = type == "BertProcessing";
    layout.before = {cls};
    layout.between = bert ? Ids{sep} : Ids{sep, sep};
    layout.after = {sep};
    layout.second_type = bert;
    out.single = {layout.before, layout.after};
    out.layout = std::move(layout);
    return out;
  }
  if (type == "TemplateProcessing") {
    SFT_ASSIGN_OR_RETURN(const auto single,
                         TemplateParts(config, "single", id_of, file));
    SFT_ASSIGN_OR_RETURN(const auto pair,
                         TemplateParts(config, "pair", id_of, file));
    Ids around[3];
    if (!Between(single, /*pair=*/false, around)) {
      return InputError(file, absl::StrCat(kWhat,
                                           ": \"single\" must hold "
                                           "Sequence A once and no B"));
    }
    out.single = {around[0], around[1]};
    out.layout = LayoutOf(single, pair);
    return out;
  }
  return InputError(file,
                    absl::StrCat("unknown post_processor \"", type, "\""));
}

}  // namespace

absl::StatusOr<PostProcessor> ParsePostProcessor(const json& config,
                                                 const TokenIdFn& id_of,
                                                 const std::string& file) {
  return Parse(config, id_of, file, 0);
}

bool CutsWordsWithSpace(const json& pre_tokenizer) {
  if (!pre_tokenizer.is_object()) return false;
  const json* type = formats::FindField(pre_tokenizer, "type");
  if (type != nullptr && *type == "ByteLevel") return true;
  const json* steps = formats::FindField(pre_tokenizer, "pretokenizers");
  if (steps == nullptr || !steps->is_array()) return false;
  for (const json& step : *steps) {
    if (CutsWordsWithSpace(step)) return true;
  }
  return false;
}

}  // namespace sft::text
