// Where progress is shown: standard error, redrawn in place on a terminal,
// plain lines elsewhere. No colour is ever written.
#ifndef HARNESS_LAUNCH_PROGRESS_SCREEN_H_
#define HARNESS_LAUNCH_PROGRESS_SCREEN_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "harness/launch/progress_view.h"

namespace sft::launch {

class ProgressScreen {
 public:
  ProgressScreen();
  // What is shown goes.
  ~ProgressScreen();
  ProgressScreen(const ProgressScreen&) = delete;
  ProgressScreen& operator=(const ProgressScreen&) = delete;

  // Asks the terminal's size each time.
  void Show(const SweepView& view);
  // A line that stays, above what is shown.
  void Say(const std::string& text);

 private:
  void Draw(std::vector<std::string> lines, size_t columns);

  const bool terminal_;
  std::vector<std::string> drawn_;
  absl::Time last_ = absl::InfinitePast();
  PlainProgress plain_;
};

struct TerminalSize {
  size_t columns = 80;
  size_t rows = 24;
};
// Of the terminal behind a descriptor; the default where it does not say.
TerminalSize SizeOfTerminal(int descriptor);
// Whether text may be drawn over there: a terminal, and no dumb one.
bool CanRedraw(int descriptor);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_PROGRESS_SCREEN_H_
