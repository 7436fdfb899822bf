// Where sweeps run that were not made for them: a full disk, file systems
// without links, exchange or locks, a folder that cannot be written, a clock
// that jumps, process 1 of a container, a second launcher, cards to share. Each
// case says in which state it ends.
#include "tests/experiments/hard_places.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "absl/strings/str_cat.h"
#include "harness/record/run_record.h"

namespace sft::experiments::hard_places_test {
namespace {
namespace fs = std::filesystem;

TEST_CASE("a full disk costs no attempt; freed, the same command goes on",
          "[experiments][disk][slow]") {
  const HardPlace place;
  const std::string filler = place.path("filler");
  int folder = 0;
  // A record, a checkpoint, the trained weights.
  for (const std::string part : {"/runs/", "/checkpoint", "/weights/"}) {
    INFO(part);
    const std::string out = "full" + std::to_string(++folder);
    const Words command = HardPlace::Shimmed(
        {"SFT_SHIM=full", "SFT_SHIM_FULL=" + part, "SFT_SHIM_FILLER=" + filler},
        place.Command(out, {"--max-attempts", "1"}));
    std::ofstream(filler) << "x";
    for (int call = 0; call < 2; ++call) {
      const support::Finished full = support::RunProgram(command);
      INFO(full.error);
      CHECK(full.exit_status == 1);
      CHECK(TimesIn(full.error, "the disk is full: " + place.path(out)) == 1);
      CHECK(TimesIn(full.error, "it needs ") == 1);
      CHECK(TimesIn(full.error, "type the same command") == 1);
      for (const std::string& name : place.RecordsOf(out)) {
        CHECK(fs::path(name).extension() == ".h5");
        CHECK(name.find(".attempt") == std::string::npos);
      }
    }
    fs::remove(filler);
    const support::Finished freed = support::RunProgram(command);
    INFO(freed.error);
    CHECK(freed.exit_status == 0);
    place.CheckWhole(out);
  }
}

TEST_CASE("a small disk that is really full", "[experiments][disk]") {
  const Words in_mounts = InNamespaces({"--mount"});
  struct Room {
    std::string part;  // what it is too small for
    int kib;
    std::string method;
    Words flags;
  };
  // Plan, logs and locks take some 30 KiB, a record some 40, all weights 3.3
  // MiB and a checkpoint of them three times that.
  for (const Room& room :
       {Room{"/runs/", 44, "lora", {"--keep-weights", "none"}},
        Room{"/checkpoint", 2048, "full", {"--checkpoint-every", "0s"}},
        Room{"/weights/", 2048, "full", {"--keep-weights", "all"}}}) {
    INFO(room.part);
    const HardPlace place(room.method);
    fs::create_directory(place.path("small"));
    const std::string script = absl::StrCat(
        "mount -t tmpfs -o size=32m none \"$1\" || exit 90\n"
        "head -c ",
        32 * 1024 - room.kib,
        "K /dev/zero > \"$1/filler\" || exit 91\n"
        "shift\n"
        "\"$@\" && exit 92\n"
        "ls \"$5/runs\" | grep -q attempt && exit 93\n"
        "rm \"$5/../filler\"\n"
        "\"$@\" || exit 94\n"
        "cp -r \"$5\" \"$5/../../kept\"\n");
    Words flags = {"--max-attempts", "1", "--checkpoint-every", "1h"};
    flags.insert(flags.end(), room.flags.begin(), room.flags.end());
    const support::Finished done = support::RunProgram(Joined(
        Joined(in_mounts, {"/bin/sh", "-c", script, "sh", place.path("small")}),
        place.Command("small/out", flags)));
    INFO(done.error);
    if (done.exit_status == 90) {
      support::Skip(support::Need::kMachine, "no mounts of one's own");
    }
    CHECK(done.exit_status == 0);
    CHECK(TimesIn(done.error, "the disk is full: ") == 1);
    const size_t said = done.error.find("the disk is full: ");
    CHECK(done.error.substr(0, done.error.find('\n', said))
              .find(room.part, std::min(said, done.error.size())) !=
          std::string::npos);
    place.CheckWhole("kept");
  }
}

TEST_CASE("cleaned rows that a disk has no room for are no fault of the file",
          "[experiments][disk]") {
  const Words in_mounts = InNamespaces({"--mount"});
  const support::TempDir folder;
  const std::string base = folder.path().string();
  fs::create_directory(base + "/small");
  std::ofstream table(base + "/rows.csv");
  table << "text,label\n";
  for (int i = 0; i < 4000; ++i) {
    table << "row number " << i << " of many " << std::string(100, 'x') << ","
          << (i % 2 == 0 ? "even" : "odd") << "\n";
  }
  table.close();
  const std::string script =
      "mount -t tmpfs -o size=128k none \"$1\" || exit 90\n"
      "shift\n"
      "\"$@\"\n"
      "status=$?\n"
      "ls -A \"$5\"\n"
      "exit $status\n";
  const support::Finished done = support::RunProgram(
      Joined(in_mounts,
             {"/bin/sh", "-c", script, "sh", base + "/small", SFTBENCH_BINARY,
              "data", base + "/rows.csv", "--out", base + "/small/out"}));
  INFO(done.error);
  if (done.exit_status == 90) {
    support::Skip(support::Need::kMachine, "no mounts of one's own");
  }
  CHECK(done.exit_status == 1);
  CHECK_THAT(done.error, Catch::Contains("error: " + base + "/small/out/") &&
                             Catch::Contains(": cannot be written: ") &&
                             Catch::Contains("it needs "));
  CHECK(done.out.find("train.jsonl") == std::string::npos);  // nothing half
}

TEST_CASE("a file system without links, exchange and locks serves, and says so",
          "[experiments][file_system]") {
  const HardPlace place;
  const Words command =
      HardPlace::Shimmed({"SFT_SHIM=links,locks"}, place.Command("poor"));
  const support::Finished done = support::RunProgram(command);
  INFO(done.error);
  CHECK(done.exit_status == 0);
  CHECK(TimesIn(done.error,
                "poor: its file system has no hard links, no exchange of "
                "folders, no locks: ") == 1);
  place.CheckWhole("poor");
  for (const auto& entry :
       fs::recursive_directory_iterator(place.path("poor"))) {
    INFO(entry.path());
    CHECK(entry.path().extension() != ".old");
    CHECK(entry.path().extension() != ".tmp");
    CHECK(entry.path().filename().string().find(".tmp.") == std::string::npos);
  }
  // One that has all of it is not talked of.
  CHECK(TimesIn(support::RunProgram(place.Command("calm")).error,
                "file system") == 0);
}

TEST_CASE("killed between two renames, the older checkpoint is found again",
          "[experiments][file_system][slow]") {
  const HardPlace place;
  const Words command =
      HardPlace::Shimmed({"SFT_SHIM=links,locks"}, place.Command("poor"));
  for (int kill = 0; kill < 6; ++kill) {
    support::RunningProgram sweep(command);
    std::this_thread::sleep_for(std::chrono::milliseconds(900 + 310 * kill));
    sweep.Kill(SIGKILL);
    sweep.Wait();
  }
  const support::Finished done = support::RunProgram(command);
  INFO(done.error);
  CHECK(done.exit_status == 0);
  place.CheckWhole("poor");
}

TEST_CASE("a folder that cannot be written is refused before anything is run",
          "[experiments][file_system]") {
  const Words in_mounts = InNamespaces({"--mount"});
  const HardPlace place;
  fs::create_directory(place.path("sealed"));
  const Words words = Joined(
      Joined(in_mounts,
             {"/bin/sh", "-c",
              "mount -t tmpfs -o ro none \"$1\" || exit 90; shift; exec \"$@\"",
              "sh", place.path("sealed")}),
      place.Command("sealed/out"));
  const support::Finished done = support::RunProgram(words);
  INFO(done.error);
  if (done.exit_status == 90) {
    support::Skip(support::Need::kMachine, "no mounts of one's own");
  }
  CHECK(done.exit_status == 2);
  CHECK(TimesIn(done.error, "sealed/out") == 1);
  CHECK(TimesIn(done.error, "Read-only file system") == 1);
}

TEST_CASE("a clock that jumps changes no duration", "[experiments][clock]") {
  const HardPlace place;
  const support::Finished done = support::RunProgram(
      HardPlace::Shimmed({"SFT_SHIM=clock"}, place.Command("jumpy")));
  INFO(done.error);
  CHECK(done.exit_status == 0);
  place.CheckWhole("jumpy");
  for (const std::string& name : place.RecordsOf("jumpy")) {
    const auto record = record::ReadRunRecord(place.path("jumpy/runs/" + name));
    REQUIRE(record.ok());
    for (const auto& [what, seconds] : record->measured) {
      if (!what.ends_with("_seconds")) continue;
      INFO(what);
      CHECK(seconds >= 0);
      CHECK(seconds < 3600);
    }
  }
}

TEST_CASE("a sweep is process 1 of a container", "[experiments][container]") {
  const Words inside = Joined({"/usr/bin/timeout", "--kill-after=5", "600"},
                              InNamespaces({"--pid", "--fork"}));
  const HardPlace place;
  const support::Finished done =
      support::RunProgram(Joined(inside, place.Command("boxed")));
  INFO(done.error);
  CHECK(done.exit_status == 0);
  place.CheckWhole("boxed");
}

TEST_CASE("no HOME, no terminal, another current folder",
          "[experiments][container]") {
  const HardPlace place;
  const support::Finished done = support::RunProgram(
      Joined({"/usr/bin/env", "-u", "HOME", "-u", "TERM", "--chdir=/"},
             place.Command("bare")));
  INFO(done.error);
  CHECK(done.exit_status == 0);
  place.CheckWhole("bare");
}

TEST_CASE("two launchers of one spec share its runs", "[experiments][two]") {
  const HardPlace place;
  support::RunningProgram one(place.Command("both"));
  support::RunningProgram two(place.Command("both"));
  CHECK(one.Wait() == 0);
  CHECK(two.Wait() == 0);
  place.CheckWhole("both");
}

// Each counts its processes from 1: core/process_place_test.cc has what that
// would do to files that the other one is writing.
TEST_CASE("two containers of one host's name share a sweep's runs",
          "[experiments][two][container]") {
  const HardPlace place;
  const Words command = Joined(
      InNamespaces({"--pid", "--fork", "--mount-proc"}), place.Command("both"));
  support::RunningProgram one(command), two(command);
  CHECK(one.Wait() == 0);
  CHECK(two.Wait() == 0);
  place.CheckWhole("both");
}

TEST_CASE("two launchers of two specs into one folder", "[experiments][two]") {
  const HardPlace lora("lora"), full("full");
  Words other = full.Command("both");
  for (std::string& word : other) {
    if (word == full.path("both")) word = lora.path("both");
  }
  support::RunningProgram one(lora.Command("both"));
  support::RunningProgram two(other);
  CHECK(one.Wait() == 0);
  CHECK(two.Wait() == 0);
  // The untuned model's run is the same in both.
  std::set<std::string> wanted = lora.RecordsOf("calm");
  wanted.merge(full.RecordsOf("calm"));
  CHECK(wanted.size() == 3);
  CHECK(lora.RecordsOf("both") == wanted);
}

TEST_CASE("a worker whose launcher was killed is not continued by two",
          "[experiments][two]") {
  const HardPlace place;
  support::RunningProgram first(place.Command("taken"));
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  support::RunningProgram second(place.Command("taken"));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  first.Kill(SIGKILL);
  first.Wait();
  CHECK(second.Wait() == 0);
  place.CheckWhole("taken");
}

TEST_CASE("--run-limit saves, and the next call continues",
          "[experiments][limit]") {
  const HardPlace place;
  // Over before the first tensor is loaded.
  const support::Finished over = support::RunProgram(
      place.Command("limited", {"--run-limit", "1ms", "--max-attempts", "1"}));
  INFO(over.error);
  CHECK(over.exit_status == 1);
  CHECK(TimesIn(over.error, "its time is over") == 2);
  CHECK(over.error.find("2 out of their time") != std::string::npos);
  const support::Finished done =
      support::RunProgram(place.Command("limited", {"--max-attempts", "1"}));
  INFO(done.error);
  CHECK(done.exit_status == 0);
  place.CheckWhole("limited", /*attempts=*/2);
}

TEST_CASE("--jobs auto runs a sweep as --jobs 1 does", "[experiments][jobs]") {
  const HardPlace place;
  const support::Finished done =
      support::RunProgram(place.Command("auto", {"--jobs", "auto"}));
  INFO(done.error);
  CHECK(done.exit_status == 0);
  place.CheckWhole("auto");
  if (!fs::exists("/dev/nvidia0")) {
    const support::Finished none = support::RunProgram(
        Joined({"/usr/bin/env", "-u", "CUDA_VISIBLE_DEVICES"},
               place.Command("cards", {"--gpus"})));
    CHECK(none.exit_status == 2);
    CHECK(none.error.find("no card is visible here") != std::string::npos);
    CHECK(place.RecordsOf("cards").empty());
  }
}

TEST_CASE("with --gpus each run at work sees a card of its own",
          "[experiments][jobs][gpus]") {
  const HardPlace place("lora, full", 3);
  const support::Finished done = support::RunProgram(
      Joined({"/usr/bin/env", "CUDA_VISIBLE_DEVICES=GPU-a,GPU-b"},
             place.Command("cards", {"--gpus"})));
  INFO(done.error);
  CHECK(done.exit_status == 0);
  place.CheckWhole("cards");
  // The untuned run goes first and alone, the others beside each other.
  std::multiset<std::string> cards;
  for (const std::string& name : place.RecordsOf("cards")) {
    const auto record = record::ReadRunRecord(place.path("cards/runs/" + name));
    REQUIRE(record.ok());
    if (record->config.method == spec::kUntuned) continue;
    cards.insert(record->provenance_run.at("cuda_visible_devices"));
  }
  CHECK(cards == std::multiset<std::string>{"GPU-a", "GPU-b"});
}

}  // namespace
}  // namespace sft::experiments::hard_places_test
