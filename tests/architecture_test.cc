// The rules of harness/DESIGN.md, read off the sources: who includes whom, no
// LibTorch in .cu files and in analysis, no method's name in the trainer, no
// file that is too long. The build enforces the first one too.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Sources = std::map<std::string, std::string>;  // path -> text

constexpr int kMaxLines = 450;

struct Rule {
  std::string folder;                // whose files
  std::vector<std::string> allowed;  // prefixes, besides the folder itself
};

// The first rule whose folder holds the file is the one that counts.
const std::vector<Rule>& Rules() {
  static const std::string kCore = "harness/core/", kSpec = "harness/spec/",
                           kText = "harness/text/", kData = "harness/data/",
                           kModel = "harness/model/", kTrain = "harness/train/",
                           kEval = "harness/eval/", kRecord = "harness/record/",
                           kMeasure = "harness/measure/";
  static const std::vector<Rule> kRules = {
      {kCore, {}},
      {kSpec, {kCore}},
      {kText, {kCore, kSpec}},
      {kData, {kCore, kSpec}},
      {kModel, {kCore, kSpec, "methods/kernels/"}},
      {kTrain, {kCore, kSpec, kText, kData, kModel, "methods/kernels/"}},
      {kEval, {kCore, kSpec, kText, kData, kModel}},
      {kMeasure, {kCore, kSpec, kText, kData, kModel, "version.h"}},
      {kRecord, {kCore, kSpec}},
      {"harness/launch/",
       {kCore, kSpec, kText, kData, kModel, kTrain, kEval, kMeasure, kRecord}},
      {"harness/analysis/", {kCore, kSpec, kRecord}},
      {"methods/kernels/", {kCore}},
      {"methods/",
       {kCore, kSpec, kData, kModel, "harness/text/regex.h",
        "harness/train/method.h"}},
      {"datasets/", {kCore, kSpec, kText, kData}},
      {"experiments/", {"harness/", "methods/", "datasets/", "version.h"}},
  };
  return kRules;
}

bool StartsWith(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
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
  const bool no_torch =
      path.ends_with(".cu") || StartsWith(path, "harness/analysis/");
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

void CheckTrainer(const std::string& path, const std::string& text,
                  std::vector<std::string>& violations) {
  if (!StartsWith(path, "harness/train/trainer")) return;
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  for (const char* name : {"lora", "hft"}) {  // qlora holds lora
    if (lower.find(name) != std::string::npos) {
      violations.push_back(path + " names a method: " + name);
    }
  }
}

// Two types of one name in namespace sft are one to the linker.
void CheckTypeNames(const Sources& sources,
                    std::vector<std::string>& violations) {
  static const std::regex kType(R"(^(?:class|struct|enum class) (\w+)[^;]*\{)");
  std::map<std::string, std::string> defined;  // type -> header
  for (const auto& [path, text] : sources) {
    if (!path.ends_with(".h")) continue;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      std::smatch match;
      if (!std::regex_search(line, match, kType)) continue;
      const auto [at, is_new] = defined.emplace(match[1].str(), path);
      if (!is_new) {
        violations.push_back(path + " defines " + at->first + ", as " +
                             at->second + " does");
      }
    }
  }
}

std::vector<std::string> Violations(const Sources& sources) {
  std::vector<std::string> violations;
  CheckTypeNames(sources, violations);
  for (const auto& [path, text] : sources) {
    CheckIncludes(path, text, violations);
    CheckTrainer(path, text, violations);
    const auto lines = std::count(text.begin(), text.end(), '\n');
    if (lines > kMaxLines) {
      violations.push_back(path + " has " + std::to_string(lines) + " lines");
    }
  }
  return violations;
}

Sources ReadSources() {
  Sources sources;
  const fs::path root = SFT_SOURCE_DIR;
  for (const char* top : {"harness", "methods", "datasets", "experiments"}) {
    if (!fs::is_directory(root / top)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      const std::string extension = entry.path().extension().string();
      if (extension != ".h" && extension != ".cc" && extension != ".cu" &&
          extension != ".cuh") {
        continue;
      }
      std::ifstream file(entry.path());
      std::ostringstream text;
      text << file.rdbuf();
      sources[entry.path().lexically_relative(root).generic_string()] =
          text.str();
    }
  }
  return sources;
}

}  // namespace

TEST_CASE("the sources keep the architecture's rules", "[architecture]") {
  const Sources sources = ReadSources();
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
      {"harness/record/a.cc", "#include \"tests/support/paths.h\"\n"},
      {"harness/model/a.cc", "#include \"../core/b.h\"\n"},
      {"harness/model/a.cc", "#include \"b.h\"\n"},
      {"harness/spec/a.cc", "#include \"version.h\"\n"},
      {"harness/unheard_of/a.cc", "\n"},
      {"harness/core/a.h", "class A {\n};\nstruct A final : B {\n};\n"},
      {"harness/train/trainer.cc", "if (name == \"QLoRA\") return;\n"},
      {"harness/train/trainer_loop.h", "// HFT masks\n"},
      {"methods/a.cc", "#include \"harness/train/trainer.h\"\n"},
      {"methods/a.cc", "#include \"datasets/b.h\"\n"},
      {"methods/kernels/a.cc", "#include \"harness/model/model.h\"\n"},
      {"methods/kernels/a_cuda.cu", "#include <torch/torch.h>\n"},
      {"datasets/a.cc", "#include \"harness/model/model.h\"\n"},
      {"experiments/a.cc", "#include \"tests/support/paths.h\"\n"},
      {"datasets/long.cc", std::string(kMaxLines + 1, '\n')},
  }));
  CAPTURE(path, text);
  CHECK(Violations({{path, text}}).size() == 1);
}

TEST_CASE("what the rules allow is not reported", "[architecture]") {
  const Sources sources = {
      {"harness/train/trainer.cc",
       "#include \"absl/status/status.h\"\n#include \"harness/data/batch.h\"\n"
       "#include \"harness/train/trainer.h\"\n#include <ATen/ATen.h>\n"},
      {"methods/lora.cc",
       "#include \"harness/train/method.h\"\n#include \"methods/lora.h\"\n"
       "#include \"harness/kernels/nf4/nf4.h\"\n"},
      {"methods/kernels/a.cu", "#include <cuda_runtime.h>\n"},
      {"harness/measure/a.cc", "#include \"version.h\"\n"},
      {"experiments/sftbench.cc", "#include \"methods/registry.h\"\n"},
      {"datasets/long.cc", std::string(kMaxLines, '\n')},
  };
  CHECK(Violations(sources).empty());
}
