// What a reader wants first: of each task a table with the base model in its
// first row, what each row gained, and in words whether it can be told apart.
#ifndef HARNESS_PAGE_VERDICTS_H_
#define HARNESS_PAGE_VERDICTS_H_

#include <vector>

#include "harness/page/picture.h"

namespace sft::page {

// The verdict of the base model's own row.
inline constexpr char kBaseModelWords[] = "the base model";

// One a task that was evaluated, of the rows that were asked for.
std::vector<analysis::Table> VerdictTables(const PictureInput& input);

}  // namespace sft::page

#endif  // HARNESS_PAGE_VERDICTS_H_
