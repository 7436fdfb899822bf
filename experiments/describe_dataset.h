// What a data set of the table is, and which of its files are where.
#ifndef EXPERIMENTS_DESCRIBE_DATASET_H_
#define EXPERIMENTS_DESCRIBE_DATASET_H_

#include "absl/status/statusor.h"
#include "harness/data/dataset.h"

namespace sft::experiments {

// Prints the set's task, metrics, licence, source, its rows by split and the
// refused ones by reason (where the files are there), and each file with the
// place it belongs, size, digest and state. Returns kExitBadInput if a file is
// missing. An error if the files are there and cannot be read.
absl::StatusOr<int> DescribeDataset(const data::DatasetRow& dataset,
                                    const data::DataFolders& folders,
                                    bool json);

}  // namespace sft::experiments

#endif  // EXPERIMENTS_DESCRIBE_DATASET_H_
