// Normalizers of a tokenizer.json: text before it is split.
#ifndef HARNESS_TEXT_NORMALIZER_H_
#define HARNESS_TEXT_NORMALIZER_H_

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "harness/text/aligned_text.h"

namespace sft::text {

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual void Apply(AlignedText* text) const = 0;
};

// Never null; JSON null is the normalizer that does nothing.
absl::StatusOr<std::unique_ptr<Normalizer>> ParseNormalizer(
    const nlohmann::json& config, const std::string& file);

}  // namespace sft::text

#endif  // HARNESS_TEXT_NORMALIZER_H_
