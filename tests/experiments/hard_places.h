// Sweeps in hard places: full disks, poor file systems, odd processes. What the
// tests of them share.
#ifndef TESTS_EXPERIMENTS_HARD_PLACES_H_
#define TESTS_EXPERIMENTS_HARD_PLACES_H_

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/require.h"
#include "tests/support/skips.h"
#include "tests/support/subprocess.h"

namespace sft::experiments {

using Words = std::vector<std::string>;

// A folder with the spec of a sweep, the untuned model's run and one of four
// steps a method, and what an undisturbed sweep of it leaves.
class HardPlace {
 public:
  explicit HardPlace(const std::string& method = "lora", size_t runs = 2) {
    support::RequireAssets("models/glassllm/config.json");
    std::ofstream(spec()) << "question: what is left where nothing is easy?\n"
                             "model: glassllm\n"
                             "train: [bbc_headlines]\n"
                             "evaluate: {tasks: [bbc_headlines], "
                             "retain: [wiki_demo]}\n"
                             "budget: {steps: 4}\n"
                             "set: {batch_size: 2, max_length: 64, "
                             "test_limit: 8,\n"
                             "      validation_limit: 4, heldout_tokens: 128,\n"
                             "      heldout_window: 64, threads: 1}\n"
                             "grid: {method: ["
                          << method << "], seed: [0]}\n";
    // Once a method: the spec's text is the same wherever it lies.
    static std::map<std::string, support::TempDir> calm_folders;
    const auto [calm, is_new] = calm_folders.try_emplace(method);
    if (is_new) {
      const support::Finished done = support::RunProgram(Command("calm"));
      INFO(done.error);
      REQUIRE(done.exit_status == 0);
      std::filesystem::copy(path("calm/runs"), calm->second.path() / "runs");
    } else {
      std::filesystem::create_directory(path("calm"));
      std::filesystem::copy(calm->second.path() / "runs", path("calm/runs"));
    }
    REQUIRE(RecordsOf("calm").size() == runs);
  }

  std::string path(const std::string& name) const {
    return (dir_.path() / name).string();
  }
  std::string spec() const { return path("spec.yaml"); }
  // `run` of the spec into the folder `out`, with a checkpoint after each step.
  Words Command(const std::string& out, const Words& more = {}) const {
    Words words = {SFTBENCH_BINARY,      "run", spec(), "--out", path(out),
                   "--checkpoint-every", "0s"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  // The same under tests/shims/poor_system.cc.
  static Words Shimmed(const Words& variables, Words words) {
    Words all = {"/usr/bin/env", "LD_PRELOAD=" SFT_POOR_SYSTEM,
                 "ASAN_OPTIONS=verify_asan_link_order=0"};
    all.insert(all.end(), variables.begin(), variables.end());
    all.insert(all.end(), words.begin(), words.end());
    return all;
  }

  // Names in runs/: all that is there.
  std::set<std::string> RecordsOf(const std::string& out) const {
    std::set<std::string> names;
    std::error_code none;
    for (const auto& entry :
         std::filesystem::directory_iterator(path(out) + "/runs", none)) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }

  // The folder holds the undisturbed sweep's records, the same to the bit, and
  // besides them `attempts` records of attempts.
  void CheckWhole(const std::string& out, size_t attempts = 0) const {
    std::set<std::string> names = RecordsOf(out);
    CHECK(std::erase_if(names, [](const std::string& name) {
            return name.find(".attempt") != std::string::npos;
          }) == attempts);
    REQUIRE(names == RecordsOf("calm"));
    for (const std::string& name : names) {
      const support::Finished same = support::RunProgram(
          {SFTBENCH_BINARY, "verify", "--same", path("calm/runs/" + name),
           path(out + "/runs/" + name)});
      INFO(name << ": " << same.out << same.error);
      CHECK(same.exit_status == 0);
    }
  }

 private:
  support::TempDir dir_;
};

// Words that put a command into namespaces of its own; skips the case where the
// system does not let it have them.
inline Words InNamespaces(const Words& flags) {
  Words words = {"/usr/bin/unshare", "--user", "--map-root-user"};
  words.insert(words.end(), flags.begin(), flags.end());
  Words probe = words;
  probe.push_back("/bin/true");
  if (!std::filesystem::exists(words[0])) {
    support::Skip(support::Need::kTools, "no unshare (util-linux)");
  }
  if (support::RunProgram(probe).exit_status != 0) {
    support::Skip(support::Need::kMachine, "no namespaces of one's own");
  }
  return words;
}

inline Words Joined(Words first, const Words& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// How often `part` stands in `text`.
inline int TimesIn(const std::string& text, const std::string& part) {
  int times = 0;
  for (size_t at = text.find(part); at != std::string::npos;
       at = text.find(part, at + part.size())) {
    ++times;
  }
  return times;
}

}  // namespace sft::experiments

#endif  // TESTS_EXPERIMENTS_HARD_PLACES_H_
