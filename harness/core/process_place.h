// Where a process number means something, for the names of files that tell who
// writes them. Containers may share a folder and a host's name, or be of one
// name on two machines, and each counts its processes from 1.
#ifndef HARNESS_CORE_PROCESS_PLACE_H_
#define HARNESS_CORE_PROCESS_PLACE_H_

#include <cstdint>
#include <string>

namespace sft {

// "HOST+DIGEST", of the boot and the process namespace as `proc` tells them: of
// two processes with this in common and other numbers, each sees whether the
// other lives. Where /proc does not tell, the digest is this process's own, and
// nobody takes its files for what was left behind. No '-', '.' or '/' behind
// the '+'.
std::string ProcessPlace(const std::string& proc = "/proc");

// Whether a process of this place has ended; one that nobody has waited for is
// not there any more either. A number that another has by now counts as alive.
bool HasEnded(int64_t pid);

}  // namespace sft

#endif  // HARNESS_CORE_PROCESS_PLACE_H_
