// Sets that bring their own splits, kept apart: the test rows stay whole, and
// what is in a later split is in no earlier one.
#ifndef DATASETS_OFFICIAL_H_
#define DATASETS_OFFICIAL_H_

#include <string_view>
#include <vector>

#include "harness/data/dataset.h"
#include "harness/data/splits.h"

namespace sft::datasets {

struct OfficialRows {
  std::vector<data::KeyedRow> train, validation, test;
  std::vector<data::RefusedRow> refused;
};

// Refuses the rows whose key is one of `held_out`: "its text is in the test
// set", with `set` for "test".
void RefuseSeen(const std::vector<data::KeyedRow>& held_out,
                std::string_view set, std::vector<data::KeyedRow>& rows,
                std::vector<data::RefusedRow>& refused);

// Rows in the order of their keys' hashes, a fixed shuffle, so that the first
// ones, which a limited run takes, are a fair sample.
std::vector<data::Row> InOrderOfHash(std::vector<data::KeyedRow> rows);

// Of the validation and train rows, those that the test set holds are refused,
// then duplicates; of the train rows those of the validation set too.
data::Splits KeptApart(OfficialRows rows);

}  // namespace sft::datasets

#endif  // DATASETS_OFFICIAL_H_
