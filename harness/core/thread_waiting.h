// How OpenMP's threads wait at a barrier. libgomp spins for milliseconds before
// it sleeps: good alone on a machine; beside other work a spinning thread takes
// the core that the late one needs. A short spin has both, see
// scripts/neighbour_bench.py. Results do not depend on it.
#ifndef HARNESS_CORE_THREAD_WAITING_H_
#define HARNESS_CORE_THREAD_WAITING_H_

#include <string>

namespace sft {

// Puts our choice into this process's environment, for the programs that it
// starts: libgomp reads it as it is loaded, before main(). False where nothing
// was to be set: the environment has OMP_WAIT_POLICY or GOMP_SPINCOUNT.
bool SetThreadWaiting();

// What the environment says of it, "GOMP_SPINCOUNT=1000"; "default" = nothing.
std::string ThreadWaiting();

}  // namespace sft

#endif  // HARNESS_CORE_THREAD_WAITING_H_
