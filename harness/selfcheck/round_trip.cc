// Text becomes ids and text again. A tokenizer that normalizes (case, accents,
// Unicode forms) or has no token for a sign gives another text; then that text
// must have the same ids, and no byte but white space may be outside of all
// tokens.
#include <algorithm>

#include "harness/core/status.h"
#include "harness/selfcheck/checks.h"
#include "harness/selfcheck/made_up_rows.h"

namespace sft::selfcheck {
namespace {

bool IsBlank(unsigned char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

// The first byte that no token covers; -1 if there is none.
int64_t UncoveredByte(const Encoding& encoding, const std::string& text) {
  std::vector<bool> covered(text.size());
  for (const auto& [begin, end] : encoding.offsets) {
    for (int64_t i = std::max<int64_t>(begin, 0);
         i < std::min(end, std::ssize(text)); ++i) {
      covered[static_cast<size_t>(i)] = true;
    }
  }
  for (size_t i = 0; i < text.size(); ++i) {
    if (!covered[i] && !IsBlank(static_cast<unsigned char>(text[i]))) {
      return static_cast<int64_t>(i);
    }
  }
  return -1;
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
    const int64_t lost = UncoveredByte(encoding, text);
    if (lost >= 0) {
      return Finding::Fail(absl::StrCat("'", text, "' comes back as '", back,
                                        "': no token is of its byte ", lost));
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
