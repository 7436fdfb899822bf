// The forms that rows may lie in: CSV, JSON lines, Parquet, ... A form is a row
// of AllTableForms() and a file beside this one; whoever reads rows asks the
// table, and nothing else knows of a form by its name.
#ifndef HARNESS_DATA_FORMS_TABLE_FORM_H_
#define HARNESS_DATA_FORMS_TABLE_FORM_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/data/dataset.h"
#include "harness/data/forms/form_options.h"

namespace sft::data {

inline constexpr int64_t kMaxRowBytes = int64_t{16} << 20;

// Takes what a reader finds, in the file's order. `number` is a row's line, or
// its place if CountRows was called, from 1.
class RowSink {
 public:
  virtual ~RowSink() = default;
  // The rows to come are counted, for lines say nothing of them.
  virtual void CountRows() = 0;
  // The columns, where they are known before the rows; an error if one that is
  // wanted is not among them.
  virtual absl::Status Columns(const std::vector<std::string>& names,
                               int64_t number) = 0;
  virtual absl::Status Row(nlohmann::json object, int64_t number) = 0;
  // Whether tools and their calls are to come as the texts that they are in
  // the file (KeepOrderOfTools).
  virtual bool keeps_order_of_tools() const { return false; }
  // One that cannot be read: an error, or it is counted and left out.
  virtual absl::Status Bad(int64_t number, std::string_view why) = 0;
  virtual absl::Status Refuse(const RefusedRow& row) = 0;
  // How the file was read, where it did not say that: a line for people.
  virtual void Say(std::string_view what) = 0;
};

struct FormInput {
  const std::string& path;
  const FormOptions& options;
  // Of a file that holds several splits, the one to read; else "".
  std::string part = {};
  std::string target = {};  // the file of translations
};

struct TableForm {
  std::string name;     // as format: has it
  std::string summary;  // what such a file is, in one line
  // Of names, without .gz and .zst.
  std::vector<std::string> endings = {};
  bool text_values = false;  // every value is a text
  absl::Status (*read)(const FormInput& input, RowSink& sink) = nullptr;
  // The splits that a file of this form holds by name; nullptr or empty: it is
  // one list of rows.
  absl::StatusOr<std::vector<std::string>> (*parts)(
      const std::string& path, const FormOptions& options) = nullptr;
};

const std::vector<TableForm>& AllTableForms();
// "auto" and the names of all.
std::vector<std::string> TableFormNames();
// The form of a file, by `format` or by its name; an error says what to do.
absl::StatusOr<const TableForm*> FormOfFile(const std::string& path,
                                            const std::string& format);

}  // namespace sft::data

#endif  // HARNESS_DATA_FORMS_TABLE_FORM_H_
