// A file of rows, or a folder of such files, as rows to prepare, in one pass.
#ifndef HARNESS_DATA_PREPARE_READ_TABLE_H_
#define HARNESS_DATA_PREPARE_READ_TABLE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/data/dataset.h"
#include "harness/data/forms/table_files.h"
#include "harness/data/prepare/options.h"
#include "harness/data/prepare/rows.h"

namespace sft::data {

struct ReadRows {
  std::unique_ptr<SpilledRows> rows;
  std::vector<RefusedRow> bad;       // with options.on_bad_row = skip
  std::vector<std::string> columns;  // that some row has, sorted
  // How files were read that do not say it themselves, a line each.
  std::vector<std::string> notes;
};

// Rows of all files, in the form that options.format or their names say
// (forms/table_form.h), are kept in a file of the folder `scratch`. Ragged and
// malformed rows, such that are no UTF-8 and such above kMaxRowBytes are bad:
// an error with file:line, or skipped and listed. An unknown column, an open
// quote or array at the end of a file, and files without a good row are errors.
// Columns of a file without header are named 1, 2, ...
absl::StatusOr<ReadRows> ReadTable(const TableFiles& files,
                                   const PrepareOptions& options,
                                   const std::string& scratch);
// The same of a path, of which FindTableFiles finds the files; where it holds
// splits by name, those to train on.
absl::StatusOr<ReadRows> ReadTable(const std::string& path,
                                   const PrepareOptions& options,
                                   const std::string& scratch);

}  // namespace sft::data

#endif  // HARNESS_DATA_PREPARE_READ_TABLE_H_
