// One stored value as JSON: numbers and truth values as such, text as text,
// dates and times as Python's str() has them. Bytes that are no text are null.
#ifndef HARNESS_DATA_PARQUET_LEAF_JSON_H_
#define HARNESS_DATA_PARQUET_LEAF_JSON_H_

#include <nlohmann/json.hpp>

#include "harness/data/parquet/encodings.h"
#include "harness/data/parquet/schema.h"

namespace sft::data::parquet {

// `no_text` is set where null stands for bytes.
nlohmann::json LeafJson(const Cell& cell, const Node& leaf, bool& no_text);

}  // namespace sft::data::parquet

#endif  // HARNESS_DATA_PARQUET_LEAF_JSON_H_
