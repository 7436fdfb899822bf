// Every HDF5 path of a record with its unit, rank and meaning, in tables that
// writer, reader and documentation share. Raise kSchemaVersion with any change.
#ifndef HARNESS_RECORD_SCHEMA_H_
#define HARNESS_RECORD_SCHEMA_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/records.h"

namespace sft::record {

// 2: /eval/.../metrics/<metric>/sums. 3: /series and /sequence, in records of
// several rounds or of points within one; the others are of version 2.
inline constexpr int64_t kSchemaVersion = 3;
inline constexpr int64_t kPlainSchemaVersion = 2;
inline constexpr int64_t kOldestSchemaVersion = 1;  // that is still read

// Groups.
inline constexpr char kAxesPath[] = "/axes";
inline constexpr char kEvalPath[] = "/eval";
inline constexpr char kSeriesPath[] = "/series";
inline constexpr char kSequencePath[] = "/sequence";
inline constexpr char kMeasuredSeriesPath[] = "/measured/series";
inline constexpr char kFactsPath[] = "/facts";
inline constexpr char kForgettingPath[] = "/forgetting";
inline constexpr char kPredictedMemoryPath[] = "/memory/predicted";
inline constexpr char kTextPath[] = "/text";
inline constexpr char kTextsPath[] = "/texts";
inline constexpr char kMeasuredPath[] = "/measured";
inline constexpr char kMeasuredEvalPath[] = "/measured/eval";
inline constexpr char kMeasuredCategoriesPath[] = "/measured/memory/categories";
inline constexpr char kMeasuredMemoryPath[] = "/measured/memory";
inline constexpr char kMeasuredThroughputPath[] = "/measured/throughput";
inline constexpr char kMeasuredRunPath[] = "/measured/run";
inline constexpr char kProvenancePath[] = "/provenance";
inline constexpr char kProvenanceBuildPath[] = "/provenance/build";
inline constexpr char kProvenanceRunPath[] = "/provenance/run";
inline constexpr char kMergedRunsPath[] = "/runs";
inline constexpr char kMergedPlanPath[] = "/plan";  // texts of manifests

// One series over optimizer steps.
template <class T>
struct SeriesRow {
  const char* path;
  const char* unit;
  T StepRecord::*member;
  const char* help;
};
inline constexpr SeriesRow<int64_t> kIntSeries[] = {
    {"/train/step", "1", &StepRecord::step, "optimizer step, from 1"},
    {"/train/round", "1", &StepRecord::round,
     "stage, from 0; the evaluation behind it is round + 1"},
    {"/train/real_tokens", "token", &StepRecord::real_tokens,
     "tokens computed that are no pads"},
    {"/train/target_tokens", "token", &StepRecord::target_tokens,
     "tokens with loss"},
    {"/train/padded_tokens", "token", &StepRecord::padded_tokens,
     "pads that were computed"},
    {"/train/sequences", "1", &StepRecord::sequences, "rows of the step"},
};
inline constexpr SeriesRow<double> kDoubleSeries[] = {
    {"/train/loss", "nats/token", &StepRecord::loss,
     "mean over the step's target tokens"},
    {"/train/learning_rate", "1", &StepRecord::learning_rate,
     "used by the step"},
    {"/train/grad_norm", "1", &StepRecord::grad_norm,
     "L2 norm of the gradient, before clipping"},
    {"/measured/train/wall_seconds", "s", &StepRecord::wall_seconds,
     "wall time of the step"},
    {"/measured/train/cpu_seconds", "s", &StepRecord::cpu_seconds,
     "CPU time of the step, all threads"},
};

// One row of the documentation; <name> stands for names of the run.
struct SchemaRow {
  std::string path;  // "/train/loss", "/ @status" for an attribute
  std::string type;  // int64, float64, string
  int rank = 0;
  std::string unit;
  std::string help;
};
std::vector<SchemaRow> RecordSchema();
// The schema as a Markdown table.
std::string RecordSchemaMarkdown();

// Facts, changes and measured values are named by many, in a common way: the
// end of a name says the unit. Of several rows that fit the first counts; a
// name that fits none is a count or a bare number, "1".
struct UnitRow {
  const char* ending;
  const char* unit;
};
inline constexpr UnitRow kUnitsByEnding[] = {
    {"tokens_per_second", "token/s"},
    {"_per_second", "1/s"},
    {"bytes", "byte"},
    {"seconds", "s"},
    {"tokens", "token"},
    {"cross_entropy", "nats/token"},
    {"cross_entropy_change", "nats/token"},
    {"loss", "nats/token"},
    {"loss_change", "nats/token"},
    {"share", "fraction"},
    {"ratio", "fraction"},
    {"fraction", "fraction"},
    {"efficiency", "fraction"},
    {"accuracy_change", "fraction"},
};
std::string UnitOfName(std::string_view name);

// Likewise what they mean, where the schema's row says no more than what they
// all are.
struct MeaningRow {
  const char* ending;
  const char* meaning;
};
const std::vector<MeaningRow>& MeaningsByEnding();
// What the data set at `path` holds, "" where no row has it. A name that the
// schema does not know alone means what its ending says.
std::string MeaningOf(std::string_view path);

// False for what /measured and /provenance hold.
bool IsDeterministicPath(std::string_view path);

// A name as one component of a path ("/" and "%" are escaped), and back.
std::string EncodePathName(std::string_view name);
std::string DecodePathName(std::string_view component);

}  // namespace sft::record

#endif  // HARNESS_RECORD_SCHEMA_H_
