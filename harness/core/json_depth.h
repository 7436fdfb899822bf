// How deep JSON nests, before a recursive parser sees it.
#ifndef HARNESS_CORE_JSON_DEPTH_H_
#define HARNESS_CORE_JSON_DEPTH_H_

#include <string_view>

namespace sft {

// The deepest nesting of brackets outside strings; `text` need not be JSON.
int JsonDepth(std::string_view text);

}  // namespace sft

#endif  // HARNESS_CORE_JSON_DEPTH_H_
