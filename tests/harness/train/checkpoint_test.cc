#include "harness/train/checkpoint.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "harness/core/files.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"

namespace sft::train::checkpoint_test {
namespace {

namespace fs = std::filesystem;

Checkpoint Sample() {
  Checkpoint c;
  c.run_id = "0123456789abcdef";
  c.round = 1;
  c.steps_in_round = 2;
  c.plan_sha256 = "abc";
  c.steps = {{.step = 1, .round = 0, .loss = 0.1 + 0.2, .grad_norm = 1e-300},
             {.step = 2, .round = 1, .loss = 1.0 / 3, .wall_seconds = 0.25}};
  c.trained = {{"w", at::arange(6, at::kFloat).reshape({2, 3})}};
  c.optimizer = {{"w.exp_avg", at::ones({2, 3})}, {"w.step", at::ones({})}};
  return c;
}

struct Written {
  Written() {
    REQUIRE(WriteCheckpoint(Sample(), path, [](const std::string& folder) {
              return WriteFileAtomically(folder + "/record.txt", "so far");
            }).ok());
  }
  std::vector<std::string> Entries() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder.path())) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }
  support::TempDir folder;
  std::string path = (folder.path() / "checkpoint").string();
};

TEST_CASE("a checkpoint reads back as it was", "[train][checkpoint]") {
  Written w;
  auto read = ReadCheckpoint(w.path, "0123456789abcdef");
  INFO(read.status().ToString());
  REQUIRE(read.ok());
  const Checkpoint want = Sample();
  CHECK(read->round == 1);
  CHECK(read->steps_in_round == 2);
  CHECK(read->plan_sha256 == "abc");
  REQUIRE(read->steps.size() == 2);
  CHECK(read->steps[0].loss == want.steps[0].loss);
  CHECK(read->steps[0].grad_norm == 1e-300);
  CHECK(read->steps[1].wall_seconds == 0.25);
  REQUIRE(read->trained.size() == 1);
  CHECK(read->trained[0].tensor.equal(want.trained[0].tensor));
  CHECK(read->optimizer.size() == 2);
  CHECK(read->method.empty());
  CHECK(fs::exists(w.path + "/record.txt"));
  CHECK(w.Entries() == std::vector<std::string>{"checkpoint"});
}

TEST_CASE("a checkpoint replaces the one before it", "[train][checkpoint]") {
  Written w;
  Checkpoint next = Sample();
  next.steps_in_round = 3;
  REQUIRE(WriteCheckpoint(next, w.path).ok());
  auto read = ReadCheckpoint(w.path, next.run_id);
  REQUIRE(read.ok());
  CHECK(read->steps_in_round == 3);
  CHECK_FALSE(fs::exists(w.path + "/record.txt"));
  CHECK(w.Entries() == std::vector<std::string>{"checkpoint"});
}

TEST_CASE("what is damaged is named", "[train][checkpoint]") {
  for (const char* name : {"trainable.safetensors", "optimizer.safetensors",
                           "method.safetensors", "state.json", "record.txt"}) {
    INFO(name);
    for (bool truncate : {false, true}) {
      Written w;
      const std::string path = w.path + "/" + name;
      if (truncate) {
        fs::resize_file(path, fs::file_size(path) / 2);
      } else {
        std::fstream file(path,
                          std::ios::in | std::ios::out | std::ios::binary);
        file.seekg(-1, std::ios::end);
        const char last = static_cast<char>(file.get());
        file.seekp(-1, std::ios::end);
        file.put(static_cast<char>(last ^ 1));
      }
      auto read = ReadCheckpoint(w.path, Sample().run_id);
      CHECK(absl::IsDataLoss(read.status()));
      CHECK(std::string(read.status().message()).find(name) !=
            std::string::npos);
    }
    Written w;
    fs::remove(w.path + "/" + name);
    CHECK(absl::IsDataLoss(ReadCheckpoint(w.path, Sample().run_id).status()));
  }
}

TEST_CASE("none, and one of another run, are told apart",
          "[train][checkpoint]") {
  Written w;
  CHECK(absl::IsNotFound(ReadCheckpoint(w.path + "x", "id").status()));
  CHECK(absl::IsFailedPrecondition(ReadCheckpoint(w.path, "id").status()));
}

TEST_CASE("a failed write leaves the old checkpoint and no half one",
          "[train][checkpoint]") {
  Written w;
  const absl::Status status =
      WriteCheckpoint(Sample(), w.path, [](const std::string&) {
        return absl::ResourceExhaustedError("disk full");
      });
  CHECK(absl::IsResourceExhausted(status));
  CHECK(ReadCheckpoint(w.path, Sample().run_id).ok());
  CHECK(w.Entries() == std::vector<std::string>{"checkpoint"});
}

}  // namespace
}  // namespace sft::train::checkpoint_test
