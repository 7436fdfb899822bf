#include "harness/launch/progress_screen.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "absl/time/clock.h"

namespace sft::launch {
namespace {

constexpr absl::Duration kDrawPause = absl::Milliseconds(100);

}  // namespace

TerminalSize SizeOfTerminal(int descriptor) {
  TerminalSize size;
  winsize asked{};
  if (ioctl(descriptor, TIOCGWINSZ, &asked) != 0) return size;
  if (asked.ws_col > 0) size.columns = asked.ws_col;
  if (asked.ws_row > 0) size.rows = asked.ws_row;
  return size;
}

bool CanRedraw(int descriptor) {
  const char* kind = std::getenv("TERM");
  return isatty(descriptor) == 1 && kind != nullptr &&
         std::string_view(kind) != "dumb";
}

ProgressScreen::ProgressScreen() : terminal_(CanRedraw(STDERR_FILENO)) {}

ProgressScreen::~ProgressScreen() {
  if (!drawn_.empty()) Draw({}, SizeOfTerminal(STDERR_FILENO).columns);
}

void ProgressScreen::Show(const SweepView& view) {
  const absl::Time now = absl::Now();
  if (!terminal_) {
    for (const std::string& line : plain_.News(view, now)) {
      fprintf(stderr, "%s\n", line.c_str());
    }
    return;
  }
  // A clock that was set back must not freeze the picture.
  if (now >= last_ && now - last_ < kDrawPause) return;
  last_ = now;
  const TerminalSize size = SizeOfTerminal(STDERR_FILENO);
  Draw(ProgressLines(view, size.columns, size.rows), size.columns);
}

void ProgressScreen::Say(const std::string& text) {
  if (!drawn_.empty()) Draw({}, SizeOfTerminal(STDERR_FILENO).columns);
  fprintf(stderr, "%s\n", text.c_str());
  last_ = absl::InfinitePast();  // the next picture comes at once
}

void ProgressScreen::Draw(std::vector<std::string> lines, size_t columns) {
  fputs(RedrawText(drawn_, lines, columns).c_str(), stderr);
  fflush(stderr);
  drawn_ = std::move(lines);
}

}  // namespace sft::launch
