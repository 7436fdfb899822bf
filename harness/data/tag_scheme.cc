#include "harness/data/tag_scheme.h"

#include <string_view>

#include "harness/core/fields.h"
#include "harness/core/status.h"

namespace sft::data {
namespace {

struct TagParts {
  char prefix = 'O';  // 0: none, the tag is its type
  std::string type;
};

TagParts PartsOfTag(const std::string& tag) {
  if (tag == "O") return {};
  constexpr std::string_view kPrefixes = "BIESLUM";
  if (tag.size() > 2 && tag[1] == '-' &&
      kPrefixes.find(tag[0]) != std::string_view::npos) {
    return {tag[0], tag.substr(2)};
  }
  return {'\0', tag};
}

absl::Status WrongTag(size_t word, const Tags& tags, std::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat(
      "word ", word + 1, ": tag '", tags[word], "' ", ToAbsl(why)));
}

absl::Status KeepTags(Tags&) { return absl::OkStatus(); }

absl::Status FromIob1(Tags& tags) {
  TagParts before;
  for (std::string& tag : tags) {
    const TagParts parts = PartsOfTag(tag);
    if (parts.prefix == 'I' && parts.type != before.type) tag[0] = 'B';
    before = parts;
  }
  return absl::OkStatus();
}

absl::Status FromIo(Tags& tags) {
  TagParts before;
  for (size_t i = 0; i < tags.size(); ++i) {
    const TagParts parts = PartsOfTag(tags[i]);
    if (parts.prefix != 'O' && parts.prefix != 'I' && parts.prefix != '\0') {
      return WrongTag(i, tags,
                      "is none of scheme io: wanted O, I-type or type");
    }
    if (parts.prefix != 'O') {
      tags[i] =
          absl::StrCat(parts.type == before.type ? "I-" : "B-", parts.type);
    }
    before = parts;
  }
  return absl::OkStatus();
}

absl::Status FromBioes(Tags& tags) {
  const Tags given = tags;
  std::string open;  // type of the entity that has not ended
  for (size_t i = 0; i < given.size(); ++i) {
    const auto [prefix, type] = PartsOfTag(given[i]);
    const bool goes_on =
        prefix == 'I' || prefix == 'M' || prefix == 'E' || prefix == 'L';
    if (prefix == '\0') {
      return WrongTag(i, given,
                      "is none of scheme bioes: wanted O or B-, I-, "
                      "E- or S- of a type");
    }
    if (goes_on ? open != type : !open.empty()) {
      return WrongTag(
          i, given,
          absl::StrCat("follows ", i == 0 ? "nothing" : given[i - 1],
                       open.empty() ? ", wanted B-" : ", wanted E-",
                       open.empty() ? type : open, " before it"));
    }
    if (prefix == 'E' || prefix == 'L' || prefix == 'M') tags[i] = "I-" + type;
    if (prefix == 'S' || prefix == 'U') tags[i] = "B-" + type;
    open = prefix == 'B' || prefix == 'I' || prefix == 'M' ? type : "";
  }
  if (open.empty()) return absl::OkStatus();
  return WrongTag(given.size() - 1, given,
                  "ends the sentence within an entity, wanted E-" + open);
}

}  // namespace

const std::vector<TagSchemeRow>& AllTagSchemes() {
  static const auto& schemes = *new std::vector<TagSchemeRow>{
      {"iob2", "B- begins an entity, I- goes on", KeepTags},
      {"iob1", "B- only right behind an entity of the same type", FromIob1},
      {"bioes", "E- ends an entity, S- is one (or L-, U-)", FromBioes},
      {"io", "no word says where an entity begins", FromIo}};
  return schemes;
}

absl::StatusOr<const TagSchemeRow*> TagSchemeByName(const std::string& name) {
  std::vector<std::string> names = {"auto"};
  for (const TagSchemeRow& scheme : AllTagSchemes()) {
    if (scheme.name == name) return &scheme;
    names.push_back(scheme.name);
  }
  return InputError("scheme", absl::StrCat("'", name, "' is unknown",
                                           NearestOrKnown(name, names)));
}

void TagSchemeSurvey::Add(const Tags& tags) {
  std::string before;
  for (const std::string& tag : tags) {
    const auto [prefix, type] = PartsOfTag(tag);
    bare_ |= prefix == '\0';
    ends_ |= prefix == 'E' || prefix == 'S' || prefix == 'L' || prefix == 'U';
    begins_ |= prefix == 'B';
    starts_with_i_ |= prefix == 'I' && type != before;
    begins_after_other_ |= prefix == 'B' && type != before;
    before = type;
  }
}

std::string TagSchemeSurvey::Scheme() const {
  if (ends_) return "bioes";
  if (bare_) return begins_ ? "iob2" : "io";
  if (!starts_with_i_) return "iob2";
  if (!begins_) return "io";
  return begins_after_other_ ? "iob2" : "iob1";
}

}  // namespace sft::data
