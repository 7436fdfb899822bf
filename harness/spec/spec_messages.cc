#include "harness/spec/spec_messages.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "harness/core/fields.h"
#include "harness/core/status.h"
#include "harness/spec/foreign_names.h"

namespace sft::spec {
namespace {

using Kind = YamlNode::Kind;

// How the keys at the top are written.
constexpr std::pair<std::string_view, std::string_view> kExamples[] = {
    {"train", "[NAME]"},
    {"evaluate", "{tasks: [NAME], retain: [NAME]}"},
    {"budget", "{steps: 100}"},
    {"replay", "{from: [earlier], share: 0.01}"},
    {"set", "{batch_size: 8}"},
    {"grid", "{method: [full, lora], seed: [0, 1, 2]}"},
    {"zip", "[{batch_size: [4, 8], gradient_accumulation_steps: [2, 1]}]"},
    {"cases", "[{when: {method: [lora]}, set: {learning_rate: 2.0e-4}}]"},
    {"when", "{method: [lora]}"},
    {"exclude", "[{method: full, learning_rate: [1.0e-3]}]"},
    {"baseline", "{method: full}"},
    {"select", "{by: validation_loss, per: [method]}"},
    {"search", "{kind: halving, rungs: 3}"},
    {"a spec", "train: [NAME]"},
    {"a case", "{when: {method: [lora]}, set: {learning_rate: 2.0e-4}}"},
    {"select.per", "[method, batching]"},
};

std::string Short(const std::string& text) { return text.substr(0, 80); }

}  // namespace

std::string UnknownKeyText(const YamlNode& key, const YamlNode* value,
                           std::string_view where,
                           const std::vector<std::string>& known) {
  std::string what =
      absl::StrCat("unknown key '", Short(key.text), "'", ToAbsl(where));
  const size_t colon = key.text.find(':');
  if (colon != std::string::npos && value != nullptr &&
      value->kind == Kind::kNull) {
    return absl::StrCat(what, "; a space is missing after ':', write '",
                        Short(key.text.substr(0, colon)), ": ",
                        Short(key.text.substr(colon + 1)), "'");
  }
  // "lora: {rank: 8}" for "lora.rank: 8".
  for (const std::string& name : known) {
    if (absl::StartsWith(name, key.text + ".") && value != nullptr &&
        value->kind == Kind::kMap) {
      const std::string first =
          value->entries.empty()
              ? name
              : absl::StrCat(key.text, ".", value->entries[0].key.text);
      return absl::StrCat(what, "; options are written in one word, such as ",
                          absl::c_linear_search(known, first) ? first : name,
                          ": ...");
    }
  }
  if (const std::string remedy = RemedyForKey(key.text); !remedy.empty()) {
    return absl::StrCat(what, "; ", remedy);
  }
  if (known.size() <= 12) {
    return what + NearestOrKnown(key.text, known);
  }
  return what + DidYouMean(key.text, known,
                           "; 'sftbench list fields' shows what there is");
}

std::string WrongKindText(std::string_view name, Kind wanted,
                          const YamlNode& found) {
  YamlNode sample;
  sample.kind = wanted;
  std::string what =
      absl::StrCat(ToAbsl(name), ": wanted ", ToAbsl(sample.KindName()),
                   ", found ", ToAbsl(found.KindName()));
  if (found.kind == Kind::kScalar) {
    absl::StrAppend(&what, " '", Short(found.text), "'");
  }
  // "batch_size:8" is one word to YAML.
  const size_t colon = found.text.find(':');
  if (wanted == Kind::kMap && found.kind == Kind::kScalar &&
      colon != std::string::npos && colon + 1 < found.text.size() &&
      found.text[colon + 1] != ' ') {
    return absl::StrCat(what, "; a space is missing after ':'");
  }
  for (const auto& [key, example] : kExamples) {
    if (key != name) continue;
    absl::StrAppend(&what, "; write ");
    if (key.find(' ') == key.npos) absl::StrAppend(&what, ToAbsl(key), ": ");
    absl::StrAppend(&what, ToAbsl(example));
    if (found.kind == Kind::kNull && wanted == Kind::kMap) {
      absl::StrAppend(&what, ", or its keys below it, indented by two spaces");
    }
    return what;
  }
  if (wanted == Kind::kList && found.kind == Kind::kScalar) {
    absl::StrAppend(&what, "; write [", Short(found.text), "]");
  }
  if (wanted == Kind::kScalar && found.kind == Kind::kMap) {
    absl::StrAppend(&what,
                    "; text that begins with '{' or holds ': ' wants "
                    "quotes");
  }
  return what;
}

std::string UnknownNameText(std::string_view kind, const std::string& name,
                            const std::vector<std::string>& known) {
  const std::string what =
      absl::StrCat("unknown ", ToAbsl(kind), " '", Short(name), "'");
  const std::vector<std::string> words =
      absl::StrSplit(name, absl::ByAnyChar(" ;"), absl::SkipEmpty());
  if (words.size() > 1 && absl::c_linear_search(known, words[0])) {
    return absl::StrCat(what, "; items of a list are separated by commas");
  }
  // Of these a user may bring others.
  const bool data = kind != "method" && kind != "batching method";
  if (data &&
      (absl::StrContains(name, "/") || absl::StrContains(name, ".csv") ||
       absl::StrContains(name, ".json") || absl::StrContains(name, ".tsv"))) {
    return absl::StrCat(what,
                        "; nothing is downloaded: a file of your own "
                        "becomes a data set under data:, with a name, a "
                        "path and a task (README, 'Your own data')");
  }
  if (known.empty()) return absl::StrCat(what, "; there is none");
  if (known.size() <= 12) return what + NearestOrKnown(name, known);
  return what + DidYouMean(name, known,
                           "; 'sftbench list datasets' shows what there is, "
                           "and a file of your own becomes one under data:");
}

std::string HeldOutText(const std::string& name) {
  return absl::StrCat("'", name,
                      "' is held-out text, which is neither trained on nor "
                      "answered; here it is evaluate: {retain: [",
                      name, "]}");
}

std::string UnknownModelText(const std::string& text,
                             const std::vector<std::string>& listed) {
  const std::string what = absl::StrCat("unknown model '", Short(text), "': ");
  if (text.empty()) return what + "wanted a folder, a .gguf file or a name";
  if (text[0] == '~' || text[0] == '$') {
    return absl::StrCat(what,
                        "~ and $ mean nothing in a spec; write the path "
                        "out");
  }
  for (const char* ending : {".safetensors", ".bin", ".pt", ".pth", ".json"}) {
    if (!absl::EndsWith(text, ending)) continue;
    return absl::StrCat(what,
                        "wanted the folder that holds it, with "
                        "config.json and tokenizer.json");
  }
  if (absl::StartsWith(text, "http:") || absl::StartsWith(text, "https:") ||
      absl::StartsWith(text, "hf://")) {
    return absl::StrCat(what,
                        "nothing is downloaded; fetch the model's files "
                        "first and name their folder");
  }
  const auto slashes = std::count(text.begin(), text.end(), '/');
  const bool hub = slashes == 1 && text[0] != '.' && text[0] != '/' &&
                   text.back() != '/' && !absl::EndsWith(text, ".gguf");
  if (hub) {
    const std::string folder = text.substr(text.find('/') + 1);
    return absl::StrCat(what,
                        "no such folder here, and nothing is downloaded; "
                        "'huggingface-cli download ",
                        Short(text), " --local-dir ", Short(folder),
                        "' gets it, then write model: ", Short(folder));
  }
  if (slashes > 0 || absl::EndsWith(text, ".gguf")) {
    return absl::StrCat(what,
                        "no such folder or file (paths start at the "
                        "working directory)");
  }
  return absl::StrCat(
      what, "no folder here and no listed name",
      DidYouMean(text, listed,
                 absl::StrCat("; listed are ", CanonicalText(listed),
                              "; a folder with config.json, model.safetensors "
                              "and tokenizer.json, or a .gguf file, is named "
                              "by its path")));
}

}  // namespace sft::spec
