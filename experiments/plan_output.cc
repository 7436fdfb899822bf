#include "experiments/plan_output.h"

#include <unistd.h>

#include <cstdio>

#include "harness/core/display_width.h"
#include "harness/launch/progress_screen.h"

namespace sft::experiments {

PlanProgress::PlanProgress()
    : columns_(launch::CanRedraw(STDERR_FILENO)
                   ? launch::SizeOfTerminal(STDERR_FILENO).columns
                   : 0) {}

PlanProgress::~PlanProgress() { Clear(); }

std::function<void(const std::string&)> PlanProgress::Say() {
  return [this](const std::string& text) {
    if (columns_ == 0) return;
    fprintf(stderr, "\r\033[K%s", FitColumns(text, columns_ - 1).c_str());
    fflush(stderr);
    open_ = true;
  };
}

void PlanProgress::Clear() {
  if (open_) fputs("\r\033[K", stderr);
  open_ = false;
}

void PrintPlan(const launch::PlanDescription& plan) {
  const std::string text =
      isatty(STDOUT_FILENO) == 1
          ? launch::PlanForTerminal(
                plan, launch::SizeOfTerminal(STDOUT_FILENO).columns)
          : launch::PlanForPrograms(plan);
  fputs(text.c_str(), stdout);
}

}  // namespace sft::experiments
