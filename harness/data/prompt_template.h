// Prompts with columns in braces: "Review: {review}\nSentiment:"; {{ and }}
// write the braces themselves.
#ifndef HARNESS_DATA_PROMPT_TEMPLATE_H_
#define HARNESS_DATA_PROMPT_TEMPLATE_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace sft::data {

class PromptTemplate {
 public:
  // An error for a brace that is never closed and for a name that is empty.
  static absl::StatusOr<PromptTemplate> Parse(std::string_view text);

  // The columns that it fills in, each once, in order.
  const std::vector<std::string>& columns() const { return columns_; }
  // Texts that stand between doubled braces, as Jinja's {{text}}: each is
  // written as "{text}" by Fill.
  const std::vector<std::string>& doubled() const { return doubled_; }

  // `value_of` gives a column's text; its error is the result.
  absl::StatusOr<std::string> Fill(
      const std::function<absl::StatusOr<std::string>(const std::string&)>&
          value_of) const;

 private:
  struct Part {
    bool is_column = false;
    std::string text;
  };
  std::vector<Part> parts_;
  std::vector<std::string> columns_, doubled_;
};

// Why `form` cannot be right for a table of `known` columns, of which those of
// `answer` hold the answer: it fills in nothing, it names an unknown column, it
// shows the answer.
absl::Status CheckTemplate(const PromptTemplate& form,
                           const std::vector<std::string>& known,
                           const std::vector<std::string>& answer);

}  // namespace sft::data

#endif  // HARNESS_DATA_PROMPT_TEMPLATE_H_
