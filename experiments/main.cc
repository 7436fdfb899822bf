// The program sftbench: its memory, how its threads wait, then its commands.
#include <unistd.h>

#include <string>
#include <vector>

#include "experiments/command_line.h"
#include "experiments/own_program.h"
#include "harness/core/tensor_allocator.h"
#include "harness/core/thread_waiting.h"

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  // Workers inherit what is set here; a command that computes itself begins
  // anew with it. Where it cannot, its threads wait as they would.
  if (sft::SetThreadWaiting() && sft::experiments::Computes(arguments)) {
    if (const auto own = sft::experiments::OwnPath(); own.ok()) {
      execv(own->c_str(), argv);
    }
  }
  sft::InstallTensorAllocator();
  return sft::experiments::RunProgram(arguments);
}
