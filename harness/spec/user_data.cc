#include "harness/spec/user_data.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/numbers.h"
#include "harness/core/fields.h"
#include "harness/core/packed_file.h"
#include "harness/core/status.h"
#include "harness/formats/json.h"
#include "harness/spec/complaints.h"

namespace sft::spec {
namespace {

using Json = nlohmann::json;
using Kind = YamlNode::Kind;

// The one list of keys, by what stands at them.
struct Keys {
  UserData& data;
  std::map<std::string, std::string*> texts() {
    return {{"name", &data.name},
            {"path", &data.path},
            {"validation", &data.validation},
            {"test", &data.test},
            {"format", &data.format},
            {"target", &data.target},
            {"task", &data.task},
            {"scheme", &data.scheme},
            {"cut_spans", &data.cut_spans},
            {"template", &data.prompt_template},
            {"max_new_tokens", &data.max_new_tokens}};
  }
  std::map<std::string, std::vector<std::string>*> lists() {
    return {{"labels", &data.labels},
            {"metrics", &data.metrics},
            {"tag_names", &data.tag_names},
            {"stop", &data.stop}};
  }
  std::map<std::string, std::map<std::string, std::string>*> maps() {
    return {{"columns", &data.columns}, {"prepare", &data.prepare}};
  }
};

// Keys of the block that are cleaning's and reading's, as those of prepare:
// are.
const std::vector<std::string>& PrepareKeys() {
  static const auto& keys = *new std::vector<std::string>{
      "on_bad_row", "delimiter", "quote", "header", "rows"};
  return keys;
}

// "" or what is wrong with it.
std::string Complaint(const UserData& data) {
  if (data.name.empty() ||
      data.name.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") !=
          std::string::npos) {
    return absl::StrCat("name '", data.name,
                        "': wanted letters, digits, _ and -");
  }
  if (data.path.empty()) return "needs path: the file of rows";
  if ((data.format == "parallel") != !data.target.empty()) {
    return "target: names the translations' file of format: parallel, which "
           "needs it";
  }
  if (data.format == "parallel" &&
      !(data.test.empty() && data.validation.empty())) {
    return "format: parallel is split by split:, it takes no test: and "
           "validation:";
  }
  int64_t tokens = 0;
  if (!data.max_new_tokens.empty() &&
      (!absl::SimpleAtoi(data.max_new_tokens, &tokens) || tokens < 1)) {
    return absl::StrCat("max_new_tokens '", data.max_new_tokens,
                        "': wanted a number of at least 1");
  }
  return "";
}

std::string JsonLine(const Json& json) {
  return json.dump(-1, ' ', /*ensure_ascii=*/true,
                   Json::error_handler_t::replace);
}

// ".csv.gz" of "data/reviews.v2.csv.gz"; ".gz" where the format is stated.
std::string EndingOf(const std::string& path, bool by_name) {
  const std::string unpacked = WithoutPacking(path);
  const std::string packed = path.substr(unpacked.size());
  if (!by_name) return packed;
  const std::string file = unpacked.substr(unpacked.rfind('/') + 1);
  const size_t dot = file.rfind('.');
  return absl::StrCat(dot == std::string::npos ? "" : file.substr(dot), packed);
}

// "reviews" of "data/reviews.csv.gz".
std::string StemOf(const std::string& path) {
  const std::string file = path.substr(path.rfind('/') + 1);
  return file.substr(0, file.find('.'));
}

class DataMapReader {
 public:
  explicit DataMapReader(const std::string& path) : path_(path) {}

  absl::StatusOr<UserData> Read(const YamlNode& node) const {
    if (node.kind != Kind::kMap) {
      return Error(node, absl::StrCat("data: wanted a map, found ",
                                      ToAbsl(node.KindName())));
    }
    UserData data;
    data.spec = path_;
    data.lines[""] = node.line;
    Keys keys{data};
    const auto texts = keys.texts();
    const auto lists = keys.lists();
    const auto maps = keys.maps();
    Complaints complaints;
    for (const auto& [key, value] : node.entries) {
      data.lines[key.text] = key.line;
      if (const auto text = texts.find(key.text); text != texts.end()) {
        complaints.Add(Scalar(key, value, *text->second));
      } else if (const auto list = lists.find(key.text); list != lists.end()) {
        complaints.Add(List(key, value, *list->second));
        if (key.text == "stop" && data.stop.empty()) data.stop = {""};
      } else if (const auto map = maps.find(key.text); map != maps.end()) {
        complaints.Add(Map(key, value, *map->second));
      } else if (std::count(PrepareKeys().begin(), PrepareKeys().end(),
                            key.text) > 0) {
        complaints.Add(Scalar(key, value, data.prepare[key.text]));
      } else if (key.text == "split") {
        std::vector<std::string> shares;
        complaints.Add(List(key, value, shares));
        data.prepare[key.text] = CanonicalText(shares);
      } else {
        complaints.Add(Unknown(key));
      }
    }
    if (data.name.empty()) data.name = StemOf(data.path);
    // A key that was refused seems to be missing.
    if (!complaints.empty()) return complaints.ToStatus();
    const std::string complaint = Complaint(data);
    if (!complaint.empty()) return Error(node, "data: " + complaint);
    for (std::string* path :
         {&data.path, &data.target, &data.validation, &data.test}) {
      complaints.Add(FindPath(node, *path));
    }
    if (!complaints.empty()) return complaints.ToStatus();
    return data;
  }

 private:
  absl::Status Error(const YamlNode& node, std::string_view what) const {
    return InputError(absl::StrCat(path_, ":", node.line), what);
  }
  absl::Status Unknown(const YamlNode& key) const {
    UserData none;
    Keys keys{none};
    std::vector<std::string> known = PrepareKeys();
    known.push_back("split");
    for (const auto& [name, where] : keys.texts()) known.push_back(name);
    for (const auto& [name, where] : keys.lists()) known.push_back(name);
    for (const auto& [name, where] : keys.maps()) known.push_back(name);
    return Error(
        key, absl::StrCat("unknown key '", key.text.substr(0, 80),
                          "' under data:", NearestOrKnown(key.text, known)));
  }
  // Of the working directory's and the spec folder's file, the one there is.
  absl::Status FindPath(const YamlNode& node, std::string& path) const {
    namespace fs = std::filesystem;
    std::error_code error;
    if (path.empty() || fs::path(path).is_absolute()) return absl::OkStatus();
    const fs::path beside = fs::path(path_).parent_path() / path;
    if (fs::path(path_).parent_path().empty() || !fs::exists(beside, error)) {
      return absl::OkStatus();
    }
    if (!fs::exists(path, error)) {
      path = beside.lexically_normal().string();
    } else if (!fs::equivalent(path, beside, error)) {
      return Error(node,
                   absl::StrCat("data: '", path,
                                "' is a file of the working directory and "
                                "another one beside the spec; write its whole "
                                "path"));
    }
    return absl::OkStatus();
  }
  absl::Status Scalar(const YamlNode& key, const YamlNode& value,
                      std::string& out) const {
    if (value.kind == Kind::kScalar) {
      out = value.text;
      return absl::OkStatus();
    }
    return Error(value,
                 absl::StrCat(key.text, ": wanted a single value, found ",
                              ToAbsl(value.KindName())));
  }
  absl::Status List(const YamlNode& key, const YamlNode& value,
                    std::vector<std::string>& out) const {
    if (value.kind != Kind::kList) {
      return Error(value, absl::StrCat(key.text, ": wanted a list, found ",
                                       ToAbsl(value.KindName())));
    }
    for (const YamlNode& item : value.items) {
      SFT_RETURN_IF_ERROR(Scalar(key, item, out.emplace_back()));
    }
    return absl::OkStatus();
  }
  absl::Status Map(const YamlNode& key, const YamlNode& value,
                   std::map<std::string, std::string>& out) const {
    if (value.kind != Kind::kMap) {
      return Error(value, absl::StrCat(key.text, ": wanted a map, found ",
                                       ToAbsl(value.KindName())));
    }
    for (const auto& [name, text] : value.entries) {
      SFT_RETURN_IF_ERROR(Scalar(name, text, out[name.text]));
    }
    return absl::OkStatus();
  }

  const std::string& path_;
};

}  // namespace

std::string UserData::Where(const std::string& key) const {
  const std::string set = absl::StrCat("data ", name);
  auto line = lines.find(key);
  if (line == lines.end()) line = lines.find("");
  if (spec.empty() || line == lines.end()) return set;
  return absl::StrCat(spec, ":", line->second, ": ", set);
}

std::string UserDataToJson(const UserData& data) {
  UserData copy = data;
  Keys keys{copy};
  Json json = Json::object();
  for (const auto& [key, text] : keys.texts()) {
    if (!text->empty()) json[key] = *text;
  }
  for (const auto& [key, list] : keys.lists()) {
    if (!list->empty()) json[key] = *list;
  }
  for (const auto& [key, map] : keys.maps()) {
    if (!map->empty()) json[key] = *map;
  }
  return JsonLine(json);
}

absl::StatusOr<UserData> UserDataFromJson(const std::string& name,
                                          const std::string& text) {
  const std::string where = "data." + name;
  Json json;
  if (formats::ReadJsonInto(text, formats::kMaxJsonDepth, json) ||
      !json.is_object()) {
    return InputError(where, "is no JSON object");
  }
  UserData data;
  Keys keys{data};
  try {
    for (const auto& [key, field] : keys.texts()) {
      if (json.contains(key)) json.at(key).get_to(*field);
    }
    for (const auto& [key, field] : keys.lists()) {
      if (json.contains(key)) json.at(key).get_to(*field);
    }
    for (const auto& [key, field] : keys.maps()) {
      if (json.contains(key)) json.at(key).get_to(*field);
    }
  } catch (const Json::exception& e) {
    return InputError(where, e.what());
  }
  const std::string complaint = Complaint(data);
  if (!complaint.empty()) return InputError(where, complaint);
  return data;
}

std::string UserDataByContent(const std::string& json) {
  Json data;
  if (formats::ReadJsonInto(json, formats::kMaxJsonDepth, data) ||
      !data.is_object()) {
    return json;
  }
  const bool by_name = data.value("format", Json("auto")) == "auto";
  for (const char* key : {"path", "target", "validation", "test"}) {
    const auto path = data.find(key);
    if (path == data.end() || !path->is_string()) continue;
    *path = EndingOf(path->get<std::string>(), by_name);
  }
  return JsonLine(data);
}

absl::StatusOr<UserData> ReadDataMap(const std::string& path,
                                     const YamlNode& node) {
  return DataMapReader(path).Read(node);
}

std::string DataMapName(const YamlNode& node) {
  std::string path;
  for (const auto& [key, value] : node.entries) {
    if (key.text == "name") return value.text;
    if (key.text == "path") path = value.text;
  }
  return StemOf(path);
}

}  // namespace sft::spec
