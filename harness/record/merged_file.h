// One HDF5 file of many records: below /runs each record's own file, byte for
// byte, and at /plan the texts of their plans. Written and read a record at a
// time.
#ifndef HARNESS_RECORD_MERGED_FILE_H_
#define HARNESS_RECORD_MERGED_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/record/sealed_file.h"

namespace sft::record {

// What its root says it is ("/ @kind").
inline constexpr char kMergedFilesKind[] = "merged files";

// The texts at /plan among `items`.
std::vector<std::string> PlansIn(const std::vector<H5Item>& items);

class MergedWriter {
 public:
  // Writes beside `path`; nothing stands there before Finish(), which refuses
  // a file of more than `max_bytes`.
  static absl::StatusOr<std::unique_ptr<MergedWriter>> Create(
      const std::string& path, const std::vector<std::string>& plans,
      int64_t max_bytes = kMaxRecordBytes);
  // What is not finished is removed.
  ~MergedWriter();
  MergedWriter(const MergedWriter&) = delete;
  MergedWriter& operator=(const MergedWriter&) = delete;

  // Names come in their order, each once.
  absl::Status Add(const std::string& name, std::string_view bytes);
  // Seals the file and puts it in place of what stands there.
  absl::Status Finish();

 private:
  struct Impl;
  explicit MergedWriter(std::unique_ptr<Impl> impl);
  absl::Status Begin(const std::vector<std::string>& plans);
  std::unique_ptr<Impl> impl_;
};

class MergedReader {
 public:
  // Of bytes whose seal holds.
  static absl::StatusOr<std::unique_ptr<MergedReader>> Open(
      const std::string& where, const std::string& bytes);
  ~MergedReader();
  MergedReader(const MergedReader&) = delete;
  MergedReader& operator=(const MergedReader&) = delete;

  const std::vector<std::string>& names() const;  // in order
  const std::vector<std::string>& plans() const;
  // The bytes of a record's file; its seal is not checked. Callers on several
  // threads wait for each other.
  absl::StatusOr<std::string> Read(const std::string& name) const;

 private:
  struct Impl;
  explicit MergedReader(std::unique_ptr<Impl> impl);
  absl::Status Begin(const std::string& bytes);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sft::record

#endif  // HARNESS_RECORD_MERGED_FILE_H_
