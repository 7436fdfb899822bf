// Text becomes ids and text again. A tokenizer that normalizes (case, accents,
// Unicode forms) or has no token for a sign gives another text; then that text
// must have the same ids, and no character but spaces, accents and joiners may
// be outside of all tokens.
#include <unicode/uchar.h>

#include <algorithm>

#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/selfcheck/checks.h"
#include "harness/selfcheck/made_up_rows.h"

namespace sft::selfcheck {
namespace {

// What a normalizer may drop: white space, accents, joiners.
bool MayGo(char32_t c) {
  const auto code = static_cast<UChar32>(c);
  const int8_t type = u_charType(code);
  return u_isUWhiteSpace(code) || type == U_NON_SPACING_MARK ||
         type == U_FORMAT_CHAR;
}

// The first character that must not go and that no token covers; "" if there
// is none.
std::string UncoveredCharacter(const Encoding& encoding,
                               const std::string& text) {
  std::vector<bool> covered(text.size());
  for (const auto& [begin, end] : encoding.offsets) {
    for (int64_t i = std::max<int64_t>(begin, 0);
         i < std::min(end, std::ssize(text)); ++i) {
      covered[static_cast<size_t>(i)] = true;
    }
  }
  for (size_t i = 0; i < text.size();) {
    const Utf8Char c = DecodeUtf8At(text, i);
    if (!covered[i] && !MayGo(c.code_point)) {
      return text.substr(i, c.size_bytes);
    }
    i += c.size_bytes;
  }
  return "";
}

absl::StatusOr<Finding> CheckRoundTrip(const Setting& setting) {
  std::vector<std::string> texts = HardTexts();
  for (const data::Row& row : setting.rows) {
    for (const ChatTurn& turn : row.turns) texts.push_back(turn.content);
    for (const std::string& text : {row.text, row.text_pair}) {
      if (!text.empty()) texts.push_back(text);
    }
  }
  const Tokenizer& tokenizer = *setting.tokenizer;
  int64_t exact = 0, kept = 0;
  for (const std::string& text : texts) {
    const Encoding encoding = tokenizer.EncodeWithOffsets(text);
    if (encoding.ids != tokenizer.Encode(text)) {
      return Finding::Fail(
          absl::StrCat("'", text, "' has other ids with offsets than without"));
    }
    const std::string back =
        tokenizer.Decode(encoding.ids, /*skip_special_tokens=*/false);
    if (back == text) {
      ++exact;
      continue;
    }
    if (tokenizer.Encode(back) != encoding.ids) {
      return Finding::Fail(absl::StrCat("'", text, "' comes back as '", back,
                                        "', which has other ids"));
    }
    const std::string lost = UncoveredCharacter(encoding, text);
    if (!lost.empty()) {
      return Finding::Fail(absl::StrCat("'", text, "' comes back as '", back,
                                        "': no token is of its '", lost, "'"));
    }
    ++kept;
  }
  return Finding::Pass(absl::StrCat(
      exact, " of ", texts.size(), " texts to the byte",
      kept > 0 ? absl::StrCat(", ", kept,
                              " normalized or with signs that it has no token "
                              "for, their ids the same")
               : ""));
}

}  // namespace

Check TokensRoundTrip() {
  return {"round_trip", "text becomes ids and the same text again",
          CheckRoundTrip};
}

}  // namespace sft::selfcheck
