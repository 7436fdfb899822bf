// Conversations of both layouts as turns.
#include "harness/data/conversation.h"

#include "tests/harness/data/user_files.h"

namespace sft::data::conversation_test {
namespace {

using nlohmann::json;

std::vector<ChatTurn> TurnsOf(const std::string& text) {
  const auto turns = ReadConversation(json::parse(text));
  if (!turns.ok()) FAIL(turns.status());
  return *turns;
}

std::string ErrorIn(const std::string& text) {
  const auto turns = ReadConversation(json::parse(text));
  return turns.ok() ? "ok" : std::string(turns.status().message());
}

TEST_CASE("messages are turns, with what they say beyond their text",
          "[data][chat]") {
  const auto plain = TurnsOf(
      R"([{"role":"user","content":"a","id":7},
          {"role":"assistant","content":"b ","tool_calls":null,"name":"x"}])");
  CHECK(plain[0].message.empty());
  CHECK(plain[1].content == "b ");
  CHECK(plain[1].message.empty());

  const auto rich = TurnsOf(
      R"([{"role":"user","content":[{"type":"text","text":"a "},"b"]},
          {"role":"assistant","content":null,"reasoning_content":"why",
           "tool_calls":"[{\"function\":{\"name\":\"f\",\"arguments\":{}}}]"},
          {"role":"tool","tool_call_id":"1","name":"f","content":{"t":1}},
          {"role":"assistant","content":"c"}])");
  CHECK(rich[0].content == "a b");
  CHECK(rich[0].message.empty());
  CHECK(rich[1].content.empty());
  CHECK(rich[1].message ==
        R"({"role":"assistant","reasoning_content":"why","tool_calls":)"
        R"([{"function":{"name":"f","arguments":{}}}]})");
  CHECK(rich[2].content == R"({"t":1})");
  CHECK(rich[2].message == R"({"role":"tool","content":"{\"t\":1}","name":"f",)"
                           R"("tool_call_id":"1"})");
}

TEST_CASE("ShareGPT's conversations are read by the names of its turns",
          "[data][chat]") {
  const auto turns = TurnsOf(
      R"([{"from":"system","value":"s"},{"from":"human","value":"a"},
          {"from":"function_call",
           "value":"{\"name\":\"f\",\"arguments\":{\"z\":1,\"b\":2}}"},
          {"from":"observation","value":"7"},{"from":"gpt","value":"b"}])");
  REQUIRE(turns.size() == 5);
  const std::vector<std::string> roles = {"system", "user", "assistant", "tool",
                                          "assistant"};
  for (size_t i = 0; i < roles.size(); ++i) CHECK(turns[i].role == roles[i]);
  CHECK(turns[2].message ==
        R"({"role":"assistant","tool_calls":[{"type":"function","function":)"
        R"({"name":"f","arguments":{"z":1,"b":2}}}]})");
  CHECK(turns[3].content == "7");
}

TEST_CASE("what is no conversation is refused by message and reason",
          "[data][chat]") {
  const std::string user = R"([{"role":"user","content":"a"},)";
  CHECK(ErrorIn(user + R"({"role":"critic","content":"b"}])") ==
        "messages: message 2: role 'critic': wanted system, user, assistant or "
        "tool");
  CHECK(ErrorIn(user + R"({"role":"assistant","content":[{"type":"image"}]}])")
            .find("of type 'image'") != std::string::npos);
  CHECK(ErrorIn(user + R"({"role":"assistant","content":null}])")
            .find("'content' is no text") != std::string::npos);
  CHECK(ErrorIn(user + R"({"role":"user","content":"b"}])")
            .find("no assistant's") != std::string::npos);
  CHECK(ErrorIn(user + "3]").find("message 2: wanted an object") !=
        std::string::npos);
  CHECK(ErrorIn(R"([{"from":"human","value":"a"},
                    {"from":"function_call","value":"f"}])")
            .find("'function_call' is no JSON") != std::string::npos);
  CHECK(ErrorIn("{}") == "messages: wanted a list");
}

TEST_CASE("tools are variables of the template, in the file's order of keys",
          "[data][chat]") {
  const json tools = json::parse(R"([{"name":"f","parameters":{}}])");
  CHECK(*ChatVariables(tools, json()) ==
        R"({"tools":[{"type":"function","function":)"
        R"({"name":"f","parameters":{}}}]})");
  CHECK(
      *ChatVariables(json("[]"), json::parse(R"({"enable_thinking":false})")) ==
      R"({"enable_thinking":false})");
  CHECK(ChatVariables(json(), json())->empty());
  CHECK_FALSE(ChatVariables(json("x"), json()).ok());

  const std::string text =
      R"({"tools":[{"z":1,"a":2}],"messages":[{"role":"user","content":"q"},)"
      R"({"role":"assistant","tool_calls":[{"z":1,"a":2}]}]})";
  json record = json::parse(text);
  KeepOrderOfTools(text, record);
  CHECK(record["tools"] == R"([{"z":1,"a":2}])");
  CHECK(record["messages"][1]["tool_calls"] == R"([{"z":1,"a":2}])");
  CHECK(record["messages"][0]["content"] == "q");
}

TEST_CASE("a file of ShareGPT's is read without a word of columns",
          "[data][user][chat]") {
  const UserFiles files;
  std::string lines;
  for (int i = 0; i < 20; ++i) {
    lines += R"({"system":"S","conversations":[{"from":"human","value":"a)" +
             std::to_string(i) + R"("},{"from":"gpt","value":"b"}]})" + "\n";
  }
  const spec::UserData data =
      DataOf(files.Write("s.jsonl", lines), "instruction");
  const Splits splits = Load(data);
  CHECK(splits.train.size() + splits.validation.size() + splits.test.size() ==
        20);
  REQUIRE(splits.train[0].turns.size() == 3);
  CHECK(splits.train[0].turns[0].role == "system");
  CHECK(splits.train[0].turns[2].content == "b");
}

TEST_CASE("rows of chats with tools keep the file's order of keys",
          "[data][user][chat]") {
  const UserFiles files;
  const std::string row =
      R"({"tools":[{"type":"function","function":{"name":"f","a":1}}],)"
      R"("messages":[{"role":"user","content":"q"},{"role":"assistant",)"
      R"("tool_calls":[{"type":"function","function":{"name":"f",)"
      R"("arguments":{"z":1,"a":2}}}]}]})";
  for (const auto& [name, text] :
       std::vector<std::pair<std::string, std::string>>{
           {"t.jsonl", row + "\n"}, {"t.json", "[" + row + "]"}}) {
    const spec::UserData data = DataOf(files.Write(name, text), "instruction");
    const Splits splits = Load(data);
    REQUIRE(splits.train.size() == 1);
    CHECK(splits.train[0].chat_variables ==
          R"({"tools":[{"type":"function","function":{"name":"f","a":1}}]})");
    CHECK(splits.train[0].turns[1].message ==
          R"({"role":"assistant","tool_calls":[{"type":"function",)"
          R"("function":{"name":"f","arguments":{"z":1,"a":2}}}]})");
  }
}

}  // namespace
}  // namespace sft::data::conversation_test
