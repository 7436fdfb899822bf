#include "experiments/plan_output.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

namespace sft::experiments {
namespace {

constexpr size_t kUsualColumns = 80;

// Of a terminal; 0 where `fd` is none.
size_t ColumnsOf(int fd) {
  if (isatty(fd) != 1) return 0;
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return kUsualColumns;
}

}  // namespace

PlanProgress::PlanProgress() : columns_(ColumnsOf(STDERR_FILENO)) {}

PlanProgress::~PlanProgress() { Clear(); }

std::function<void(const std::string&)> PlanProgress::Say() {
  return [this](const std::string& text) {
    if (columns_ == 0) return;
    fprintf(stderr, "\r\033[K%s", text.substr(0, columns_ - 1).c_str());
    fflush(stderr);
    open_ = true;
  };
}

void PlanProgress::Clear() {
  if (open_) fputs("\r\033[K", stderr);
  open_ = false;
}

void PrintPlan(const launch::PlanDescription& plan) {
  const size_t columns = ColumnsOf(STDOUT_FILENO);
  const std::string text = columns > 0 ? launch::PlanForTerminal(plan, columns)
                                       : launch::PlanForPrograms(plan);
  fputs(text.c_str(), stdout);
}

}  // namespace sft::experiments
