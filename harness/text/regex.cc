// See regex.h.
#include "harness/text/regex.h"

#include <algorithm>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "harness/core/status.h"
#include "harness/core/utf8.h"

namespace sft::text {
namespace {

constexpr size_t kMaxPatternBytes = 64 << 10;
constexpr size_t kJitStackBytes = 4 << 20;
// Steps of one match: enough for one pass over the text many times over.
constexpr uint64_t kBaseMatchSteps = 1'000'000;
constexpr uint64_t kMatchStepsPerByte = 8;
constexpr uint32_t kHeapLimitKib = 64 << 10;

// PCRE2's \s takes U+180E and its \w knows no marks. Oniguruma's are these;
// outside of brackets its \w asks a Latin-1 table below U+0100, in which
// superscripts and fractions are words.
constexpr char kSpaceSet[] = "\\x{9}-\\x{d}\\x{85}\\p{Z}";
constexpr char kWordSet[] = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}";
constexpr char kLatin1Words[] = "\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}";

std::string Translate(const std::string& pattern) {
  std::string out;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      const char next = pattern[++i];
      const bool space = next == 's' || next == 'S';
      const bool word = next == 'w' || next == 'W';
      const bool negated = next == 'S' || next == 'W';
      if ((space || word) && !(negated && in_class)) {
        const char* set = space ? kSpaceSet : kWordSet;
        if (in_class) {
          out += set;
        } else {
          out += std::string(negated ? "[^" : "[") + set;
          out += word ? std::string(kLatin1Words) + "]" : "]";
        }
      } else {
        out += c;
        out += next;
      }
      continue;
    }
    if (c == '[' && !in_class) {
      in_class = true;
      // A ']' that comes first is a member, not the end.
      out += c;
      if (i + 1 < pattern.size() && pattern[i + 1] == '^') out += pattern[++i];
      if (i + 1 < pattern.size() && pattern[i + 1] == ']') out += pattern[++i];
      continue;
    }
    if (c == ']') in_class = false;
    out += c;
  }
  return out;
}

struct MatchContext {
  MatchContext()
      : context(pcre2_match_context_create(nullptr)),
        stack(pcre2_jit_stack_create(32 << 10, kJitStackBytes, nullptr)) {
    pcre2_set_heap_limit(context, kHeapLimitKib);
    pcre2_jit_stack_assign(context, nullptr, stack);
  }
  ~MatchContext() {
    pcre2_match_context_free(context);
    pcre2_jit_stack_free(stack);
  }
  MatchContext(const MatchContext&) = delete;
  MatchContext& operator=(const MatchContext&) = delete;
  pcre2_match_context* context;
  pcre2_jit_stack* stack;
};

}  // namespace

struct Regex::Code {
  ~Code() { pcre2_code_free(code); }
  pcre2_code* code = nullptr;
};

absl::StatusOr<Regex> Regex::Compile(const std::string& pattern,
                                     const std::string& file) {
  if (pattern.size() > kMaxPatternBytes) {
    return InputError(file, "regular expression is longer than 64 KiB");
  }
  const std::string translated = Translate(pattern);
  int code = 0;
  size_t offset = 0;
  auto shared = std::make_shared<Code>();
  shared->code = pcre2_compile(
      reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
      PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &code, &offset, nullptr);
  if (shared->code == nullptr) {
    unsigned char message[256] = {};
    pcre2_get_error_message(code, message, sizeof(message));
    return InputError(
        file, absl::StrFormat("regular expression \"%s\": %s at byte %d",
                              pattern.substr(0, 80),
                              reinterpret_cast<const char*>(message), offset));
  }
  // Without JIT support the interpreter gives the same matches.
  pcre2_jit_compile(shared->code, PCRE2_JIT_COMPLETE);
  Regex regex;
  regex.code_ = std::move(shared);
  return regex;
}

std::string Regex::Escape(std::string_view literal) {
  static constexpr std::string_view kSpecial = "\\.+*?()|[]{}^$#&-~/";
  std::string out;
  for (char c : literal) {
    if (kSpecial.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::vector<ByteRange> Regex::FindAll(std::string_view text) const {
  thread_local MatchContext match_context;
  std::vector<ByteRange> matches;
  if (text.empty()) return matches;
  const uint64_t steps = kBaseMatchSteps + kMatchStepsPerByte * text.size();
  pcre2_set_match_limit(
      match_context.context,
      static_cast<uint32_t>(std::min<uint64_t>(steps, UINT32_MAX)));
  std::unique_ptr<pcre2_match_data, void (*)(pcre2_match_data*)> data(
      pcre2_match_data_create(1, nullptr), &pcre2_match_data_free);
  const auto subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  size_t start = 0;
  bool has_last = false;
  size_t last_end = 0;
  while (start <= text.size()) {
    int rc = pcre2_match(code_->code, subject, text.size(), start,
                         PCRE2_NO_UTF_CHECK, data.get(), match_context.context);
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT) {
      rc = pcre2_match(code_->code, subject, text.size(), start,
                       PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data.get(),
                       match_context.context);
    }
    if (rc < 0) break;  // no match, or a limit
    const size_t* bounds = pcre2_get_ovector_pointer(data.get());
    const ByteRange match{bounds[0], bounds[1]};
    // \K can put the start behind the end; no tokenizer needs it.
    if (match.begin > match.end || match.begin < start) break;
    if (match.empty() && has_last && last_end == match.end) {
      if (start >= text.size()) break;
      start += DecodeUtf8At(text, start).size_bytes;
      continue;
    }
    matches.push_back(match);
    start = match.end;
    last_end = match.end;
    has_last = true;
  }
  return matches;
}

}  // namespace sft::text
