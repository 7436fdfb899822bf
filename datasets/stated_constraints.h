// Verifiable constraints read off an instruction's own words, under the names
// and arguments of IFEval (Zhou et al. 2023): the official arguments are in a
// file of their own, and the prompts state most of them in set phrases.
#ifndef DATASETS_STATED_CONSTRAINTS_H_
#define DATASETS_STATED_CONSTRAINTS_H_

#include <nlohmann/json.hpp>
#include <string>

namespace sft::datasets {

// [{"id": "punctuation:no_comma", "kwargs": {}}, ...] of those constraints
// that `prompt` states beyond doubt; what it states otherwise is left out, so
// that an answer that keeps them all may still break the instruction.
nlohmann::json StatedConstraints(const std::string& prompt);

}  // namespace sft::datasets

#endif  // DATASETS_STATED_CONSTRAINTS_H_
