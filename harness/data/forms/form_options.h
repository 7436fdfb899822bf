// How a file of rows is written, where its bytes do not say it.
#ifndef HARNESS_DATA_FORMS_FORM_OPTIONS_H_
#define HARNESS_DATA_FORMS_FORM_OPTIONS_H_

#include <string>

#include "absl/status/status.h"
#include "harness/core/fields.h"

namespace sft::data {

struct FormOptions {
  std::string format = "auto";     // a form's name; auto: by the file's
  std::string delimiter = "auto";  // else one character
  std::string quote = "auto";      // else one character, or none
  bool header = true;
  std::string rows;  // JSON: the key of the list of rows, "" if it is found
  int64_t word_column = 0, tag_column = 0;  // CoNLL: 0 = the first, the last
  std::string on_bad_row = "fail";

  template <class V>
  void VisitFields(V& v) {
    v("format", format, Limits{}, "how the file is read; auto: by its name");
    v("delimiter", delimiter, Limits{},
      "CSV, TSV: the character between fields; auto: as the file has it");
    v("quote", quote, Limits{},
      "CSV, TSV: the character around fields, or none; auto: as the file has "
      "it");
    v("header", header, Limits{}, "CSV, TSV: the first line names the columns");
    v("rows", rows, Limits{}, "JSON: the key at which the list of rows stands");
    v("word_column", word_column, Limits{.min = 0, .max = 1000},
      "CoNLL: the column of the words, from 1; 0: the first");
    v("tag_column", tag_column, Limits{.min = 0, .max = 1000},
      "CoNLL: the column of the tags, from 1; 0: the last");
    v("on_bad_row", on_bad_row, Limits{.choices = {"fail", "skip"}},
      "a row that cannot be read");
  }
};

// Format, delimiter and quote are such.
absl::Status CheckFormOptions(const FormOptions& options);

}  // namespace sft::data

#endif  // HARNESS_DATA_FORMS_FORM_OPTIONS_H_
