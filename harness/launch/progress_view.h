// A sweep under way as lines of text: what the launcher knows goes in, lines
// come out. No terminal, no clock, no processes.
#ifndef HARNESS_LAUNCH_PROGRESS_VIEW_H_
#define HARNESS_LAUNCH_PROGRESS_VIEW_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "harness/launch/progress.h"
#include "harness/record/run_record.h"

namespace sft::launch {

struct RunView {
  std::string run_id;
  std::string label;  // "lora packed seed=0"
  Progress progress;  // its phase is empty before the worker has said a word
};
struct SweepView {
  size_t settled = 0;
  size_t total = 0;
  double seconds_left = 0;       // 0: not known yet
  std::vector<RunView> running;  // in the order of their start
};

// For a terminal of this size: the sweep's line, then one a running run, the
// time left first in each. No line is wider than columns - 1, and there are
// fewer lines than rows; the last one counts the runs that have none. What does
// not fit goes in this order: tokens/s, loss, steps, the end of the label.
std::vector<std::string> ProgressLines(const SweepView& view, size_t columns,
                                       size_t rows);

// What takes a terminal from the lines `before`, with the cursor behind the
// last of them, to the lines `now`: ANSI codes and text. `columns`: the width
// now, at which lines drawn before may have wrapped.
std::string RedrawText(const std::vector<std::string>& before,
                       const std::vector<std::string>& now, size_t columns);

// The same for a pipe or a log: a line when a run's phase changes, and while it
// trains one a tenth of its steps, though at most one a minute.
class PlainProgress {
 public:
  std::vector<std::string> News(const SweepView& view, absl::Time now);

 private:
  struct Said {
    std::string phase;
    int64_t tenth = 0;
    absl::Time when;
  };
  std::map<std::string, Said> said_;  // by run
};

// "accuracy 0.7800 (untuned 0.2630)": the first task's primary metric after the
// last round, and before the first; "" where a record has none.
std::string ScoreText(const record::RunRecord& record);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_PROGRESS_VIEW_H_
