// A model's own chat template (Jinja), parsed once and rendered by minja.
#ifndef HARNESS_TEXT_CHAT_TEMPLATE_H_
#define HARNESS_TEXT_CHAT_TEMPLATE_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/core/tokenizer.h"

namespace sft::text {

class ChatTemplate {
 public:
  // Errors name `file` and say where in the template the fault is.
  static absl::StatusOr<ChatTemplate> Compile(const std::string& source,
                                              const std::string& file,
                                              const std::string& bos_token,
                                              const std::string& eos_token);

  // `variables` as in Tokenizer::RenderChatWith. Errors: the template's own
  // raise_exception, an unknown name, or a limit on steps, depth or size.
  // Thread-safe.
  absl::StatusOr<RenderedChat> Render(const std::vector<ChatTurn>& turns,
                                      std::string_view variables,
                                      bool add_generation_prompt) const;
  absl::StatusOr<std::string> Render(const std::vector<ChatTurn>& turns,
                                     bool add_generation_prompt) const;
  const std::string& source() const;

 private:
  struct Parsed;
  std::shared_ptr<const Parsed> parsed_;
};

}  // namespace sft::text

#endif  // HARNESS_TEXT_CHAT_TEMPLATE_H_
