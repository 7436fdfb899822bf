// Status macros and the one place where std:: and Debian's absl:: string types
// meet. Debian's Abseil has its own string_view; our interfaces use std types.
#ifndef HARNESS_CORE_STATUS_H_
#define HARNESS_CORE_STATUS_H_

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

namespace sft {

inline absl::string_view ToAbsl(std::string_view s) {
  return absl::string_view(s.data(), s.size());
}
inline std::string ToStd(absl::string_view s) {
  return std::string(s.data(), s.size());
}

// Bad input: a broken spec, model, tokenizer, data or result file. `where` is
// "file" or "file:line"; `what` names the value and what was wanted.
inline absl::Status InputError(std::string_view where, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(ToAbsl(where), ": ", ToAbsl(what)));
}

}  // namespace sft

#define SFT_CONCAT_INNER_(a, b) a##b
#define SFT_CONCAT_(a, b) SFT_CONCAT_INNER_(a, b)

#define SFT_RETURN_IF_ERROR(expr)                             \
  do {                                                        \
    if (absl::Status sft_status_ = (expr); !sft_status_.ok()) \
      return sft_status_;                                     \
  } while (false)

#define SFT_ASSIGN_OR_RETURN(lhs, expr) \
  SFT_ASSIGN_OR_RETURN_IMPL_(SFT_CONCAT_(sft_or_, __LINE__), lhs, expr)
#define SFT_ASSIGN_OR_RETURN_IMPL_(tmp, lhs, expr) \
  auto tmp = (expr);                               \
  if (!tmp.ok()) return std::move(tmp).status();   \
  lhs = std::move(tmp).value()

#endif  // HARNESS_CORE_STATUS_H_
