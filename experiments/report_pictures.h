// What `report` shows beside tables: the page, files of figures, and small
// curves on the terminal.
#ifndef EXPERIMENTS_REPORT_PICTURES_H_
#define EXPERIMENTS_REPORT_PICTURES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/analysis/report.h"

namespace sft::experiments {

// `path`: of the records that the report is of.
absl::StatusOr<std::string> PageOfReport(const analysis::Report& report,
                                         const std::string& path);
// SVG and PDF of each picture in `folder`, beside what they are drawn from; a
// Python with matplotlib draws them and says what it wrote.
absl::Status WriteFigures(const analysis::Report& report,
                          const std::string& path, const std::string& folder);
absl::StatusOr<std::string> PlotsOfReport(const analysis::Report& report,
                                          const std::string& path);

}  // namespace sft::experiments

#endif  // EXPERIMENTS_REPORT_PICTURES_H_
