// The normalizer "Precompiled" of a tokenizer.json: a SentencePiece charsmap as
// `tokenizers` applies it (crate spm_precompiled): to clusters of fewer than
// six bytes first, then to characters; of several entries the shortest counts.
#ifndef HARNESS_TEXT_PRECOMPILED_NORMALIZER_H_
#define HARNESS_TEXT_PRECOMPILED_NORMALIZER_H_

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "harness/text/normalizer.h"

namespace sft::text {

// "precompiled_charsmap" is the map in Base64.
absl::StatusOr<std::unique_ptr<Normalizer>> ParsePrecompiled(
    const nlohmann::json& config, const std::string& file);

}  // namespace sft::text

#endif  // HARNESS_TEXT_PRECOMPILED_NORMALIZER_H_
