// Sets that bring their own splits, kept apart: the test rows stay whole, and
// what is in a later split is in no earlier one.
#ifndef DATASETS_OFFICIAL_H_
#define DATASETS_OFFICIAL_H_

#include <string_view>
#include <vector>

#include "harness/data/dataset.h"
#include "harness/data/splits.h"

namespace sft {

struct OfficialRows {
  std::vector<KeyedRow> train, validation, test;
  std::vector<RefusedRow> refused;
};

// Refuses the rows whose key is one of `held_out`: "its text is in the test
// set", with `set` for "test".
void RefuseSeen(const std::vector<KeyedRow>& held_out, std::string_view set,
                std::vector<KeyedRow>& rows, std::vector<RefusedRow>& refused);

// Rows in the order of their keys' hashes, a fixed shuffle, so that the first
// ones, which a limited run takes, are a fair sample.
std::vector<Row> InOrderOfHash(std::vector<KeyedRow> rows);

// Of the validation and train rows, those that the test set holds are refused,
// then duplicates; of the train rows those of the validation set too.
Splits KeptApart(OfficialRows rows);

}  // namespace sft

#endif  // DATASETS_OFFICIAL_H_
