// Named entities as text that a decoder can write, and back:
//   "person: Ada Lovelace; location: London", or "none".
#ifndef HARNESS_DATA_ENTITY_ANSWER_H_
#define HARNESS_DATA_ENTITY_ANSWER_H_

#include <string>
#include <string_view>
#include <vector>

namespace sft::data {

// The entities in order of appearance. `tags` are BIO2, as many as words.
std::string EntityAnswer(const std::vector<std::string>& words,
                         const std::vector<std::string>& tags);

// Why entities of this type could not be written and read back, or their tags
// not be compared: it holds white space, ';' or ':', or is empty; "" if they
// can.
std::string EntityTypeComplaint(std::string_view type);

// A BIO2 tag for each word: every entity of the answer marks the first run of
// its words behind the entity before it. What is no "type: text" with a type
// of `types`, and text that does not stand there, is passed over. The inverse
// of EntityAnswer, but where an entity's words stand earlier without a tag.
std::vector<std::string> TagsOfAnswer(std::string_view answer,
                                      const std::vector<std::string>& words,
                                      const std::vector<std::string>& types);

}  // namespace sft::data

#endif  // HARNESS_DATA_ENTITY_ANSWER_H_
