// Rules of a plan on how rows become text: rows of plan_rules.cc.
#ifndef HARNESS_LAUNCH_TEXT_RULES_H_
#define HARNESS_LAUNCH_TEXT_RULES_H_

#include <optional>

#include "harness/launch/plan_checks.h"

namespace sft::launch {

// bos: always wants a token that begins a text.
std::optional<spec::Finding> BosExists(const CellFacts& facts);

// The model's chat template can write some training row of every data set, and
// says where its answer is. No row of the table: it reads the rows, and is
// asked where they could not be read for their cost.
std::optional<spec::Finding> ChatsArePlaced(const CellFacts& facts);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_TEXT_RULES_H_
