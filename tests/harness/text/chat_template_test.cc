// Chat templates against jinja2 as transformers sets it up
// (tests/golden/chat_templates.json).
#include "harness/text/chat_template.h"

#include <catch2/catch.hpp>

#include "absl/strings/match.h"
#include "tests/harness/text/golden.h"

namespace sft::text::chat_template_test {
namespace {

using nlohmann::json;

std::vector<ChatTurn> TurnsOf(const json& list) {
  std::vector<ChatTurn> turns;
  for (const json& turn : list) {
    turns.push_back(
        {turn["role"].get<std::string>(), turn["content"].get<std::string>()});
  }
  return turns;
}

TEST_CASE("Chat templates render as jinja2 renders them, or are refused",
          "[text][chat]") {
  const json golden = ReadGolden("chat_templates.json");
  for (const json& item : golden["cases"]) {
    CAPTURE(item["template"].dump(-1, ' ', true));
    const auto chat = ChatTemplate::Compile(item["template"].get<std::string>(),
                                            "t.jinja", "<s>", "</s>");
    if (!chat.ok()) FAIL_CHECK(chat.status());
    if (!chat.ok()) continue;
    const auto text = chat->Render(
        TurnsOf(golden["chats"][item["chat"].get<size_t>()]), true);
    if (item["text"].is_null()) {
      CHECK_FALSE(text.ok());
    } else if (!text.ok()) {
      FAIL_CHECK(text.status());
    } else {
      CHECK(*text == item["text"].get<std::string>());
    }
  }
}

TEST_CASE("What a chat template cannot use is named when it is parsed",
          "[text][chat]") {
  const json golden = ReadGolden("chat_templates.json");
  for (const json& item : golden["refused"]) {
    CAPTURE(item["template"].dump(-1, ' ', true));
    const auto status =
        ChatTemplate::Compile(item["template"].get<std::string>(), "t.jinja",
                              "<s>", "</s>")
            .status();
    const auto names = item["names"].get<std::string>();
    CAPTURE(status.message());
    CHECK(absl::StrContains(status.message(), "chat template: " + names));
  }
}

}  // namespace
}  // namespace sft::text::chat_template_test
