// BOS and its like: what a tokenizer's own ids around a text come to under the
// `bos` of a run.
#ifndef HARNESS_DATA_ADDED_IDS_H_
#define HARNESS_DATA_ADDED_IDS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/tokenizer.h"

namespace sft::data {

// auto: as the tokenizer prescribes; always: with its BOS in front in any case,
// an error if it has none; never: without it.
absl::StatusOr<AddedIds> AddedIdsOf(const Tokenizer& tokenizer,
                                    const std::string& bos);

// The same around a row of this form, "plain" or "chat". A chat template writes
// what belongs there, so `auto` adds nothing to it, as transformers'
// apply_chat_template does not.
absl::StatusOr<AddedIds> AddedIdsOfForm(const Tokenizer& tokenizer,
                                        const std::string& bos,
                                        std::string_view form);

// A text that writes BOS itself, as chat templates do, gets no second one.
bool BeginsWith(const std::vector<int32_t>& ids,
                const std::vector<int32_t>& before);

// The ids of a whole text with what stands around it, each once.
std::vector<int32_t> EncodeWhole(const Tokenizer& tokenizer,
                                 std::string_view text, const AddedIds& added);

}  // namespace sft::data

#endif  // HARNESS_DATA_ADDED_IDS_H_
