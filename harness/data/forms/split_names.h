// How files and lists are named after the split that they hold, as Hugging Face
// reads names.
#ifndef HARNESS_DATA_FORMS_SPLIT_NAMES_H_
#define HARNESS_DATA_FORMS_SPLIT_NAMES_H_

#include <string>
#include <string_view>

namespace sft::data {

// "train", "validation" or "test" of "training", "dev-00000-of-00001",
// "my_test.v2"; "" where no word of the name is a split's.
std::string SplitOfName(std::string_view name);

}  // namespace sft::data

#endif  // HARNESS_DATA_FORMS_SPLIT_NAMES_H_
