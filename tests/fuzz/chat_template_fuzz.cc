// Chat templates, rendered over a conversation.
#include "harness/text/chat_template.h"
#include "tests/fuzz/fuzz_target.h"

namespace sft::fuzz {

void Fuzz(std::string_view bytes) {
  const auto made = text::ChatTemplate::Compile(
      std::string(bytes), "chat_template.jinja", "<s>", "</s>");
  if (!made.ok()) return;
  (void)made->Render({{"system", "be brief"}, {"user", "2 + 2?"}}, true);
  (void)made->Render({{"user", "a"}, {"assistant", "b"}}, false);
  (void)made->Render(
      {{"assistant", "", R"({"role": "assistant", "thinking": "t",
        "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]})"},
       {"tool", "7", R"({"role": "tool", "content": "7", "name": "f"})"}},
      R"({"tools": [{"type": "function", "function": {"name": "f"}}]})", false);
}

}  // namespace sft::fuzz
