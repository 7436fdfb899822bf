// Curves of runs as TensorBoard reads them. An event file is a chain of
// records: length (8 bytes), masked CRC-32C of it, a protobuf message, masked
// CRC-32C of that (TensorFlow's TFRecord). Of tensorboard.Event the fields
// wall_time (1), step (2), file_version (3) and summary (5) are written.
#ifndef HARNESS_PAGE_EVENT_FILE_H_
#define HARNESS_PAGE_EVENT_FILE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "harness/record/run_record.h"

namespace sft::page {

uint32_t Crc32c(std::string_view bytes);
// As TFRecord keeps it: rotated, plus a constant.
uint32_t MaskedCrc32c(std::string_view bytes);

class EventFile {
 public:
  explicit EventFile(double wall_time);  // of the event that opens the file
  void AddScalar(double wall_time, int64_t step, const std::string& tag,
                 double value);
  const std::string& bytes() const { return bytes_; }

 private:
  void AddEvent(const std::string& message);
  std::string bytes_;
};

// train/* by optimizer step; eval/<task>/<split>/<metric> by round, of points
// by their step. Times follow from the start of the run, where it is recorded,
// and the measured seconds.
std::string EventsOfRun(const record::RunRecord& record);

// A folder a run below `out`, named by method and seed behind its id; their
// number. Files of an earlier export give way.
absl::StatusOr<size_t> ExportEvents(const std::string& records,
                                    const std::string& out);

}  // namespace sft::page

#endif  // HARNESS_PAGE_EVENT_FILE_H_
