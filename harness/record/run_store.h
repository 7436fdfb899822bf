// Records of a sweep, by run and attempt: which stand and which failed, who is
// at a run, and under which name a new record is published.
#ifndef HARNESS_RECORD_RUN_STORE_H_
#define HARNESS_RECORD_RUN_STORE_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/core/file_lock.h"
#include "harness/record/run_paths.h"
#include "harness/record/run_record.h"

namespace sft::record {

// ok and diverged: the same command would find the same. Every other status is
// that of an attempt, which may be repeated.
bool IsFinalStatus(RunStatus status);

// What the name of a record's file says, without folder and .h5.
struct RecordName {
  std::string run_id;
  int attempt = 0;  // 0: no attempt
  int rung = 0;     // 0: no rung; the final record is neither
};
RecordName ParseRecordName(std::string_view name);

class RunStore {
 public:
  explicit RunStore(RunPaths paths) : paths_(std::move(paths)) {}
  // The store that `record_path`, DIR/runs/<run_id>.h5, is in;
  // InvalidArgument for a record anywhere else.
  static absl::StatusOr<RunStore> OfRecord(const std::string& record_path);

  const RunPaths& paths() const { return paths_; }

  // Makes the folder of records; what killed writers of this host left
  // half-written goes.
  absl::Status Open() const;

  // Whether a final record stands; InvalidArgument where it is damaged. Reads
  // the whole file.
  absl::StatusOr<bool> HasFinal(const std::string& run_id) const;
  // Whether a file stands there, unread.
  bool Stands(const std::string& run_id) const;
  // As HasFinal, by its seal alone, which is quicker: what the bytes say is not
  // read.
  absl::StatusOr<bool> HasSealedFinal(const std::string& run_id) const;
  // Whether a final record can be read; a damaged one is none.
  bool IsFinal(const std::string& run_id) const;
  absl::StatusOr<RunRecord> ReadFinal(const std::string& run_id) const;

  // Rungs of a search: records of status stopped, `rung` counts from 1. One
  // stands beside the final record, whichever came first.
  absl::StatusOr<RunRecord> ReadRung(const std::string& run_id, int rung) const;
  // Of the highest rung; NotFound where there is none.
  absl::StatusOr<RunRecord> ReadLastRung(const std::string& run_id) const;
  absl::StatusOr<bool> PublishRung(const RunRecord& record, int rung) const;
  // Whether a run is where it was to go: at the end of this rung or, for 0, at
  // its own; one that diverged goes no further. Errors as HasFinal.
  absl::StatusOr<bool> HasReached(const std::string& run_id, int rung) const;
  // The record that says so; NotFound where it is not there yet.
  absl::StatusOr<RunRecord> ReadReached(const std::string& run_id,
                                        int rung) const;

  // Attempts published so far; they count from 1 without a gap.
  int CountAttempts(const std::string& run_id) const;
  // Those of them that speak against the run: none that only ran out of its
  // time (--run-limit), for it goes on from where it was.
  int CountFailures(const std::string& run_id) const;
  // NotFound where there is none.
  absl::StatusOr<RunRecord> ReadLastAttempt(const std::string& run_id) const;

  // Under the run's own name where the status is final, else as the attempt of
  // this number; false if a record stood there first.
  absl::StatusOr<bool> Publish(const RunRecord& record, int attempt) const;

  // The folder of a run under way: log, lock, checkpoint.
  absl::Status MakeWorkFolder(const std::string& run_id) const;
  bool IsBegun(const std::string& run_id) const;
  // As TakeFileLock: who holds the descriptor is at the run.
  FileLock TakeLock(const std::string& run_id) const;
  bool IsLocked(const std::string& run_id) const;

 private:
  RunPaths paths_;
};

}  // namespace sft::record

#endif  // HARNESS_RECORD_RUN_STORE_H_
