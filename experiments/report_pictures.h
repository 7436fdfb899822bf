// What `report` shows beside tables: the page, files of figures, and small
// curves on the terminal.
#ifndef EXPERIMENTS_REPORT_PICTURES_H_
#define EXPERIMENTS_REPORT_PICTURES_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "harness/analysis/report.h"

namespace CLI {
class App;
}

namespace sft::experiments {

struct PictureFlags {
  std::string figures;  // a folder: SVG and PDF of each picture, and their data
  bool plots = false;
};
void DeclarePictures(CLI::App& app, PictureFlags& flags);

// What is printed in the place of tables, "" for figures, which a Python with
// matplotlib draws; nullopt where neither a page nor pictures are asked for.
// `path`: of the records that the report is of.
absl::StatusOr<std::optional<std::string>> PicturesOfReport(
    const analysis::Report& report, const std::string& path,
    const PictureFlags& flags, bool is_page);

}  // namespace sft::experiments

#endif  // EXPERIMENTS_REPORT_PICTURES_H_
