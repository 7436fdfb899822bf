// The program sftbench: its memory, then its commands.
#include <string>
#include <vector>

#include "experiments/command_line.h"
#include "harness/core/tensor_allocator.h"

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  sft::InstallTensorAllocator();
  return sft::experiments::RunProgram(arguments);
}
