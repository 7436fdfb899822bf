#include "harness/spec/run_config.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "harness/core/digest.h"
#include "harness/core/status.h"
#include "harness/spec/user_data.h"

namespace sft::spec {
namespace {

constexpr char kDataPrefix[] = "data.";

// Of RunConfig's own fields.
const LaterOptions& LaterFields() {
  static const auto& fields =
      *new LaterOptions(LaterOptionsOf(DescribeFields<RunConfig>()));
  return fields;
}

bool IsLeftOut(const std::string& name, const std::string& value,
               const LaterOptions& later) {
  const auto it = later.find(name);
  return it != later.end() && it->second == value;
}

}  // namespace

LaterOptions LaterOptionsOf(const std::vector<FieldSpec>& options) {
  LaterOptions later;
  for (const FieldSpec& option : options) {
    if (option.is_later) later[option.name] = option.default_text;
  }
  return later;
}

void NoteLaterOptions(const LaterOptions& later, RunConfig& config) {
  for (const auto& [name, text] : later) {
    if (config.method_options.contains(name)) config.later_options[name] = text;
  }
}

std::map<std::string, std::string> ConfigFields(const RunConfig& config) {
  std::map<std::string, std::string> fields = PrintFields(config);
  fields.insert(config.method_options.begin(), config.method_options.end());
  for (const auto& [name, json] : config.user_data) {
    fields[kDataPrefix + name] = json;
  }
  return fields;
}

absl::StatusOr<RunConfig> ConfigFromFields(
    const std::map<std::string, std::string>& fields) {
  RunConfig config;
  SFT_RETURN_IF_ERROR(ReadFields(fields, config));
  const std::map<std::string, std::string> own = PrintFields(config);
  std::vector<std::string> names;
  for (const auto& [name, text] : own) names.push_back(name);
  for (const auto& [name, text] : fields) {
    if (own.count(name) != 0) continue;
    if (name.rfind(kDataPrefix, 0) == 0) {
      config.user_data[name.substr(sizeof(kDataPrefix) - 1)] = text;
      continue;
    }
    // Options carry their method's name: "lora.rank".
    const size_t dot = name.find('.');
    if (dot == std::string::npos || dot == 0 || name.rfind("budget.", 0) == 0 ||
        name.rfind("replay.", 0) == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown field '", name, "'", DidYouMean(name, names)));
    }
    config.method_options[name] = text;
  }
  return config;
}

std::string CanonicalConfigLine(const std::string& name,
                                const std::string& value,
                                const LaterOptions& later) {
  if (IsLeftOut(name, value, LaterFields()) || IsLeftOut(name, value, later)) {
    return "";
  }
  return absl::StrCat(name, " = ", value, "\n");
}

std::string RunConfig::CanonicalConfigText() const {
  std::string text;
  for (const auto& [name, value] : ConfigFields(*this)) {
    text += CanonicalConfigLine(name, value, later_options);
  }
  return text;
}

absl::StatusOr<RunConfig> RunConfig::FromCanonicalText(std::string_view text) {
  std::map<std::string, std::string> fields;
  int line_number = 0;
  for (absl::string_view line : absl::StrSplit(ToAbsl(text), '\n')) {
    ++line_number;
    if (line.empty()) continue;
    const std::string where = absl::StrCat("config:", line_number);
    const size_t equals = line.find(" = ");
    if (equals == absl::string_view::npos || equals == 0) {
      return InputError(where, absl::StrCat("'", line.substr(0, 80),
                                            "': wanted 'name = value'"));
    }
    std::string name(line.substr(0, equals));
    std::string value(line.substr(equals + 3));
    if (!fields.emplace(name, std::move(value)).second) {
      return InputError(where, absl::StrCat("'", name, "' stands twice"));
    }
  }
  return ConfigFromFields(fields);
}

RunConfig ConfigByContent(const RunConfig& config,
                          const std::vector<std::string>& input_digests) {
  RunConfig copy = config;
  if (std::any_of(input_digests.begin(), input_digests.end(),
                  [](const std::string& digest) {
                    return absl::StartsWith(digest, kModelByContent);
                  })) {
    copy.model.clear();
  }
  for (auto& [name, json] : copy.user_data) json = UserDataByContent(json);
  return copy;
}

std::string MakeRunIdOfText(std::string_view text,
                            const std::vector<std::string>& input_digests) {
  Sha256 digest;
  digest.UpdateField(text);
  for (const std::string& input : input_digests) digest.UpdateField(input);
  return digest.Hex().substr(0, 16);
}

std::string MakeRunId(const RunConfig& config,
                      const std::vector<std::string>& input_digests) {
  return MakeRunIdOfText(
      ConfigByContent(config, input_digests).CanonicalConfigText(),
      input_digests);
}

}  // namespace sft::spec
