// A record as HDF5 items and back; digests are taken over the items, so that
// writer, reader and comparison cannot see different things.
#ifndef HARNESS_RECORD_RECORD_ITEMS_H_
#define HARNESS_RECORD_RECORD_ITEMS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/record/h5.h"
#include "harness/record/run_record.h"

namespace sft::record {

// In path order, with paths below "/", and without the two digests.
std::vector<H5Item> ItemsOfRecord(const RunRecord& record);
// The same with content_sha256 and record_sha256: what a file holds.
std::vector<H5Item> SealedItemsOfRecord(const RunRecord& record);

// Checks completeness and both digests, then reads.
absl::StatusOr<RunRecord> RecordFromItems(const std::string& where,
                                          const std::vector<H5Item>& items);

// Over everything outside /measured and /provenance, the digests left out.
std::string ContentDigest(const std::vector<H5Item>& items);
// Over everything but record_sha256.
std::string WholeDigest(const std::vector<H5Item>& items);

inline constexpr char kContentSha256[] = "content_sha256";
inline constexpr char kRecordSha256[] = "record_sha256";

}  // namespace sft::record

#endif  // HARNESS_RECORD_RECORD_ITEMS_H_
