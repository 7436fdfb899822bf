// Words for a shell, none of which it reads as anything but itself.
#ifndef HARNESS_LAUNCH_SHELL_WORDS_H_
#define HARNESS_LAUNCH_SHELL_WORDS_H_

#include <string>
#include <string_view>
#include <vector>

namespace sft::launch {

// One line whatever the word holds: plain where that is safe, in single quotes
// otherwise, and as bash's $'...' if there are control characters in it. A
// shell without these (dash) reads another word then, though still no more than
// one.
std::string ShellQuoted(std::string_view word);
// Words of one command, by spaces.
std::string ShellLine(const std::vector<std::string>& words);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_SHELL_WORDS_H_
