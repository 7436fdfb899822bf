#include "harness/launch/interrupts.h"

namespace sft::launch {
namespace {

volatile sig_atomic_t signals_caught = 0;
volatile sig_atomic_t warning_caught = 0;
volatile sig_atomic_t end_caught = 0;

// A batch system may send several signals before it ends a job: a person alone
// asks twice.
void CatchSignal(int signal) {
  if (signal == SIGINT || signals_caught == 0) {
    signals_caught = signals_caught + 1;
  }
  if (signal == SIGUSR1) warning_caught = 1;
  if (signal == SIGTERM) end_caught = 1;
}

}  // namespace

InterruptCounter::InterruptCounter() {
  signals_caught = 0;
  warning_caught = 0;
  end_caught = 0;
  struct sigaction action {};
  action.sa_handler = CatchSignal;
  sigemptyset(&action.sa_mask);
  sigaction(SIGTERM, &action, &term_);
  sigaction(SIGINT, &action, &int_);
  sigaction(SIGUSR1, &action, &usr1_);
  sigaction(SIGUSR2, &action, &usr2_);
}

InterruptCounter::~InterruptCounter() {
  sigaction(SIGTERM, &term_, nullptr);
  sigaction(SIGINT, &int_, nullptr);
  sigaction(SIGUSR1, &usr1_, nullptr);
  sigaction(SIGUSR2, &usr2_, nullptr);
}

int InterruptCounter::count() const { return signals_caught; }
bool InterruptCounter::warned() const {
  return warning_caught != 0 && end_caught == 0;
}

}  // namespace sft::launch
