// version: what the program is built from, and whose libraries are in it.
#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <gnu/libc-version.h>
#include <torch/version.h>

#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "experiments/command_line.h"
#include "experiments/embedded/build_facts.h"
#include "harness/core/status.h"
#include "harness/measure/provenance.h"
#include "version.h"

namespace sft::experiments {
namespace {

struct VersionFlags {
  bool full = false, json = false;
};

void DeclareVersion(CLI::App& app, VersionFlags& flags) {
  app.add_flag("--full", flags.full,
               "with compiler, flags, instruction set, and every library with "
               "version and licence");
  app.add_flag("--json", flags.json, "print JSON");
}

// A row of third_party/components.tsv.
struct Component {
  std::string name, version, licence, used_for;
};

// "library NAME" -> version, and what else the build wrote down.
std::map<std::string, std::string> BuildFacts() {
  std::map<std::string, std::string> facts;
  for (absl::string_view line :
       absl::StrSplit(ToAbsl(embedded::kBuildFactsTxt), '\n')) {
    const std::vector<std::string> parts =
        absl::StrSplit(line, absl::MaxSplits('\t', 1));
    if (parts.size() == 2) facts[parts[0]] = parts[1];
  }
  // What the headers and the system say themselves.
  facts["library LibTorch"] = TORCH_VERSION;
  facts["library GNU OpenMP"] = "of LibTorch's wheel";
  facts["library GNU C library"] = gnu_get_libc_version();
  facts["library GNU C++ library"] = absl::StrCat(__GLIBCXX__);
  return facts;
}

std::vector<Component> Components(
    const std::map<std::string, std::string>& facts) {
  std::vector<Component> out;
  const std::vector<std::string> lines =
      absl::StrSplit(ToAbsl(embedded::kComponentsTsv), '\n', absl::SkipEmpty());
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string> cells = absl::StrSplit(lines[i], '\t');
    if (cells.size() < 5) continue;
    const auto version = facts.find(absl::StrCat("library ", cells[0]));
    out.push_back({cells[0], version == facts.end() ? "" : version->second,
                   cells[1], cells[4]});
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> ProgramFacts(
    const std::map<std::string, std::string>& build) {
  const std::map<std::string, std::string> here =
      measure::BuildProvenance(TheWorkbench().build, at::kCPU);
  std::vector<std::pair<std::string, std::string>> out;
  for (const char* name : {"revision", "dirty"}) {
    out.emplace_back(name, here.at(name));
  }
  for (const char* name :
       {"compiler", "build", "flags", "sanitizers", "cuda_kernels"}) {
    const auto found = build.find(name);
    out.emplace_back(name, found == build.end() ? "" : found->second);
  }
  for (const char* name : {"torch", "instruction_set", "kernels", "threads"}) {
    out.emplace_back(name, here.at(name));
  }
  out.emplace_back("processor", measure::CpuModel());
  return out;
}

std::string ShortVersion() {
  return absl::StrCat("sftbench ", SFTBENCH_GIT_REVISION,
                      SFTBENCH_GIT_DIRTY ? " (changed)" : "", ", LibTorch ",
                      TORCH_VERSION);
}

absl::StatusOr<int> RunVersion(const VersionFlags& flags) {
  if (!flags.full && !flags.json) {
    printf("%s\n", ShortVersion().c_str());
    return kExitGood;
  }
  const std::map<std::string, std::string> build = BuildFacts();
  const auto facts = ProgramFacts(build);
  const std::vector<Component> components = Components(build);
  if (flags.json) {
    nlohmann::ordered_json out;
    for (const auto& [name, value] : facts) out[name] = value;
    out["libraries"] = nlohmann::ordered_json::array();
    for (const Component& c : components) {
      out["libraries"].push_back({{"name", c.name},
                                  {"version", c.version},
                                  {"licence", c.licence},
                                  {"used_for", c.used_for}});
    }
    printf("%s\n", out.dump(1).c_str());
    return kExitGood;
  }
  std::vector<std::vector<std::string>> rows = {{"program", "value"}};
  for (const auto& [name, value] : facts) rows.push_back({name, value});
  PrintColumns(rows);
  printf("\n");
  rows = {{"library", "version", "licence", "used for"}};
  for (const Component& c : components) {
    rows.push_back({c.name, c.version, c.licence, c.used_for});
  }
  PrintColumns(rows);
  return kExitGood;
}

}  // namespace

std::vector<Command> VersionCommands() {
  return {MakeCommand({.name = "version",
                       .usage = "version [--full] [--json]",
                       .summary = "What this program is built from.",
                       .help = R"(
Revision and LibTorch's version, as --version has them; with --full also the
compiler and its flags, the instruction set that LibTorch's kernels and ours
use here, threads, and each library with version and licence. Where a licence's
text lies, and what these libraries need in turn, is in third_party/NOTICES.md.
  sftbench version --full
)"},
                      DeclareVersion, RunVersion)};
}

}  // namespace sft::experiments
