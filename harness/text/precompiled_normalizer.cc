#include "harness/text/precompiled_normalizer.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/formats/json_fields.h"
#include "harness/text/grapheme.h"
#include "harness/text/precompiled_charsmap.h"

namespace sft::text {
namespace {

constexpr size_t kWholeBytes = 5;  // clusters up to here are looked up whole

bool IsAscii(char c) { return static_cast<unsigned char>(c) < 0x80; }

int CountChars(std::string_view text) {
  int count = 0;
  for (char c : text) count += (c & 0xC0) != 0x80;
  return count;
}

class PrecompiledNormalizer : public Normalizer {
 public:
  explicit PrecompiledNormalizer(PrecompiledCharsmap map)
      : map_(std::move(map)) {}

  void Apply(AlignedText* text) const override {
    const std::string_view old = text->text();
    std::vector<CharChange> changes;
    bool changed = false;
    for (size_t at = 0; at < old.size();) {
      const std::string_view rest = old.substr(at);
      const size_t size = ClusterBytes(rest);
      const std::string_view cluster = rest.substr(0, size);
      at += size;
      if (size <= kWholeBytes && Replace(cluster, &changes)) {
        changed = true;
        continue;
      }
      for (size_t i = 0; i < size;) {
        const Utf8Char c = DecodeUtf8At(cluster, i);
        if (Replace(cluster.substr(i, c.size_bytes), &changes)) {
          changed = true;
        } else {
          changes.push_back({c.code_point, 0});
        }
        i += c.size_bytes;
      }
    }
    if (changed) text->Transform(changes, 0);
  }

 private:
  // Of one ASCII character before another the cluster is known.
  static size_t ClusterBytes(std::string_view rest) {
    if (rest.size() == 1) return 1;
    if (IsAscii(rest[0]) && IsAscii(rest[1])) {
      return rest[0] == '\r' && rest[1] == '\n' ? 2 : 1;
    }
    return GraphemeBytes(rest, kWholeBytes);
  }

  // What `part` is mapped to, if it is; the last of its characters stand for
  // what was removed, or were added.
  bool Replace(std::string_view part, std::vector<CharChange>* changes) const {
    const auto match = map_.Shortest(part);
    if (!match.has_value()) return false;
    const size_t first = changes->size();
    for (size_t i = 0; i < match->normal.size();) {
      const Utf8Char c = DecodeUtf8At(match->normal, i);
      changes->push_back({c.code_point, 0});
      i += c.size_bytes;
    }
    const int more =
        static_cast<int>(changes->size() - first) - CountChars(part);
    for (int i = 0; i < more; ++i) changes->end()[-1 - i].change = 1;
    if (more < 0 && !changes->empty()) changes->back().change += more;
    return true;
  }

  PrecompiledCharsmap map_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Normalizer>> ParsePrecompiled(
    const nlohmann::json& config, const std::string& file) {
  SFT_ASSIGN_OR_RETURN(
      const std::string text,
      formats::StringField(config, "precompiled_charsmap", "", file));
  std::string blob;
  if (!absl::Base64Unescape(text, &blob)) {
    return InputError(file, "precompiled_charsmap is no Base64");
  }
  SFT_ASSIGN_OR_RETURN(PrecompiledCharsmap map,
                       PrecompiledCharsmap::Parse(blob, file));
  return std::make_unique<PrecompiledNormalizer>(std::move(map));
}

}  // namespace sft::text
