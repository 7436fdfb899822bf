// The files of a table: one, or the shards of a folder as Hugging Face's data
// sets lie on disk, "data/train-00000-of-00002.parquet" or "train/0.jsonl".
#ifndef HARNESS_DATA_FORMS_TABLE_FILES_H_
#define HARNESS_DATA_FORMS_TABLE_FILES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/data/forms/form_options.h"

namespace sft::data {

struct TableFiles {
  std::string path;                // as it was named
  std::vector<std::string> files;  // in order, of one form; never empty
  std::string part;                // the split that is read of each, or ""
  std::string target;              // of aligned translations, or ""
  // The splits that `path` holds by name; empty: it is one list of rows.
  std::vector<std::string> parts;
};

// Of a folder, the files of `part`: it and its folders, two deep, are looked
// through; no link leads out of it. Where names tell no splits, all files are
// one part. An error if there is no file of rows, if forms are mixed, if a
// shard ("-00001-of-00002") is missing, and where there are several parts and
// none of them is `part`.
absl::StatusOr<TableFiles> FindTableFiles(const std::string& path,
                                          const std::string& part,
                                          const FormOptions& options);

}  // namespace sft::data

#endif  // HARNESS_DATA_FORMS_TABLE_FILES_H_
