// Elementwise work on large tensors, some rows at a time, so that what it makes
// on its way stays small.
#ifndef METHODS_IN_PARTS_H_
#define METHODS_IN_PARTS_H_

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>

namespace sft::methods {

// Calls body(part) for about a million numbers of `like` at a time; part(t) is
// the same rows of any tensor t of its shape.
template <class Body>
void InParts(const at::Tensor& like, const Body& body) {
  constexpr int64_t kNumbers = int64_t{1} << 20;
  if (like.numel() <= kNumbers) {
    body([](const at::Tensor& t) { return t; });
    return;
  }
  const int64_t rows = like.size(0);
  const int64_t step = std::max<int64_t>(
      1, kNumbers / std::max<int64_t>(1, like.numel() / rows));
  for (int64_t first = 0; first < rows; first += step) {
    const int64_t count = std::min(step, rows - first);
    body([first, count](const at::Tensor& t) {
      return t.narrow(0, first, count);
    });
  }
}

}  // namespace sft::methods

#endif  // METHODS_IN_PARTS_H_
