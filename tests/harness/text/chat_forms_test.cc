// Chat templates in the families' forms, and the families' own where they are
// (scripts/chat_templates.tsv), over the conversations of
// tests/golden/chat_forms.json: the text is transformers', and so is what
// {% generation %} blocks wrote.
#include <catch2/catch.hpp>

#include "harness/core/digest.h"
#include "harness/text/chat_template.h"
#include "tests/harness/text/golden.h"
#include "tests/support/paths.h"
#include "tests/support/skips.h"

namespace sft::text::chat_forms_test {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

// With keys in the file's order, which templates write.
const ordered_json& Golden() {
  static const auto& golden = *new ordered_json([] {
    const auto text = ReadFile(
        (support::SourceDir() / "tests/golden/chat_forms.json").string());
    if (!text.ok()) FAIL(text.status());
    return ordered_json::parse(*text);
  }());
  return golden;
}

// What make_golden_chat_forms.py has of a rendering; "" where there is none.
std::string DigestOf(const absl::StatusOr<RenderedChat>& chat) {
  if (!chat.ok()) return "";
  std::string whole = chat->text;
  for (const auto& [begin, end] : chat->generated) {
    whole += '\0';
    whole += chat->text.substr(begin, end - begin);
  }
  return Sha256Hex(whole).substr(0, 16);
}

// How many conversations `item`'s template writes; each is compared.
int CheckTexts(const ordered_json& item, const std::string& source) {
  const auto chat =
      ChatTemplate::Compile(source, "t.jinja", item["bos"].get<std::string>(),
                            item["eos"].get<std::string>());
  if (!chat.ok()) FAIL(chat.status());
  int written = 0;
  const ordered_json& chats = Golden()["conversations"];
  for (size_t i = 0; i < chats.size(); ++i) {
    std::vector<ChatTurn> turns;
    for (const ordered_json& message : chats[i]["messages"]) {
      turns.push_back({message["role"].get<std::string>(), "", message.dump()});
    }
    const ordered_json& given = chats[i]["variables"];
    for (const bool prompt : {false, true}) {
      CAPTURE(i, prompt);
      const auto rendered =
          chat->Render(turns, given.is_null() ? "" : given.dump(), prompt);
      CAPTURE(rendered.ok() ? rendered->text
                            : std::string(rendered.status().message()));
      const ordered_json& wanted = item["texts"][i][prompt ? 1 : 0];
      CHECK(DigestOf(rendered) ==
            (wanted.is_null() ? "" : wanted.get<std::string>()));
      written += !prompt && rendered.ok();
    }
  }
  return written;
}

TEST_CASE("templates in the families' forms write transformers' text",
          "[text][chat]") {
  for (const ordered_json& item : Golden()["forms"]) {
    CAPTURE(item["name"].get<std::string>());
    CHECK(CheckTexts(item, item["template"].get<std::string>()) >= 20);
  }
}

TEST_CASE("the families' own templates write transformers' text",
          "[text][chat]") {
  const auto folder = support::AssetsDir() / "chat_templates";
  int found = 0;
  for (const ordered_json& item : Golden()["real"]) {
    const auto name = item["name"].get<std::string>();
    CAPTURE(name);
    const auto source = ReadFile((folder / (name + ".jinja")).string());
    if (!source.ok()) continue;
    if (Sha256Hex(*source) != item["sha256"].get<std::string>()) continue;
    ++found;
    CHECK(CheckTexts(item, *source) >= 20);
  }
  if (found == 0) {
    support::Skip(support::Need::kMoreData,
                  "assets/chat_templates: scripts/fetch_assets.py --table "
                  "scripts/chat_templates.tsv");
  }
}

TEST_CASE("thoughts go by every name, and what is null is not there",
          "[text][chat]") {
  const auto chat = ChatTemplate::Compile(
      "{% for m in messages %}{{ m.reasoning_content }}|{{ m.thinking }}|"
      "{{ m.content is defined }};{% endfor %}{{ tools }}{{ mode }}",
      "t.jinja", "", "");
  REQUIRE(chat.ok());
  const auto text =
      chat->Render({{"assistant", "", R"({"role": "assistant", "content": null,
                             "thinking": "why"})"},
                    {"assistant", "x", R"({"role": "assistant", "content": "x",
                              "reasoning": "so"})"},
                    {"user", "y"}},
                   R"({"mode": "fast"})", false);
  REQUIRE(text.ok());
  CHECK(text->text == "why|why|False;so|so|True;||True;Nonefast");
  const auto broken = chat->Render({{"user", "x", "[]"}}, "", false);
  CHECK(std::string(broken.status().message()) ==
        "a chat's message: wanted an object");
  CHECK_FALSE(chat->Render({{"user", "x"}}, "{", false).ok());
}

}  // namespace
}  // namespace sft::text::chat_forms_test
