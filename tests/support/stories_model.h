// llama2.c's stories260K as a Hugging Face folder: a small model that was
// really trained, with a tokenizer of Llama 2's kind.
#ifndef TESTS_SUPPORT_STORIES_MODEL_H_
#define TESTS_SUPPORT_STORIES_MODEL_H_

#include <cstdint>
#include <filesystem>

namespace sft::support {

// `source` is stories260k/ of the data folder. Fails the test on a fault. As
// write_stories() of tests/golden/make_golden_scoring.py.
void WriteStoriesFolder(const std::filesystem::path& source, int64_t positions,
                        const std::filesystem::path& folder);

}  // namespace sft::support

#endif  // TESTS_SUPPORT_STORIES_MODEL_H_
