#include "harness/spec/manifest.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "harness/core/digest.h"
#include "harness/core/status.h"
#include "harness/formats/json.h"
#include "harness/spec/plan_json.h"

namespace sft::spec {
namespace {

using Json = nlohmann::json;
using ConfigTexts = std::map<std::string, std::string>;

constexpr int kManifestVersion = 1;
constexpr char kManifestStart[] = "{\"manifest_version\":";
constexpr size_t kPlaceColumns = 12;
constexpr size_t kPlaceBytes = kPlaceColumns + 1;  // with its line's end

std::string LastLine(size_t index, size_t runs, const std::string& digest) {
  return absl::StrFormat("{\"index\":%12d,\"runs\":%12d,\"sha256\":\"%s\"}\n",
                         index, runs, digest);
}

// What `fields` has otherwise than `common`; null: has not.
Json Differences(const ConfigTexts& fields, const ConfigTexts& common) {
  Json json = Json::object();
  for (const auto& [name, text] : fields) {
    const auto it = common.find(name);
    if (it == common.end() || it->second != text) json[name] = text;
  }
  for (const auto& [name, text] : common) {
    if (fields.count(name) == 0) json[name] = nullptr;
  }
  return json;
}

absl::StatusOr<PlannedRun> RunFromJson(const Json& json, ConfigTexts fields,
                                       const LaterOptions& later) {
  PlannedRun run;
  SFT_RETURN_IF_ERROR(ReadRunNames(json, run));
  for (const auto& [name, text] : json.at("config").items()) {
    if (text.is_null()) {
      fields.erase(name);
    } else {
      fields[name] = text.get<std::string>();
    }
  }
  SFT_ASSIGN_OR_RETURN(run.config, ConfigFromFields(fields));
  NoteLaterOptions(later, run.config);
  return run;
}

// The whole number of a place's column; nullopt for anything else.
std::optional<size_t> PlaceOf(std::string_view column) {
  const size_t begin = column.find_first_not_of(' ');
  if (begin == std::string_view::npos) return std::nullopt;
  size_t place = 0;
  const char* end = column.data() + column.size();
  const auto read = std::from_chars(column.data() + begin, end, place);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return place;
}

}  // namespace

bool IsManifest(std::string_view text) {
  return text.substr(0, sizeof(kManifestStart) - 1) == kManifestStart;
}

std::string ManifestText(const RunPlan& plan) {
  // Runs are most like each other; the untuned ones, which are not, stand
  // first.
  const ConfigTexts common =
      plan.runs.empty() ? ConfigTexts() : ConfigFields(plan.runs.back().config);
  Json header = PlanHeaderToJson(plan);
  header["config"] = common;
  // The version comes first: it tells a manifest from other JSON.
  std::string text = absl::StrCat(kManifestStart, kManifestVersion, ",",
                                  formats::JsonText(header).substr(1), "\n");
  std::vector<size_t> places;
  places.reserve(plan.runs.size());
  for (const PlannedRun& run : plan.runs) {
    places.push_back(text.size());
    absl::StrAppend(
        &text,
        formats::JsonText(
            {{"run_id", run.run_id},
             {"axes", run.axes},
             {"baseline_id", run.baseline_id},
             {"untuned_id", run.untuned_id},
             {"config", Differences(ConfigFields(run.config), common)}}),
        "\n");
  }
  const size_t index = text.size();
  for (const size_t place : places)
    absl::StrAppendFormat(&text, "%12d\n", place);
  absl::StrAppend(&text, LastLine(index, places.size(), Sha256Hex(text)));
  return text;
}

absl::StatusOr<ManifestReader> ManifestReader::Open(const std::string& where,
                                                    std::string_view bytes,
                                                    LaterOptions later) {
  const auto broken = [&where](const std::string& what) {
    return InputError(where, absl::StrCat("is no whole manifest: ", what));
  };
  static const size_t last_bytes = LastLine(0, 0, std::string(64, '0')).size();
  const size_t header_end = bytes.find('\n');
  if (!IsManifest(bytes) || header_end == std::string_view::npos ||
      bytes.size() < header_end + 1 + last_bytes) {
    return broken("it does not begin or end as one");
  }
  ManifestReader reader;
  reader.where_ = where;
  reader.bytes_ = bytes;
  reader.later_ = std::move(later);
  const size_t body = bytes.size() - last_bytes;
  const absl::StatusOr<Json> last = formats::ParseJson(bytes.substr(body));
  const absl::StatusOr<Json> header =
      formats::ParseJson(bytes.substr(0, header_end));
  if (!last.ok()) return broken(ToStd(last.status().message()));
  if (!header.ok()) return broken(ToStd(header.status().message()));
  try {
    last->at("index").get_to(reader.index_);
    last->at("runs").get_to(reader.runs_);
    last->at("sha256").get_to(reader.digest_);
    if (const int version = header->at("manifest_version").get<int>();
        version != kManifestVersion) {
      return broken(absl::StrCat("manifest_version = ", version, ": wanted ",
                                 kManifestVersion));
    }
    reader.header_ = PlanHeaderFromJson(*header);
    header->at("config").get_to(reader.config_);
  } catch (const Json::exception& error) {
    return broken(error.what());
  }
  if (reader.index_ <= header_end || reader.index_ > body ||
      (body - reader.index_) % kPlaceBytes != 0 ||
      (body - reader.index_) / kPlaceBytes != reader.runs_) {
    return broken("its index is not where the last line says");
  }
  return reader;
}

absl::StatusOr<std::string_view> ManifestReader::Line(size_t index) const {
  if (index >= runs_) {
    return InputError(where_, absl::StrCat("index = ", index, ": has ", runs_,
                                           " runs, counted from 0"));
  }
  const std::optional<size_t> place =
      PlaceOf(bytes_.substr(index_ + index * kPlaceBytes, kPlaceColumns));
  const size_t end = place ? bytes_.find('\n', *place) : bytes_.npos;
  if (end == bytes_.npos || end >= index_) {
    return InputError(where_, absl::StrCat("is damaged: the place of run ",
                                           index, " is none of its lines"));
  }
  return bytes_.substr(*place, end - *place);
}

absl::StatusOr<PlannedRun> ManifestReader::Run(size_t index) const {
  SFT_ASSIGN_OR_RETURN(const std::string_view line, Line(index));
  const std::string where = absl::StrCat(where_, ":", index + 2);
  const absl::StatusOr<Json> json = formats::ParseJson(line);
  if (!json.ok()) return InputError(where, ToStd(json.status().message()));
  try {
    absl::StatusOr<PlannedRun> run = RunFromJson(*json, config_, later_);
    if (!run.ok()) return InputError(where, ToStd(run.status().message()));
    return run;
  } catch (const Json::exception& error) {
    return InputError(where, absl::StrCat("is no run: ", error.what()));
  }
}

absl::StatusOr<size_t> ManifestReader::IndexOf(std::string_view run_id) const {
  // Keys stand in their order, so that no other text of a line is like it.
  const std::string wanted =
      absl::StrCat(",\"run_id\":\"", ToAbsl(run_id), "\",\"untuned_id\":\"");
  for (size_t i = 0; i < runs_; ++i) {
    SFT_ASSIGN_OR_RETURN(const std::string_view line, Line(i));
    const size_t at = line.rfind(wanted);
    if (at != line.npos) return i;
  }
  return absl::NotFoundError(
      absl::StrCat(where_, ": has no run '", ToAbsl(run_id), "'"));
}

absl::StatusOr<RunPlan> ManifestReader::Plan() const {
  const size_t body = index_ + runs_ * kPlaceBytes;
  if (Sha256Hex(bytes_.substr(0, body)) != digest_) {
    return InputError(where_, "is damaged: its SHA-256 does not match");
  }
  RunPlan plan = header_;
  plan.runs.reserve(runs_);
  for (size_t i = 0; i < runs_; ++i) {
    SFT_ASSIGN_OR_RETURN(PlannedRun run, Run(i));
    plan.runs.push_back(std::move(run));
  }
  return plan;
}

}  // namespace sft::spec
