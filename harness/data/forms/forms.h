// The rows of AllTableForms(), a file each.
#ifndef HARNESS_DATA_FORMS_FORMS_H_
#define HARNESS_DATA_FORMS_FORMS_H_

#include "harness/data/forms/table_form.h"

namespace sft::data {

TableForm CsvForm();
TableForm TsvForm();
TableForm JsonLinesForm();
TableForm JsonForm();
TableForm ParquetForm();
TableForm ConllForm();
TableForm ParallelForm();

}  // namespace sft::data

#endif  // HARNESS_DATA_FORMS_FORMS_H_
