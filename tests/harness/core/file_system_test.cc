// What is written where file systems differ; tests/experiments/hard_places_test
// has whole sweeps on poorer ones.
#include "harness/core/file_system.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "harness/core/file_lock.h"
#include "harness/core/files.h"
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
