#include "harness/data/added_ids.h"

#include <algorithm>

#include "harness/core/status.h"

namespace sft::data {

absl::StatusOr<AddedIds> AddedIdsOf(const Tokenizer& tokenizer,
                                    const std::string& bos) {
  AddedIds added = tokenizer.added_ids();
  if (bos == "auto") return added;
  if (bos != "always" && bos != "never") {
    return InputError(
        "bos", absl::StrCat("'", bos, "' is none of auto, always, never"));
  }
  std::vector<int32_t>& before = added.before;
  const std::optional<int32_t> id = tokenizer.bos_id();
  if (bos == "never") {
    if (id) std::erase(before, *id);
    return added;
  }
  if (!id) {
    return InputError("bos",
                      "'always', but this tokenizer has no token that begins a "
                      "text; auto adds what it prescribes");
  }
  if (std::find(before.begin(), before.end(), *id) == before.end()) {
    before.insert(before.begin(), *id);
  }
  return added;
}

absl::StatusOr<AddedIds> AddedIdsOfForm(const Tokenizer& tokenizer,
                                        const std::string& bos,
                                        std::string_view form) {
  if (form == "chat" && bos == "auto") return AddedIds();
  return AddedIdsOf(tokenizer, bos);
}

bool BeginsWith(const std::vector<int32_t>& ids,
                const std::vector<int32_t>& before) {
  return ids.size() >= before.size() &&
         std::equal(before.begin(), before.end(), ids.begin());
}

std::vector<int32_t> EncodeWhole(const Tokenizer& tokenizer,
                                 std::string_view text, const AddedIds& added) {
  std::vector<int32_t> ids = tokenizer.Encode(text);
  if (!BeginsWith(ids, added.before)) {
    ids.insert(ids.begin(), added.before.begin(), added.before.end());
  }
  ids.insert(ids.end(), added.after.begin(), added.after.end());
  return ids;
}

}  // namespace sft::data
