// Rows for a setting that names no data set, and texts for its tokenizer.
#ifndef HARNESS_SELFCHECK_MADE_UP_ROWS_H_
#define HARNESS_SELFCHECK_MADE_UP_ROWS_H_

#include <string>
#include <vector>

#include "harness/data/dataset.h"

namespace sft::selfcheck {

// Short questions with answers of several lengths, some beyond ASCII; each also
// has a text and one of two classes, for encoders.
std::vector<data::Row> MadeUpRows();
data::Task MadeUpTask(bool for_encoder);

// A conversation of two answers, for templates.
std::vector<ChatTurn> MadeUpChat();

// Texts of many scripts, signs and spaces.
const std::vector<std::string>& HardTexts();

}  // namespace sft::selfcheck

#endif  // HARNESS_SELFCHECK_MADE_UP_ROWS_H_
