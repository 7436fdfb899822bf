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

namespace sft::text {
namespace {

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

absl::StatusOr<std::string> ChatTemplate::Render(
    const std::vector<ChatTurn>& turns, bool add_generation_prompt) const {
  try {
    auto messages = nlohmann::ordered_json::array();
    for (const ChatTurn& turn : turns) {
      messages.push_back({{"role", SanitizeUtf8(turn.role)},
                          {"content", SanitizeUtf8(turn.content)}});
    }
    nlohmann::ordered_json values = {
        {"messages", std::move(messages)},
        {"add_generation_prompt", add_generation_prompt},
        {"bos_token", parsed_->bos_token},
        {"eos_token", parsed_->eos_token},
        {"tools", nullptr},
        {"documents", nullptr},
    };
    minja::ResetLimits();
    auto context = minja::Context::make(minja::Value(values));
    context->set("strftime_now", minja::Value::callable(FixedDate));
    return parsed_->root->render(context);
  } catch (const std::exception& e) {
    return TemplateError(parsed_->file, e);
  }
}

}  // namespace sft::text
