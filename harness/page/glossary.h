// What each column of a report means, in one sentence.
#ifndef HARNESS_PAGE_GLOSSARY_H_
#define HARNESS_PAGE_GLOSSARY_H_

#include <string>

#include "harness/analysis/tables.h"

namespace sft::page {

// "" for a column that no row knows.
std::string MeaningOfColumn(const analysis::TableColumn& column);

}  // namespace sft::page

#endif  // HARNESS_PAGE_GLOSSARY_H_
