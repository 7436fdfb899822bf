// A report's runs and pictures as JSON: what the page's script and matplotlib
// draw from.
#ifndef HARNESS_PAGE_PAGE_DATA_H_
#define HARNESS_PAGE_PAGE_DATA_H_

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "harness/page/picture.h"

namespace sft::page {

// Of the records in a folder or file, those that their runs are known by.
absl::StatusOr<LossCurves> ReadLossCurves(const std::string& path);

// {"pictures": [{name, title, pictures: [...]}], "missing": [{name, title,
// needs}]}: what a store lacks is named.
nlohmann::ordered_json PicturesToJson(const PictureInput& input);

// {"config": what all runs share, "runs": [...]}: a provenance card each.
nlohmann::ordered_json RunsToJson(const analysis::Results& results);

}  // namespace sft::page

#endif  // HARNESS_PAGE_PAGE_DATA_H_
