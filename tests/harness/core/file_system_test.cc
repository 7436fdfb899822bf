// What is written where file systems differ; tests/experiments/hard_places_test
// has whole sweeps on poorer ones.
#include "harness/core/file_system.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <vector>

#include "absl/strings/str_cat.h"
#include "harness/core/file_lock.h"
#include "harness/core/files.h"
#include "harness/core/process_place.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"

namespace sft::file_system_test {
namespace {
namespace fs = std::filesystem;

struct Place {
  std::string operator/(const std::string& name) const {
    return (dir.path() / name).string();
  }
  support::TempDir dir;
};

TEST_CASE("a file system is tried, and nothing of it is left", "[files]") {
  const Place place;
  const auto facts = TryFileSystem(place.dir.path().string());
  REQUIRE(facts.ok());
  CHECK(fs::is_empty(place.dir.path()));
  CHECK(LackingOf({true, true, true}).empty());
  CHECK(LackingOf({false, true, false}) ==
        "its file system has no hard links, no locks: records are renamed into "
        "place; two launchers may do one run twice, and status cannot tell a "
        "running one");
  CHECK_FALSE(TryFileSystem("/proc/none").ok());
}

TEST_CASE("what killed writers left is removed, and nothing else", "[files]") {
  const Place place;
  const pid_t gone = fork();
  if (gone == 0) _exit(0);
  REQUIRE(gone > 0);
  REQUIRE(waitpid(gone, nullptr, 0) == gone);
  const auto name = [](const std::string& of, const std::string& place,
                       pid_t pid) {
    return absl::StrCat(of, ".tmp.", place, ".", pid, ".0");
  };
  const std::vector<std::string> left = {name("a.h5", ProcessPlace(), gone),
                                         name("b.h5", ProcessPlace(), gone)};
  const std::vector<std::string> kept = {
      "a.h5", "a.tmp", name("a.h5", ProcessPlace(), getpid()),
      name("a.h5", "another-" + ProcessPlace(), gone),
      // Of older versions, and of another boot or container.
      name("a.h5", HostName(), gone),
      name("a.h5", HostName() + "+0123456789ab", gone)};
  const auto fill = [&] {
    for (const auto* names : {&left, &kept}) {
      for (const std::string& one : *names) {
        REQUIRE(WriteFileAtomically(place / one, one).ok());
      }
    }
  };
  const auto stands = [&](const std::vector<std::string>& names) {
    return std::count_if(names.begin(), names.end(), [&](const auto& one) {
      return FileExists(place / one);
    });
  };
  // The name is the one that writers take.
  CHECK(TemporaryBeside("a.h5").rfind(
            absl::StrCat("a.h5.tmp.", ProcessPlace(), ".", getpid(), "."), 0) ==
        0);
  fill();
  RemoveStaleTemporaries(place.dir.path().string(), "a.h5");
  CHECK_FALSE(FileExists(place / left[0]));
  CHECK(FileExists(place / left[1]));
  CHECK(stands(kept) == std::ssize(kept));
  fill();
  RemoveStaleTemporaries(place.dir.path().string());
  CHECK(stands(left) == 0);
  CHECK(stands(kept) == std::ssize(kept));
  RemoveStaleTemporaries(place / "none");
  // What a file system was tried with is a folder.
  const std::string tried = place / name(".try", ProcessPlace(), gone);
  REQUIRE(MakeFolders(tried).ok());
  REQUIRE(WriteFileAtomically(tried + "/file", "").ok());
  CHECK(TryFileSystem(place.dir.path().string()).ok());
  CHECK_FALSE(FileExists(tried));
}

TEST_CASE("a folder that was being replaced is whole again", "[files]") {
  const Place place;
  const std::string path = place / "checkpoint", aside = path + ".old";
  const auto put = [](const std::string& folder, const std::string& text) {
    REQUIRE(MakeFolders(folder).ok());
    REQUIRE(WriteFileAtomically(folder + "/file", text).ok());
  };
  FinishPublish(path);
  CHECK_FALSE(FileExists(path));
  // Killed before the newer one came: the older one comes back.
  put(aside, "old");
  FinishPublish(path);
  CHECK(*ReadFile(path + "/file") == "old");
  CHECK_FALSE(FileExists(aside));
  // Killed behind it: the older one goes.
  put(aside, "older");
  FinishPublish(path);
  CHECK(*ReadFile(path + "/file") == "old");
  CHECK_FALSE(FileExists(aside));
  put(place / "new", "new");
  REQUIRE(PublishFolder(place / "new", path).ok());
  CHECK(*ReadFile(path + "/file") == "new");
  CHECK_FALSE(FileExists(aside));
}

TEST_CASE("the first that publishes a file wins", "[files]") {
  const Place place;
  const std::string path = place / "record";
  REQUIRE(WriteFileAtomically(place / "a", "a").ok());
  REQUIRE(WriteFileAtomically(place / "b", "b").ok());
  CHECK(PublishByLink(place / "a", path).value());
  CHECK_FALSE(PublishByLink(place / "b", path).value());
  CHECK(*ReadFile(path) == "a");
  CHECK_FALSE(FileExists(place / "a"));
  CHECK_FALSE(FileExists(place / "b"));
  // A server may have made the link, and answer the question that it was asked
  // twice.
  REQUIRE(WriteFileAtomically(place / "c", "c").ok());
  REQUIRE(link((place / "c").c_str(), (place / "d").c_str()) == 0);
  CHECK(PublishByLink(place / "c", place / "d").value());
}

TEST_CASE("a full disk is told from other errors", "[files]") {
  CHECK(IsDiskFull(FileError("a", "cannot be written", ENOSPC)));
  CHECK(IsDiskFull(FileError("a", "cannot be written", EDQUOT)));
  for (const int error : {EACCES, EROFS, ENOENT, EIO, EFBIG}) {
    CHECK_FALSE(IsDiskFull(FileError("a", "cannot be written", error)));
    CHECK_FALSE(IsDiskFull(WriteError("a", error, 1 << 20)));
  }
  const Place place;
  const absl::Status full = WriteError(place / "a", ENOSPC, 3 << 20);
  CHECK(IsDiskFull(full));
  const std::string text(full.message());
  CHECK(text.find("it needs 3.0 MiB, there are ") != std::string::npos);
  CHECK(text.find(place / "a") == 0);
}

TEST_CASE("a lock has one holder, and remembers the last one's host",
          "[files]") {
  const Place place;
  const std::string path = place / "lock";
  CHECK_FALSE(IsFileLocked(path));
  FileLock first = TakeFileLock(path);
  REQUIRE(first.state == FileLock::State::kTaken);
  CHECK(first.fd >= 10);
  CHECK(first.host.empty());
  CHECK(IsFileLocked(path));
  const FileLock second = TakeFileLock(path);
  CHECK(second.state == FileLock::State::kHeld);
  CHECK(second.host == HostName());
  close(first.fd);
  CHECK_FALSE(IsFileLocked(path));
  const FileLock third = TakeFileLock(path);
  REQUIRE(third.state == FileLock::State::kTaken);
  CHECK(third.host == HostName());
  close(third.fd);
  CHECK(TakeFileLock(place / "none/lock").state == FileLock::State::kNone);
}

}  // namespace
}  // namespace sft::file_system_test
