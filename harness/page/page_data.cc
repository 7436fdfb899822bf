#include "harness/page/page_data.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "harness/core/status.h"
#include "harness/record/merge.h"
#include "harness/record/run_store.h"
#include "harness/spec/config_json.h"

namespace sft::page {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kPointsOfCurve = 200;
constexpr double kDigits = 6;  // of what is only drawn

// Short: a picture is not more exact than this. NaN and infinity are null.
Json Drawn(double value) {
  if (!std::isfinite(value)) return nullptr;
  if (value == 0) return 0;
  const double scale =
      std::pow(10, kDigits - 1 - std::floor(std::log10(std::abs(value))));
  const double rounded = std::round(value * scale) / scale;
  return std::isfinite(rounded) ? rounded : value;
}

Json Drawn(const std::vector<double>& values) {
  Json json = Json::array();
  for (const double value : values) json.push_back(Drawn(value));
  return json;
}

Json Drawn(const std::optional<double>& value) {
  return value.has_value() ? Drawn(*value) : Json(nullptr);
}

void Put(const std::optional<analysis::Interval>& interval, const char* key,
         Json& json) {
  if (!interval.has_value()) return;
  json[key] = {Drawn(interval->low), Drawn(interval->high)};
}

void Put(const PictureLook& look, Json& json) {
  json["colour"] = look.colour;
  json["dash"] = look.dash;
}

Json AxisToJson(const PictureAxis& axis) {
  return {{"label", axis.label}, {"log", axis.is_log}};
}

Json PictureToJson(const Picture& picture) {
  Json json = {{"title", picture.title},
               {"caption", picture.caption},
               {"x", AxisToJson(picture.x)},
               {"y", AxisToJson(picture.y)}};
  for (const PictureLine& line : picture.lines) {
    Json one = {{"label", line.label}};
    Put(line.look, one);
    one["x"] = Drawn(line.x_N);
    one["y"] = Drawn(line.y_N);
    json["lines"].push_back(std::move(one));
  }
  for (const PicturePoint& point : picture.points) {
    Json one = {{"label", point.label}};
    Put(point.look, one);
    one["x"] = Drawn(point.x);
    one["y"] = Drawn(point.y);
    Put(point.x_interval, "x_interval", one);
    Put(point.y_interval, "y_interval", one);
    one["marked"] = point.is_marked;
    if (!point.text.empty()) one["text"] = point.text;
    json["points"].push_back(std::move(one));
  }
  for (const PictureEllipse& ellipse : picture.ellipses) {
    Json one = Json::object();
    Put(ellipse.look, one);
    one["x"] = Drawn(ellipse.x_N);
    one["y"] = Drawn(ellipse.y_N);
    json["ellipses"].push_back(std::move(one));
  }
  for (const PictureLevel& level : picture.levels) {
    json["levels"].push_back({{"label", level.label}, {"x", Drawn(level.x)}});
  }
  for (const ForestRow& row : picture.forest) {
    Json one = {{"label", row.label}};
    Put(row.look, one);
    one["value"] = Drawn(row.value);
    Put(row.interval, "interval", one);
    if (row.detectable.has_value()) one["detectable"] = Drawn(*row.detectable);
    one["verdict"] = row.verdict;
    json["forest"].push_back(std::move(one));
  }
  if (!picture.bars.empty()) {
    json["parts"] = picture.bar_parts;
    json["stacked"] = picture.is_stacked;
  }
  for (const BarRow& row : picture.bars) {
    Json one = {{"label", row.label}};
    Put(row.look, one);
    for (const auto& value : row.values) one["values"].push_back(Drawn(value));
    json["bars"].push_back(std::move(one));
  }
  if (!picture.heat.empty()) {
    json["heat_rows"] = picture.heat_rows;
    json["heat_columns"] = picture.heat_columns;
  }
  for (const auto& row : picture.heat) {
    Json one = Json::array();
    for (const auto& value : row) one.push_back(Drawn(value));
    json["heat"].push_back(std::move(one));
  }
  return json;
}

// Means over equally many steps each, the last ones maybe fewer.
LossCurve CurveOf(const std::vector<StepRecord>& steps) {
  LossCurve curve;
  const size_t each = (steps.size() + kPointsOfCurve - 1) / kPointsOfCurve;
  for (size_t first = 0; first < steps.size(); first += each) {
    const size_t end = std::min(steps.size(), first + each);
    double loss = 0;
    for (size_t i = first; i < end; ++i) loss += steps[i].loss;
    curve.loss_N.push_back(loss / static_cast<double>(end - first));
    curve.step_N.push_back(static_cast<double>(steps[end - 1].step));
  }
  return curve;
}

// Numbers as they are recorded: a card is read, not drawn.
Json Exact(const std::map<std::string, double>& values) {
  Json json = Json::object();
  for (const auto& [name, value] : values) json[name] = value;
  return json;
}

Json ScoresOf(const record::RunRecord& record) {
  Json scores = Json::array();
  for (const EvalRecord& eval : record.evals) {
    if (eval.split == "curve" || eval.split == "rewind") continue;
    for (const MetricRecord& metric : eval.metrics) {
      scores.push_back({eval.task, eval.split, eval.round, metric.name,
                        metric.value, metric.unit});
    }
  }
  return scores;
}

// The fields that are the same in all of these, which are not empty.
Json SharedFields(const std::vector<Json>& configs) {
  Json shared = configs[0];
  for (const Json& config : configs) {
    std::vector<std::string> other;
    for (const auto& [name, value] : shared.items()) {
      const auto found = config.find(name);
      if (found == config.end() || *found != value) other.push_back(name);
    }
    for (const std::string& name : other) shared.erase(name);
  }
  return shared;
}

Json RunToJson(const analysis::Results& results,
               const analysis::CollectedRun& run) {
  const spec::PlannedRun& planned = run.planned;
  const std::optional<size_t> cell = results.CellOf(planned.run_id);
  Json json = {{"id", planned.run_id},
               {"row", cell.has_value() ? LabelOf(results, *cell) : ""},
               {"seed", planned.config.seed},
               {"state", run.state},
               {"standing", run.standing}};
  if (!run.record.has_value()) return json;
  const record::RunRecord& record = *run.record;
  json["message"] = record.status_message;
  json["scores"] = ScoresOf(record);
  json["facts"] = Exact(record.facts);
  json["forgetting"] = Exact(record.forgetting);
  json["measured"] = Exact(record.measured);
  json["texts"] = record.texts;
  json["build"] = record.provenance_build;
  json["run"] = record.provenance_run;
  return json;
}

}  // namespace

absl::StatusOr<LossCurves> ReadLossCurves(const std::string& path) {
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> files,
                       record::ListRecordFiles(path));
  std::map<std::string, std::pair<int64_t, LossCurve>> best;
  record::ForEachRecord(files, [&](const std::string&,
                                   absl::StatusOr<record::NamedRecord> read) {
    // What cannot be read is a note of the report.
    if (!read.ok() || read->record.steps.empty()) return;
    const record::RecordName name = record::ParseRecordName(read->name);
    if (name.rung > 0) return;
    // The final record stands before any attempt, a later one before others.
    const int64_t rank = name.attempt == 0 ? int64_t{1} << 40 : name.attempt;
    const auto found = best.find(read->record.run_id);
    if (found != best.end() && found->second.first > rank) return;
    best[read->record.run_id] = {rank, CurveOf(read->record.steps)};
  });
  LossCurves curves;
  for (auto& [run_id, curve] : best) {
    curves[run_id] = std::move(curve.second);
  }
  return curves;
}

Json PicturesToJson(const PictureInput& input) {
  Json json = {{"pictures", Json::array()}, {"missing", Json::array()}};
  for (const PictureRow& row : AllPictures()) {
    const std::vector<Picture> drawn = row.draw(input);
    Json one = {{"name", row.name}, {"title", row.title}};
    if (drawn.empty()) {
      one["needs"] = row.needs;
      json["missing"].push_back(std::move(one));
      continue;
    }
    for (const Picture& picture : drawn) {
      one["pictures"].push_back(PictureToJson(picture));
    }
    json["pictures"].push_back(std::move(one));
  }
  return json;
}

Json RunsToJson(const analysis::Results& results) {
  std::vector<Json> configs;
  Json runs = Json::array();
  for (const analysis::CollectedRun& run : results.runs) {
    configs.push_back(spec::ConfigToJson(run.planned.config));
    runs.push_back(RunToJson(results, run));
  }
  Json shared = configs.empty() ? Json::object() : SharedFields(configs);
  for (size_t i = 0; i < configs.size(); ++i) {
    Json own = Json::object();
    for (const auto& [name, value] : configs[i].items()) {
      if (!shared.contains(name)) own[name] = value;
    }
    runs[i]["config"] = std::move(own);
  }
  return {{"config", std::move(shared)}, {"runs", std::move(runs)}};
}

}  // namespace sft::page
