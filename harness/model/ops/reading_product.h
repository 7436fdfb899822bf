// LinearProduct() without a gradient: f32 on the CPU by oneDNN, which is a
// tenth to a fifth faster than MKL for a hundred rows and more; else by MKL.
// M rows, I/O in/out features.
#ifndef HARNESS_MODEL_OPS_READING_PRODUCT_H_
#define HARNESS_MODEL_OPS_READING_PRODUCT_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

namespace sft::model {

// x [..., I] times w_OI transposed, plus bias_O where it is defined.
at::Tensor ReadingProduct(const at::Tensor& x, const at::Tensor& w_OI,
                          const at::Tensor& bias_O);

// A weight in the order in which products read it and in the dtype of x: made
// once, not for every product, at the price of a second copy while it is kept.
// In f32 with wide tiles it is made once many rows have read the weight: a
// process that asks for little would wait longer for all those copies than for
// its answer. No bit depends on whether it has been made.
class LaidOutWeight {
 public:
  // Whether x has rows enough, and its dtype and device a layout that pays.
  static bool Serves(const at::Tensor& x);
  // ReadingProduct() of w_OI in x's dtype, by the layout where that serves; it
  // is made anew where w_OI is another part of memory or has changed.
  at::Tensor Product(const at::Tensor& x, const at::Tensor& w_OI,
                     const at::Tensor& bias_O);
  void Drop();

 private:
  struct Made {
    at::Tensor w;  // f32: panels of wide tiles; bf16: oneDNN's
    at::ScalarType dtype;
    // Of the weight it was made of. Weak: that may be freed, but its address
    // is nobody else's meanwhile.
    c10::weak_intrusive_ptr<c10::StorageImpl> storage;
    int64_t offset, size;
    int64_t version;
  };
  bool MadeOf(const at::Tensor& w_OI) const;

  std::optional<Made> made_;
  int64_t rows_ = 0;  // that have read the weight as it lies
};

}  // namespace sft::model

#endif  // HARNESS_MODEL_OPS_READING_PRODUCT_H_
