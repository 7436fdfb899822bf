// How much memory the cards here have, as the driver's own program says:
// a launcher that asked CUDA would hold some of it while its runs need it.
#ifndef HARNESS_LAUNCH_CARD_MEMORY_H_
#define HARNESS_LAUNCH_CARD_MEMORY_H_

#include <cstdint>
#include <string_view>

namespace sft::launch {

// Of the smallest card that this process sees; 0 where nothing says so.
int64_t CardMemoryBytes();
// The least of an answer's lines, each a number of MiB; 0 of any other answer.
int64_t LeastCardBytes(std::string_view answer);

}  // namespace sft::launch

#endif  // HARNESS_LAUNCH_CARD_MEMORY_H_
