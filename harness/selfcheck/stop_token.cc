// A model learns to end an answer from the token that ends it.
#include "absl/algorithm/container.h"
#include "harness/core/status.h"
#include "harness/selfcheck/checks.h"

namespace sft::selfcheck {
namespace {

absl::StatusOr<Finding> CheckStop(const Setting& setting) {
  if (setting.is_encoder()) {
    return Finding::NotAsked("an encoder writes nothing");
  }
  const std::vector<int32_t> stops = setting.tokenizer->stop_ids();
  if (stops.empty()) {
    return Finding::Fail(
        "its tokenizer names no token that ends an answer: what is trained "
        "will not stop");
  }
  SFT_ASSIGN_OR_RETURN(const std::vector<Example> rows, ExamplesOf(setting));
  int32_t last = kNoLoss;
  for (const Example& row : rows) {
    int32_t end = kNoLoss;
    for (const int32_t label : row.labels) {
      if (label != kNoLoss) end = label;
    }
    if (!absl::c_linear_search(stops, end)) {
      return Finding::Fail(absl::StrCat(
          "row ", row.row_id, "'s last target is id ", end,
          end == kNoLoss
              ? ", none at all"
              : absl::StrCat(" ('", setting.tokenizer->Decode({end}, false),
                             "')"),
          ", and no token that ends an answer"));
    }
    last = end;
  }
  return Finding::Pass(absl::StrCat(
      "the last target of each of ", rows.size(), " rows, the last one's '",
      setting.tokenizer->Decode({last}, false), "'"));
}

}  // namespace

Check StopTokenBearsLoss() {
  return {"stop", "the token that ends an answer is in the loss", CheckStop};
}

}  // namespace sft::selfcheck
