// Regular expressions of tokenizer files (Oniguruma's Unicode dialect) on
// PCRE2 with UTF, UCP and JIT; match limits keep hostile patterns from hanging.
#ifndef HARNESS_TEXT_REGEX_H_
#define HARNESS_TEXT_REGEX_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/text/aligned_text.h"

namespace sft::text {

class Regex {
 public:
  // Errors name `file`.
  static absl::StatusOr<Regex> Compile(const std::string& pattern,
                                       const std::string& file);
  // A pattern that matches exactly `literal`.
  static std::string Escape(std::string_view literal);

  // All matches in valid UTF-8, left to right, disjoint. Where a limit is hit
  // the rest of the text counts as unmatched. Thread-safe.
  std::vector<ByteRange> FindAll(std::string_view text) const;

 private:
  struct Code;
  std::shared_ptr<const Code> code_;
};

}  // namespace sft::text

#endif  // HARNESS_TEXT_REGEX_H_
