// A model folder of an encoder that any text can be given to: the tiny BERT of
// tests/golden/encoders with its small WordPiece tokenizer.
#ifndef TESTS_SUPPORT_TINY_ENCODER_H_
#define TESTS_SUPPORT_TINY_ENCODER_H_

#include <string>

namespace sft::support {

// Makes `folder` and returns it. The embedding of words is drawn, for the
// tokenizer has other words than the golden checkpoint. 40 positions, no head.
std::string MakeTinyEncoder(const std::string& folder);

}  // namespace sft::support

#endif  // TESTS_SUPPORT_TINY_ENCODER_H_
