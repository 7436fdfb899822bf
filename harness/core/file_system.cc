#include "harness/core/file_system.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <vector>

#include "absl/strings/str_join.h"
#include "harness/core/file_lock.h"
#include "harness/core/files.h"
#include "harness/core/status.h"

namespace sft {

absl::StatusOr<FileSystemFacts> TryFileSystem(const std::string& folder) {
  constexpr char kName[] = ".try";
  RemoveStaleTemporaries(folder, kName);  // of one that was killed at this
  const std::string base = TemporaryBeside(absl::StrCat(folder, "/", kName));
  const std::string file = base + "/file", link_name = base + "/link";
  const std::string one = base + "/one", other = base + "/other";
  SFT_RETURN_IF_ERROR(MakeFolders(one));
  SFT_RETURN_IF_ERROR(MakeFolders(other));
  SFT_RETURN_IF_ERROR(WriteFileAtomically(file, ""));
  FileSystemFacts facts;
  facts.links = link(file.c_str(), link_name.c_str()) == 0;
  facts.exchange = renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(),
                             RENAME_EXCHANGE) == 0;
  const FileLock lock = TakeFileLock(file);
  facts.locks = lock.state == FileLock::State::kTaken;
  if (lock.fd >= 0) close(lock.fd);
  SFT_RETURN_IF_ERROR(RemoveAll(base));
  return facts;
}

std::string LackingOf(const FileSystemFacts& facts) {
  std::vector<std::string> lacks, costs;
  if (!facts.links) {
    lacks.push_back("hard links");
    costs.push_back("records are renamed into place");
  }
  if (!facts.exchange) {
    lacks.push_back("exchange of folders");
    costs.push_back("an older checkpoint stands aside for a moment");
  }
  if (!facts.locks) {
    lacks.push_back("locks");
    costs.push_back(
        "two launchers may do one run twice, and status cannot tell a running "
        "one");
  }
  if (lacks.empty()) return "";
  return absl::StrCat("its file system has no ", absl::StrJoin(lacks, ", no "),
                      ": ", absl::StrJoin(costs, "; "));
}

}  // namespace sft
