// Items -> RunRecord.
#include <algorithm>
#include <charconv>
#include <utility>

#include "absl/strings/str_split.h"
#include "harness/core/status.h"
#include "harness/record/eval_series.h"
#include "harness/record/item_reader.h"
#include "harness/record/record_items.h"
#include "harness/record/schema.h"

namespace sft::record {
namespace {

class RecordReader : private ItemReader {
 public:
  RecordReader(const std::string& where, const std::vector<H5Item>& items)
      : ItemReader(where, items), where_(where), items_(items) {}

  absl::StatusOr<RunRecord> Read() {
    SFT_RETURN_IF_ERROR(CheckIntegrity());
    RunRecord record;
    SFT_RETURN_IF_ERROR(Get("/", "run_id", record.run_id));
    SFT_RETURN_IF_ERROR(Get("/", "status_message", record.status_message));
    SFT_RETURN_IF_ERROR(Get("/", "requested_spec", record.requested_spec));
    std::string status, config;
    SFT_RETURN_IF_ERROR(Get("/", "status", status));
    SFT_ASSIGN_OR_RETURN(record.status, StatusFromName(status));
    SFT_RETURN_IF_ERROR(Get("/", "config", config));
    absl::StatusOr<spec::RunConfig> parsed =
        spec::RunConfig::FromCanonicalText(config);
    if (!parsed.ok()) {
      return InputError(where_, ToStd(parsed.status().message()));
    }
    record.config = *std::move(parsed);
    SFT_RETURN_IF_ERROR(ReadTrain(record));
    SFT_RETURN_IF_ERROR(ReadRest(record));
    return record;
  }

 private:
  absl::Status CheckIntegrity() const {
    int64_t version = 0, complete = 0;
    SFT_RETURN_IF_ERROR(Get("/", "schema_version", version));
    if (version < kOldestSchemaVersion || version > kSchemaVersion) {
      return Error("/",
                   absl::StrCat("schema_version = ", version, ": wanted ",
                                kOldestSchemaVersion, " to ", kSchemaVersion));
    }
    SFT_RETURN_IF_ERROR(Get("/", "complete", complete));
    if (complete != 1) return Error("/", "is not complete");
    std::string content, whole;
    SFT_RETURN_IF_ERROR(Get("/", kContentSha256, content));
    SFT_RETURN_IF_ERROR(Get("/", kRecordSha256, whole));
    if (content != ContentDigest(items_)) {
      return InputError(where_, "is damaged: content_sha256 does not match");
    }
    if (whole != WholeDigest(items_)) {
      return InputError(where_,
                        "is damaged: record_sha256 does not match, below "
                        "/measured or /provenance");
    }
    return absl::OkStatus();
  }

  absl::StatusOr<RunStatus> StatusFromName(const std::string& name) const {
    for (const RunStatus status :
         {RunStatus::kOk, RunStatus::kDiverged, RunStatus::kOutOfMemory,
          RunStatus::kTimeout, RunStatus::kFailed, RunStatus::kStopped}) {
      if (name == RunStatusName(status)) return status;
    }
    return Error("/", "status = '" + name + "' is unknown");
  }

  absl::Status ReadTrain(RunRecord& record) const {
    bool first = true;
    const auto read = [&](const auto& table) -> absl::Status {
      for (const auto& series : table) {
        std::vector<std::decay_t<decltype(StepRecord().*(series.member))>>
            values;
        SFT_RETURN_IF_ERROR(Get(series.path, "", values));
        if (first) record.steps.resize(values.size());
        first = false;
        if (values.size() != record.steps.size()) {
          return Error(series.path,
                       absl::StrCat("has ", values.size(), " values: wanted ",
                                    record.steps.size()));
        }
        for (size_t i = 0; i < values.size(); ++i) {
          record.steps[i].*(series.member) = values[i];
        }
      }
      return absl::OkStatus();
    };
    SFT_RETURN_IF_ERROR(read(kIntSeries));
    return read(kDoubleSeries);
  }

  // Groups whose members are named by the run.
  absl::Status ReadRest(RunRecord& record) const {
    std::map<int64_t, EvalRecord> evals;
    for (const H5Item& item : items_) {
      if (!item.attribute.empty()) {
        SFT_RETURN_IF_ERROR(ReadText(item, record));
        if (item.attribute == "order") {
          SFT_RETURN_IF_ERROR(ReadEval(item, evals));
        }
        continue;
      }
      SFT_RETURN_IF_ERROR(ReadNumber(item, record));
    }
    SFT_RETURN_IF_ERROR(ReadSeries(*this, items_, evals));
    for (auto& [order, eval] : evals) record.evals.push_back(std::move(eval));
    SFT_RETURN_IF_ERROR(
        GetIfThere(absl::StrCat(kTextPath, "/prompts"), record.prompts));
    return GetIfThere(absl::StrCat(kTextPath, "/generations"),
                      record.generations);
  }

  absl::Status ReadText(const H5Item& item, RunRecord& record) const {
    const std::pair<const char*, std::map<std::string, std::string>*> groups[] =
        {{kAxesPath, &record.axes},
         {kTextsPath, &record.texts},
         {kProvenanceBuildPath, &record.provenance_build},
         {kProvenanceRunPath, &record.provenance_run}};
    for (const auto& [path, texts] : groups) {
      if (item.path != path) continue;
      return Take(item, item.path, (*texts)[item.attribute]);
    }
    return absl::OkStatus();
  }

  absl::Status ReadNumber(const H5Item& item, RunRecord& record) const {
    const std::pair<const char*, std::map<std::string, double>*> groups[] = {
        {kFactsPath, &record.facts},
        {kForgettingPath, &record.forgetting},
        {kMeasuredThroughputPath, &record.measured},
        {kMeasuredRunPath, &record.measured}};
    for (const auto& [path, numbers] : groups) {
      const std::string rest = Below(item.path, path);
      if (rest.empty()) continue;
      return Take(item, item.path, (*numbers)[DecodePathName(rest)]);
    }
    const std::pair<const char*, std::map<std::string, int64_t>*> bytes[] = {
        {kPredictedMemoryPath, &record.memory.predicted_bytes},
        {kMeasuredCategoriesPath, &record.memory.measured_bytes}};
    for (const auto& [path, numbers] : bytes) {
      const std::string rest = Below(item.path, path);
      if (rest.empty()) continue;
      return Take(item, item.path, (*numbers)[DecodePathName(rest)]);
    }
    if (const std::string rest = Below(item.path, kMeasuredMemoryPath);
        !rest.empty()) {
      return Take(item, item.path, record.measured[DecodePathName(rest)]);
    }
    return absl::OkStatus();
  }

  // `item` is the attribute that marks an evaluation's or a metric's group.
  absl::Status ReadEval(const H5Item& item,
                        std::map<int64_t, EvalRecord>& evals) const {
    const std::vector<std::string> parts =
        absl::StrSplit(Below(item.path, kEvalPath), '/');
    if (parts.size() != 3) return absl::OkStatus();
    int64_t order = 0;
    SFT_RETURN_IF_ERROR(Take(item, item.path, order));
    const auto [it, is_new] = evals.emplace(order, EvalRecord());
    if (!is_new) return Error(item.path, "has another's place in the order");
    EvalRecord& eval = it->second;
    eval.task = DecodePathName(parts[0]);
    eval.split = DecodePathName(parts[1]);
    const std::string& round = parts[2];
    const char* end = round.data() + round.size();
    const auto number = std::from_chars(round.data(), end, eval.round);
    if (number.ec != std::errc() || (number.ptr != end && *number.ptr != '.')) {
      return Error(item.path, "'" + round + "' is no round");
    }
    SFT_RETURN_IF_ERROR(Get(item.path + "/tokens", "", eval.tokens));
    SFT_RETURN_IF_ERROR(GetIfThere(item.path + "/row_ids", eval.row_ids));
    SFT_RETURN_IF_ERROR(
        GetIfThere(item.path + "/predictions", eval.predictions));
    SFT_RETURN_IF_ERROR(GetIfThere(item.path + "/references", eval.references));
    SFT_RETURN_IF_ERROR(Get(kMeasuredPath + item.path + "/wall_seconds", "",
                            eval.wall_seconds));
    return ReadMetrics(item.path + "/metrics", eval);
  }

  absl::Status ReadMetrics(const std::string& group, EvalRecord& eval) const {
    std::map<int64_t, MetricRecord> metrics;
    const H5Item first{group + "/", "", {}};
    auto it = std::lower_bound(
        items_.begin(), items_.end(), first,
        [](const H5Item& a, const H5Item& b) { return a.key() < b.key(); });
    for (; it != items_.end(); ++it) {
      const std::string name = Below(it->path, group);
      if (name.empty()) break;
      if (it->attribute != "order") continue;
      int64_t order = 0, higher = 0;
      SFT_RETURN_IF_ERROR(Take(*it, it->path, order));
      MetricRecord metric;
      metric.name = DecodePathName(name);
      SFT_RETURN_IF_ERROR(Get(it->path, "signature", metric.signature));
      SFT_RETURN_IF_ERROR(Get(it->path, "higher_is_better", higher));
      metric.higher_is_better = higher != 0;
      SFT_RETURN_IF_ERROR(Get(it->path + "/value", "", metric.value));
      SFT_RETURN_IF_ERROR(Get(it->path + "/value", "unit", metric.unit));
      SFT_RETURN_IF_ERROR(GetIfThere(it->path + "/items", metric.items));
      SFT_RETURN_IF_ERROR(ReadSums(it->path + "/sums", metric));
      if (!metrics.emplace(order, std::move(metric)).second) {
        return Error(it->path, "has another's place in the order");
      }
    }
    for (auto& [order, metric] : metrics) {
      eval.metrics.push_back(std::move(metric));
    }
    return absl::OkStatus();
  }

  // A row an item; records of metrics that are means of items have none.
  absl::Status ReadSums(const std::string& path, MetricRecord& metric) const {
    H5Matrix sums;
    SFT_RETURN_IF_ERROR(GetIfThere(path, sums));
    if (sums.values.empty()) return absl::OkStatus();
    const int64_t rows =
        static_cast<int64_t>(sums.values.size()) / sums.columns;
    const int64_t items = static_cast<int64_t>(metric.items.size());
    if (items > 0 && rows != items) {
      return Error(path, absl::StrCat("has ", rows, " rows: wanted ", items));
    }
    metric.sums = std::move(sums.values);
    metric.sum_columns = sums.columns;
    return absl::OkStatus();
  }

  const std::string& where_;
  const std::vector<H5Item>& items_;
};

}  // namespace

absl::StatusOr<RunRecord> RecordFromItems(const std::string& where,
                                          const std::vector<H5Item>& items) {
  return RecordReader(where, items).Read();
}

}  // namespace sft::record
