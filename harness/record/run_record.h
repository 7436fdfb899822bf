// One run as one HDF5 file: config, status, series, where it came from.
// Everything outside /measured and /provenance/run is deterministic and is
// what content_sha256 covers. schema.h names every path, unit and rank.
#ifndef HARNESS_RECORD_RUN_RECORD_H_
#define HARNESS_RECORD_RUN_RECORD_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/core/records.h"
#include "harness/spec/run_config.h"

namespace sft::record {

struct RunRecord {
  std::string run_id;
  RunStatus status = RunStatus::kFailed;
  std::string status_message;  // why, if not ok
  spec::RunConfig config;      // effective
  std::string requested_spec;  // the YAML as written
  std::map<std::string, std::string> axes;

  std::vector<StepRecord> steps;
  std::vector<EvalRecord> evals;

  // Deterministic facts: "trainable_parameters", "hft.realised_share",
  // "weights_sha256", "data.refused_rows", "packing.efficiency", ...
  std::map<std::string, double> facts;
  std::map<std::string, std::string> texts;  // digests and other strings

  // Forgetting: change against the base model, deterministic
  // ("heldout/wiki_demo/cross_entropy_change" -> nats/token).
  std::map<std::string, double> forgetting;

  // /measured: not deterministic.
  MemoryRecord memory;
  std::map<std::string, double> measured;  // "train_wall_seconds", ...

  // /provenance/build (deterministic for one build) and /provenance/run.
  std::map<std::string, std::string> provenance_build;
  std::map<std::string, std::string> provenance_run;

  // Only with --keep-text.
  std::vector<std::string> prompts;
  std::vector<std::string> generations;
};

std::string_view RunStatusName(RunStatus status);

// Written whole to a temporary name beside `path`, fsynced, published by link;
// false if another process was first.
absl::StatusOr<bool> PublishRunRecord(const RunRecord& record,
                                      const std::string& path);
// The record so far, inside a checkpoint folder (no publish, plain write).
absl::Status WriteRunRecord(const RunRecord& record, const std::string& path);
// Checks integrity (complete, checksums) before anything is believed.
absl::StatusOr<RunRecord> ReadRunRecord(const std::string& path);
// content_sha256 of a record in memory.
std::string ContentSha256(const RunRecord& record);

}  // namespace sft::record

#endif  // HARNESS_RECORD_RUN_RECORD_H_
