// How OpenMP's threads wait at a barrier. libgomp spins for milliseconds before
// it sleeps: good alone on a machine; beside other work a spinning thread takes
// the core that the late one needs. scripts/neighbour_bench.py has the figures.
// Results do not depend on it.
#ifndef HARNESS_CORE_THREAD_WAITING_H_
#define HARNESS_CORE_THREAD_WAITING_H_

#include <string>

namespace sft {

// Puts our choice into this process's environment, for the programs that it
// starts: libgomp reads it as it is loaded, before main(). No spin where more
// threads are to work than there are cores (`crowded`); else libgomp's own.
// False where nothing was to be changed: it is so already, or the user has set
// OMP_WAIT_POLICY or GOMP_SPINCOUNT, which stands.
bool SetThreadWaiting(bool crowded = false);

// What the environment says of it, "GOMP_SPINCOUNT=1000"; "default" = nothing.
std::string ThreadWaiting();

}  // namespace sft

#endif  // HARNESS_CORE_THREAD_WAITING_H_
