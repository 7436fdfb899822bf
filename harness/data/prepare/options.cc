#include "harness/data/prepare/options.h"

#include <cmath>
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "harness/core/status.h"

namespace sft::data {

const std::vector<RowColumns>& RowLayouts() {
  static const auto& layouts = *new std::vector<RowColumns>{
      {{"text"}, {"text_pair"}, "label", {}},
      {{"instruction"}, {"input"}, "", {"output", "response"}},
      {{"messages"}, {}, "", {}},
      {{"question"},
       {"context", "choices"},
       "",
       {"answer", "answers", "answerKey"}},
      {{"source"}, {}, "", {"target"}},
      {{"words"}, {}, "", {"tags"}},
      {{"tokens"}, {}, "", {"tags", "ner_tags"}},
      {{"prompt"}, {}, "", {"completion", "response"}},
      {{"premise", "hypothesis"}, {}, "label", {}},
      {{"sentence1", "sentence2"}, {}, "label", {}},
      {{"question1", "question2"}, {}, "label", {}},
      {{"sentence"}, {}, "label", {}},
  };
  return layouts;
}

absl::StatusOr<std::array<double, kSplits>> ParseShares(
    const std::string& split) {
  auto wrong = [&split](std::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat(
        "split = '", split, "': ", ToAbsl(why),
        "; wanted train, validation and test shares, as in 0.8,0.1,0.1"));
  };
  std::array<double, kSplits> shares{};
  const std::vector<std::string> parts = absl::StrSplit(split, ',');
  if (parts.size() == 2) {
    return wrong(
        absl::StrCat("two shares leave open which split is missing: "
                     "write ",
                     parts[0], ",0,", parts[1], " for train and test, ",
                     parts[0], ",", parts[1], ",0 for train and validation"));
  }
  if (parts.size() != kSplits) {
    return wrong(absl::StrCat(parts.size(), " shares"));
  }
  double sum = 0;
  for (int i = 0; i < kSplits; ++i) {
    if (!absl::SimpleAtod(parts[i], &shares[i]) || !(shares[i] >= 0) ||
        !(shares[i] <= 1)) {
      return wrong("'" + parts[i] + "' is no share");
    }
    sum += shares[i];
  }
  if (std::abs(sum - 1) > 1e-6) {
    return wrong(absl::StrCat("the shares sum to ", sum, ", not to 1"));
  }
  if (shares[0] <= 0) return wrong("nothing is left to train");
  return shares;
}

absl::Status CheckPrepareOptions(const PrepareOptions& options) {
  PrepareOptions copy;
  SFT_RETURN_IF_ERROR(ReadFields(PrintFields(options), copy));
  SFT_RETURN_IF_ERROR(CheckFormOptions(options));
  return ParseShares(options.split).status();
}

}  // namespace sft::data
