// A GGUF file's tokenizer as the files of a Hugging Face folder, so that an
// exported model can be used with its own tokenizer.
#ifndef HARNESS_TEXT_HF_EXPORT_H_
#define HARNESS_TEXT_HF_EXPORT_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "harness/formats/gguf_tokenizer.h"

namespace sft::text {

// File name -> contents: tokenizer.json, tokenizer_config.json,
// generation_config.json and, where there is one, chat_template.jinja.
absl::StatusOr<std::map<std::string, std::string>> HfTokenizerFiles(
    const formats::GgufTokenizerData& data, const std::string& file);

}  // namespace sft::text

#endif  // HARNESS_TEXT_HF_EXPORT_H_
