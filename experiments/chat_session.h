// A conversation with a model: its turns, how they become a prompt, and the
// answer as it is written, with what was read of the conversation kept.
#ifndef EXPERIMENTS_CHAT_SESSION_H_
#define EXPERIMENTS_CHAT_SESSION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/core/tokenizer.h"
#include "harness/model/generate/kept_reader.h"
#include "harness/model/model.h"

namespace sft::experiments {

// Text as its tokens come: what is not whole yet (the bytes of a character are
// tokens apart) is held back until it is.
class TokenStream {
 public:
  explicit TokenStream(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}
  // What may be shown of the ids so far that was not before; `ended`: all.
  std::string Next(const std::vector<int32_t>& ids, bool ended);
  const std::string& shown() const { return shown_; }

 private:
  const Tokenizer& tokenizer_;
  std::string shown_;
};

struct ChatOptions {
  model::GenerationOptions generation;
  std::string form = "auto";  // of prompts, as RunConfig::prompt_form
  std::string bos = "auto";
  // A run's prompts are those that it was trained on; else the template's own.
  bool as_trained = false;
};

class ChatSession {
 public:
  // Both live longer.
  ChatSession(model::Model& model, const Tokenizer& tokenizer,
              ChatOptions options);

  // The system turn from here on, "" for none; an error where the chat
  // template has no use for one, and nothing is changed.
  absl::Status SetSystem(const std::string& text);
  void Reset() { turns_.clear(); }  // all but the system turn

  // Answers `text`. `show` gets the answer piece by piece; where `stopped`
  // says so it ends there, as far as it is. An error adds no turn.
  absl::Status Say(const std::string& text,
                   const std::function<void(const std::string&)>& show,
                   const std::function<bool()>& stopped);
  // Why the last answer ended before its end; "" where it did not.
  const std::string& cut_short() const { return cut_short_; }
  // Tokens of the last prompt, and those of them that were read before.
  int64_t prompt_tokens() const { return prompt_tokens_; }
  int64_t reused_tokens() const { return reader_.reused(); }

 private:
  absl::StatusOr<std::vector<int32_t>> PromptOf(
      const std::vector<ChatTurn>& turns) const;
  std::vector<ChatTurn> With(const std::string& system,
                             const std::string& text) const;

  model::Model& model_;
  const Tokenizer& tokenizer_;
  ChatOptions options_;
  model::KeptReader reader_;
  std::string system_;
  std::vector<ChatTurn> turns_;
  std::string cut_short_;
  int64_t prompt_tokens_ = 0;
  int64_t answers_ = 0;
};

}  // namespace sft::experiments

#endif  // EXPERIMENTS_CHAT_SESSION_H_
