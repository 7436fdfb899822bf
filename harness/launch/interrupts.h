// Signals that ask a program to save and end, counted while this lives.
#ifndef HARNESS_LAUNCH_INTERRUPTS_H_
#define HARNESS_LAUNCH_INTERRUPTS_H_

#include <signal.h>

namespace sft::launch {

// One at a time in a process. SIGTERM and SIGINT come from people and batch
// systems, SIGUSR1 (Slurm) and SIGUSR2 (Grid Engine, LSF) from a batch system
// that will end the job soon.
class InterruptCounter {
 public:
  InterruptCounter();
  ~InterruptCounter();  // what was handled before is handled so again
  InterruptCounter(const InterruptCounter&) = delete;
  InterruptCounter& operator=(const InterruptCounter&) = delete;

  // How often it was asked: each SIGINT counts, another signal only as the
  // first of all.
  int count() const;
  // Whether SIGUSR1 was among them and SIGTERM was not: who is cancelled after
  // the warning is not to come back.
  bool warned() const;

 private:
  struct sigaction term_, int_, usr1_, usr2_;
};

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_INTERRUPTS_H_
