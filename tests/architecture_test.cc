// The rules of harness/DESIGN.md, read off the sources: who includes whom, no
// LibTorch in .cu files, in metrics and in analysis, no file that is too long.
// The build enforces the first one too; names_test.cc has the rules about
// names.
#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/sources.h"

namespace sft::guards::architecture_test {
namespace {

constexpr int kMaxLines = 450;

struct Rule {
  std::string folder;                // whose files
  std::vector<std::string> allowed;  // prefixes, besides the folder itself
};

// The first rule whose folder holds the file is the one that counts.
const std::vector<Rule>& Rules() {
  static const std::string kCore = "harness/core/", kSpec = "harness/spec/",
                           kFormats = "harness/formats/",
                           kText = "harness/text/", kData = "harness/data/",
                           kKernels = "harness/kernels/",
                           kMetrics = "harness/metrics/",
                           kModel = "harness/model/", kTrain = "harness/train/",
                           kEval = "harness/eval/", kRecord = "harness/record/",
                           kMeasure = "harness/measure/",
                           kSearch = "harness/search/",
                           kAnalysis = "harness/analysis/";
  static const std::vector<Rule> kRules = {
      {kCore, {}},
      {kSpec, {kCore, kFormats}},
      {kFormats, {kCore}},
      {kKernels, {kCore}},
      {kText, {kCore, kSpec, kFormats}},
      {kMetrics, {kCore, kSpec, kFormats, kText}},
      {kData, {kCore, kSpec, kFormats, kMetrics}},
      {kModel, {kCore, kSpec, kFormats, kKernels}},
      {kTrain, {kCore, kSpec, kFormats, kText, kData, kModel, kKernels}},
      {kEval, {kCore, kSpec, kFormats, kText, kMetrics, kData, kModel}},
      {kMeasure, {kCore, kSpec, kText, kData, kModel, kKernels, "version.h"}},
      {kRecord, {kCore, kSpec}},
      {kSearch, {kCore, kSpec, kRecord}},
      {"harness/launch/",
       {kCore, kSpec, kFormats, kText, kMetrics, kData, kModel, kTrain, kEval,
        kMeasure, kRecord, kSearch}},
      {"harness/selfcheck/",
       {kCore, kSpec, kText, kData, kModel, kTrain, kEval, "harness/launch/"}},
      {kAnalysis, {kCore, kSpec, kMetrics, kRecord, kSearch}},
      {"harness/page/", {kCore, kSpec, kMetrics, kRecord, kSearch, kAnalysis}},
      {"methods/",
       {kCore, kSpec, kFormats, kData, kKernels, kModel, "harness/text/regex.h",
        "harness/train/method.h"}},
      {"datasets/", {kCore, kSpec, kFormats, kText, kData}},
      {"experiments/", {"harness/", "methods/", "datasets/", "version.h"}},
  };
  return kRules;
}

bool IsOurs(const std::string& include) {
  for (const char* top :
       {"harness/", "methods/", "datasets/", "experiments/", "tests/"}) {
    if (StartsWith(include, top)) return true;
  }
  return false;
}

bool IsTorch(const std::string& include) {
  for (const char* top : {"torch/", "ATen/", "c10/", "caffe2/"}) {
    if (StartsWith(include, top)) return true;
  }
  return false;
}

// (path, true if in quotes) of each #include.
std::vector<std::pair<std::string, bool>> Includes(const std::string& text) {
  static const std::regex kInclude(
      R"(^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"])");
  std::vector<std::pair<std::string, bool>> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_search(line, match, kInclude)) {
      found.emplace_back(match[2].str(), match[1].str() == "\"");
    }
  }
  return found;
}

void CheckIncludes(const std::string& path, const std::string& text,
                   std::vector<std::string>& violations) {
  const auto rule =
      std::find_if(Rules().begin(), Rules().end(),
                   [&](const Rule& r) { return StartsWith(path, r.folder); });
  if (rule == Rules().end()) {
    violations.push_back(path + ": no rule says what it may include");
    return;
  }
  const bool no_torch = path.ends_with(".cu") ||
                        StartsWith(path, "harness/metrics/") ||
                        StartsWith(path, "harness/analysis/");
  for (const auto& [include, quoted] : Includes(text)) {
    if (no_torch && IsTorch(include)) {
      violations.push_back(path + " includes LibTorch: " + include);
    }
    if (include.find("..") != std::string::npos ||
        (quoted && include.find('/') == std::string::npos &&
         include != "version.h")) {
      violations.push_back(path + " includes by a relative path: " + include);
    }
    if (!IsOurs(include) && include != "version.h") continue;
    bool allowed = StartsWith(include, rule->folder);
    for (const std::string& prefix : rule->allowed) {
      allowed = allowed || StartsWith(include, prefix);
    }
    if (!allowed) violations.push_back(path + " must not include " + include);
  }
}

// Two types of one name in one namespace are one to the linker, wherever they
// are written: in headers and, outside of anonymous namespaces, in .cc files.
void CheckTypeNames(const Sources& sources,
                    std::vector<std::string>& violations) {
  static const std::regex kType(
      R"(^(?:class|struct|enum class) (\w+)(?: final)?(?: : [^;]*)? ?\{)");
  static const std::regex kNamespace(R"(^namespace (?:([\w:]+) )?\{)");
  std::map<std::string, std::string> defined;  // type -> file
  for (const auto& [path, text] : sources) {
    if (path.ends_with(".inc")) continue;   // read into several namespaces
    std::vector<std::string> names = {""};  // of the namespaces, inwards
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      std::smatch match;
      if (std::regex_search(line, match, kNamespace)) {
        // What is in an anonymous one is the file's own.
        names.push_back(names.back() +
                        "::" + (match[1].matched ? match[1].str() : path));
      } else if (StartsWith(line, "}  // namespace") && names.size() > 1) {
        names.pop_back();
      }
      if (!std::regex_search(line, match, kType)) continue;
      const auto [at, is_new] =
          defined.emplace(names.back() + "::" + match[1].str(), path);
      // Twice in one file is two branches of an #if.
      if (!is_new && at->second != path) {
        violations.push_back(path + " defines " + at->first + ", as " +
                             at->second + " does");
      }
    }
  }
}

// No folder may lead back to itself: harness/a -> harness/a/b -> harness/a.
void CheckCircles(const Sources& sources,
                  std::vector<std::string>& violations) {
  std::map<std::string, std::set<std::string>> into;
  const auto folder = [](const std::string& path) {
    return path.substr(0, path.rfind('/'));
  };
  for (const auto& [path, text] : sources) {
    for (const auto& [include, quoted] : Includes(text)) {
      if (!IsOurs(include) || folder(include) == folder(path)) continue;
      into[folder(path)].insert(folder(include));
    }
  }
  std::map<std::string, int> state;  // 1: on the way, 2: done
  std::vector<std::string> way;
  const std::function<void(const std::string&)> walk =
      [&](const std::string& at) {
        state[at] = 1;
        way.push_back(at);
        for (const std::string& next : into[at]) {
          if (state[next] == 1) {
            std::string circle;
            for (auto i = std::find(way.begin(), way.end(), next);
                 i != way.end(); ++i) {
              circle += *i + " -> ";
            }
            violations.push_back("a circle of folders: " + circle + next);
          } else if (state[next] == 0) {
            walk(next);
          }
        }
        way.pop_back();
        state[at] = 2;
      };
  std::vector<std::string> folders;
  for (const auto& [from, to] : into) folders.push_back(from);
  for (const std::string& from : folders) {
    if (state[from] == 0) walk(from);
  }
}

// What differs between kinds of tasks is a property of their rows.
void CheckKindNames(const std::string& path, const std::string& text,
                    std::vector<std::string>& violations) {
  static const std::regex kCompared(R"(\btask(\.|->)kind\s*[!=]=)");
  if (std::regex_search(text, kCompared)) {
    violations.push_back(path + " asks which kind a task is");
  }
}

std::vector<std::string> Violations(const Sources& sources) {
  std::vector<std::string> violations;
  CheckTypeNames(sources, violations);
  CheckCircles(sources, violations);
  for (const auto& [path, text] : sources) {
    CheckIncludes(path, text, violations);
    CheckKindNames(path, text, violations);
    const auto lines = std::count(text.begin(), text.end(), '\n');
    if (lines > kMaxLines) {
      violations.push_back(path + " has " + std::to_string(lines) + " lines");
    }
  }
  return violations;
}

TEST_CASE("the sources keep the architecture's rules", "[architecture]") {
  const Sources sources =
      ReadSources({"harness", "methods", "datasets", "experiments"});
  CHECK_FALSE(sources.empty());
  for (const std::string& violation : Violations(sources)) {
    UNSCOPED_INFO(violation);
  }
  CHECK(Violations(sources).empty());
}

TEST_CASE("a file that breaks a rule is found", "[architecture]") {
  const auto [path, text] = GENERATE(table<std::string, std::string>({
      {"harness/core/a.h", "#include \"harness/spec/b.h\"\n"},
      {"harness/data/a.cc", "  #  include \"harness/train/b.h\"\n"},
      {"harness/data/a.cc", "#include \"harness/model/b.h\"\n"},
      {"harness/text/a.cc", "#include <harness/data/b.h>\n"},
      {"harness/train/a.cc", "#include \"methods/lora.h\"\n"},
      {"harness/eval/a.cc", "#include \"harness/train/trainer.h\"\n"},
      {"harness/analysis/a.cc", "#include \"harness/launch/b.h\"\n"},
      {"harness/analysis/a.cc", "#include <ATen/ATen.h>\n"},
      {"harness/metrics/a.cc", "#include \"harness/data/b.h\"\n"},
      {"harness/metrics/a.cc", "#include <ATen/ATen.h>\n"},
      {"harness/record/a.cc", "#include \"tests/support/paths.h\"\n"},
      {"harness/model/a.cc", "#include \"../core/b.h\"\n"},
      {"harness/model/a.cc", "#include \"b.h\"\n"},
      {"harness/spec/a.cc", "#include \"version.h\"\n"},
      {"harness/unheard_of/a.cc", "\n"},
      {"methods/a.cc", "#include \"harness/train/trainer.h\"\n"},
      {"methods/a.cc", "#include \"datasets/b.h\"\n"},
      {"harness/kernels/nf4/a.cc", "#include \"harness/model/model.h\"\n"},
      {"harness/formats/a.cc", "#include \"harness/text/b.h\"\n"},
      {"harness/kernels/nf4/a_cuda.cu", "#include <torch/torch.h>\n"},
      {"datasets/a.cc", "#include \"harness/model/model.h\"\n"},
      {"experiments/a.cc", "#include \"tests/support/paths.h\"\n"},
      {"harness/eval/a.cc", "if (task.kind == \"generation\") return;\n"},
      {"harness/launch/a.cc", "return input.task->kind !=\n    name;\n"},
      {"datasets/long.cc", std::string(kMaxLines + 1, '\n')},
  }));
  CAPTURE(path, text);
  CHECK(Violations({{path, text}}).size() == 1);
}

TEST_CASE("a type of one name in two files is found", "[architecture]") {
  const std::string a = "namespace sft {\nclass A {\n};\n}  // namespace sft\n";
  const std::string same =
      "namespace sft {\nstruct A final : B {\n};\n}  // namespace sft\n";
  CHECK(Violations({{"harness/core/a.h", a}, {"harness/core/b.h", same}})
            .size() == 1);
  CHECK(Violations({{"harness/core/a.h", a}, {"harness/text/b.cc", same}})
            .size() == 1);
}

TEST_CASE("a circle of folders is found", "[architecture]") {
  const Sources sources = {
      {"harness/data/a.h", "#include \"harness/data/user/b.h\"\n"},
      {"harness/data/user/b.h", "#include \"harness/data/c.h\"\n"}};
  const std::vector<std::string> found = Violations(sources);
  REQUIRE(found.size() == 1);
  CHECK(found[0].find("harness/data -> harness/data/user -> harness/data") !=
        std::string::npos);
}

TEST_CASE("what the rules allow is not reported", "[architecture]") {
  const Sources sources = {
      {"harness/train/trainer.cc",
       "#include \"absl/status/status.h\"\n#include \"harness/data/batch.h\"\n"
       "#include \"harness/train/trainer.h\"\n#include <ATen/ATen.h>\n"},
      {"methods/lora.cc",
       "#include \"harness/train/method.h\"\n#include \"methods/lora.h\"\n"
       "#include \"harness/kernels/nf4/nf4.h\"\n"},
      {"harness/kernels/nf4/a.cu", "#include <cuda_runtime.h>\n"},
      {"harness/measure/a.cc", "#include \"version.h\"\n"},
      {"harness/data/a.cc",
       "namespace sft::data {\nnamespace {\nstruct A {\n};\n"
       "}  // namespace\n}  // namespace sft::data\n"},
      {"harness/data/b.cc",
       "namespace sft::data {\nnamespace {\nstruct A {\n};\n"
       "}  // namespace\n}  // namespace sft::data\n"},
      {"harness/text/b.h",
       "namespace sft::text {\nstruct B {\n};\n}  // namespace sft::text\n"},
      {"harness/data/c.h",
       "namespace sft::data {\nstruct B {\n};\n}  // namespace sft::data\n"},
      {"experiments/sftbench.cc", "#include \"methods/registry.h\"\n"},
      {"datasets/long.cc", std::string(kMaxLines, '\n')},
  };
  CHECK(Violations(sources).empty());
}

}  // namespace
}  // namespace sft::guards::architecture_test
