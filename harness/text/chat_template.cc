// See chat_template.h. The options and variables are those of transformers'
// apply_chat_template (utils/chat_template_utils.py).
#include "harness/text/chat_template.h"

#include <pthread.h>

#include <ctime>
#include <exception>
#include <functional>
#include <minja/minja.hpp>

#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/formats/json.h"

namespace sft::text {
namespace {

using nlohmann::ordered_json;

constexpr size_t kMaxTemplateBytes = 64 << 10;
constexpr int kMaxBrackets = 64;
// minja's parser recurses, and so does std::regex, once for every character of
// a long token: a stack of this size holds the longest template allowed.
constexpr size_t kParserStackBytes = size_t{512} << 20;

// Only the message's first line: the rest quotes the template.
absl::Status TemplateError(const std::string& file, const std::exception& e) {
  const std::string message = SanitizeUtf8(e.what());
  return InputError(file,
                    "chat template: " + message.substr(0, message.find('\n')));
}

absl::Status CheckBrackets(const std::string& source, const std::string& file) {
  int depth = 0;
  for (char c : source) {
    if (c == '(' || c == '[' || c == '{') ++depth;
    if ((c == ')' || c == ']' || c == '}') && depth > 0) --depth;
    if (depth > kMaxBrackets) {
      return InputError(file, "chat template: brackets nest deeper than 64");
    }
  }
  return absl::OkStatus();
}

// strftime_now of one fixed day, which Llama 3's template takes where it has no
// date: a rendered chat must not depend on when it was rendered.
minja::Value FixedDate(const std::shared_ptr<minja::Context>&,
                       minja::ArgumentsValue& arguments) {
  arguments.expectArgs("strftime_now", {1, 1}, {0, 0});
  std::tm day = {};
  day.tm_year = 2024 - 1900;
  day.tm_mon = 6;
  day.tm_mday = 26;
  day.tm_wday = 5;
  day.tm_yday = 207;
  char text[256];
  const auto format = arguments.args[0].get<std::string>();
  const size_t size = std::strftime(text, sizeof(text), format.c_str(), &day);
  return minja::Value(std::string(text, size));
}

absl::StatusOr<ordered_json> ParsedObject(std::string_view text,
                                          const char* what) {
  ordered_json value;
  if (const auto fault =
          formats::ReadJsonInto(text, formats::kMaxJsonDepth, value)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a chat's ", what, ": ", fault->what));
  }
  if (!value.is_object()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a chat's ", what, ": wanted an object"));
  }
  return value;
}

// A turn as transformers hands it on: what is null is not there, and thoughts
// go by each name that templates know them by.
absl::StatusOr<ordered_json> MessageOf(const ChatTurn& turn) {
  if (turn.message.empty()) {
    return ordered_json{{"role", SanitizeUtf8(turn.role)},
                        {"content", SanitizeUtf8(turn.content)}};
  }
  SFT_ASSIGN_OR_RETURN(const ordered_json whole,
                       ParsedObject(turn.message, "message"));
  ordered_json thoughts;
  for (const char* name : {"reasoning_content", "thinking", "reasoning"}) {
    if (thoughts.is_null() && whole.contains(name)) thoughts = whole[name];
  }
  ordered_json message = ordered_json::object();
  if (!thoughts.is_null()) message["thinking"] = thoughts;
  for (const auto& [name, value] : whole.items()) {
    if (!value.is_null()) message[name] = value;
  }
  if (!thoughts.is_null()) message["reasoning_content"] = thoughts;
  return message;
}

// While it lives, what {% generation %} blocks write into `out` is noted.
class Tracking {
 public:
  Tracking(std::ostringstream& out, minja::Generated& generated) {
    generated.out = &out;
    minja::Generated::Get() = &generated;
  }
  ~Tracking() { minja::Generated::Get() = nullptr; }
  Tracking(const Tracking&) = delete;
  Tracking& operator=(const Tracking&) = delete;
};

void* CallBody(void* body) {
  (*static_cast<const std::function<void()>*>(body))();
  return nullptr;
}

// Runs `body`, which must not throw, on a thread with a large stack.
bool RunOnLargeStack(const std::function<void()>& body) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_t thread;
  const bool started =
      pthread_attr_setstacksize(&attributes, kParserStackBytes) == 0 &&
      pthread_create(&thread, &attributes, &CallBody,
                     const_cast<std::function<void()>*>(&body)) == 0;
  pthread_attr_destroy(&attributes);
  return started && pthread_join(thread, nullptr) == 0;
}

}  // namespace

struct ChatTemplate::Parsed {
  std::string source, file, bos_token, eos_token;
  std::shared_ptr<minja::TemplateNode> root;
};

const std::string& ChatTemplate::source() const { return parsed_->source; }

absl::StatusOr<ChatTemplate> ChatTemplate::Compile(
    const std::string& source, const std::string& file,
    const std::string& bos_token, const std::string& eos_token) {
  if (source.size() > kMaxTemplateBytes) {
    return InputError(file, "chat template is longer than 64 KiB");
  }
  if (!IsValidUtf8(source)) {
    return InputError(file, "chat template is not valid UTF-8");
  }
  SFT_RETURN_IF_ERROR(CheckBrackets(source, file));
  auto parsed = std::make_shared<Parsed>();
  parsed->source = source;
  parsed->file = file;
  parsed->bos_token = bos_token;
  parsed->eos_token = eos_token;
  absl::Status status;
  const bool ran = RunOnLargeStack([&] {
    try {
      minja::Options options;
      options.trim_blocks = true;
      options.lstrip_blocks = true;
      options.keep_trailing_newline = false;
      parsed->root = minja::Parser::parse(source, options);
    } catch (const std::exception& e) {
      status = TemplateError(file, e);
    }
  });
  if (!ran) return absl::InternalError("cannot start the template's parser");
  SFT_RETURN_IF_ERROR(status);
  ChatTemplate out;
  out.parsed_ = std::move(parsed);
  return out;
}

absl::StatusOr<RenderedChat> ChatTemplate::Render(
    const std::vector<ChatTurn>& turns, std::string_view variables,
    bool add_generation_prompt) const {
  ordered_json values = ordered_json::object();
  if (!variables.empty()) {
    SFT_ASSIGN_OR_RETURN(values, ParsedObject(variables, "variables"));
  }
  auto messages = ordered_json::array();
  for (const ChatTurn& turn : turns) {
    SFT_ASSIGN_OR_RETURN(ordered_json message, MessageOf(turn));
    messages.push_back(std::move(message));
  }
  const ordered_json given = {
      {"messages", std::move(messages)},
      {"add_generation_prompt", add_generation_prompt},
      {"bos_token", parsed_->bos_token},
      {"eos_token", parsed_->eos_token},
  };
  for (const auto& [name, value] : given.items()) values[name] = value;
  for (const char* name : {"tools", "documents"}) {
    if (!values.contains(name)) values[name] = nullptr;
  }
  try {
    minja::ResetLimits();
    auto context = minja::Context::make(minja::Value(values));
    context->set("strftime_now", minja::Value::callable(FixedDate));
    std::ostringstream out;
    minja::Generated generated;
    const Tracking tracking(out, generated);
    parsed_->root->render(out, context);
    return RenderedChat{out.str(), std::move(generated.ranges)};
  } catch (const std::exception& e) {
    return TemplateError(parsed_->file, e);
  }
}

absl::StatusOr<std::string> ChatTemplate::Render(
    const std::vector<ChatTurn>& turns, bool add_generation_prompt) const {
  SFT_ASSIGN_OR_RETURN(RenderedChat chat,
                       Render(turns, "", add_generation_prompt));
  return std::move(chat.text);
}

}  // namespace sft::text
