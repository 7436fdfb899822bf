#include "harness/data/forms/table_form.h"

#include <algorithm>

#include "absl/strings/str_join.h"
#include "harness/core/packed_file.h"
#include "harness/core/status.h"
#include "harness/data/forms/forms.h"
#include "harness/data/forms/table_remedies.h"

namespace sft::data {

const std::vector<TableForm>& AllTableForms() {
  static const auto& forms = *new std::vector<TableForm>{
      CsvForm(),     TsvForm(),   JsonLinesForm(), JsonForm(),
      ParquetForm(), ConllForm(), ParallelForm()};
  return forms;
}

std::vector<std::string> TableFormNames() {
  std::vector<std::string> names = {"auto"};
  for (const TableForm& form : AllTableForms()) names.push_back(form.name);
  return names;
}

absl::StatusOr<const TableForm*> FormOfFile(const std::string& path,
                                            const std::string& format) {
  const std::string name = WithoutPacking(path);
  for (const TableForm& form : AllTableForms()) {
    const bool is = format == "auto"
                        ? std::any_of(form.endings.begin(), form.endings.end(),
                                      [&name](const std::string& ending) {
                                        return name.ends_with(ending);
                                      })
                        : form.name == format;
    if (is) return &form;
  }
  if (format == "auto") return InputError(path, FormatRemedy(name));
  return InputError("format",
                    absl::StrCat("'", format, "' is unknown",
                                 NearestOrKnown(format, TableFormNames())));
}

absl::Status CheckFormOptions(const FormOptions& options) {
  const auto is_one = [](const std::string& text) {
    return text.size() == 1 && text != "\n" && text != "\r";
  };
  if (options.delimiter != "auto" && !is_one(options.delimiter)) {
    return absl::InvalidArgumentError(
        absl::StrCat("delimiter = '", options.delimiter,
                     "': wanted one character, such as ';'"));
  }
  if (options.quote != "auto" && options.quote != "none" &&
      !is_one(options.quote)) {
    return absl::InvalidArgumentError(
        absl::StrCat("quote = '", options.quote,
                     "': wanted one character, such as '\"', or none"));
  }
  if (options.delimiter == options.quote && options.quote != "auto") {
    return absl::InvalidArgumentError(
        absl::StrCat("delimiter and quote are both '", options.quote, "'"));
  }
  const std::vector<std::string> names = TableFormNames();
  if (std::find(names.begin(), names.end(), options.format) == names.end()) {
    return absl::InvalidArgumentError(absl::StrCat("format = '", options.format,
                                                   "': wanted one of ",
                                                   absl::StrJoin(names, ", ")));
  }
  return absl::OkStatus();
}

}  // namespace sft::data
