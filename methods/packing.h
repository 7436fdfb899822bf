// The batching methods. padded: rows padded to one width, pads computed, the
// baseline. padding_free (arXiv 2407.09105): the very same rows laid end to
// end, no pads, the same optimizer steps. packed (2107.02027, 2404.10830):
// bins filled over the whole pass, so fewer steps; attention stays within a
// row, but for strategy `wrapped`, which crosses rows and is here to be
// compared with.
#ifndef METHODS_PACKING_H_
#define METHODS_PACKING_H_

#include <cstdint>
#include <memory>
#include <string>

#include "harness/train/method.h"
#include "methods/packer.h"

namespace sft::methods {

struct PaddingFreeOptions {
  std::string order = "random";

  template <class V>
  void VisitFields(V& v) {
    v("pad.order", order, Limits{.choices = {"random", "bucketed"}},
      "rows as shuffled, or batches of rows of like length");
  }
};

struct PaddedOptions : PaddingFreeOptions {
  std::string pad_to = "longest";

  template <class V>
  void VisitFields(V& v) {
    PaddingFreeOptions::VisitFields(v);
    v("pad.pad_to", pad_to, Limits{.choices = {"longest", "max"}},
      "width of a batch: its longest row, or max_length");
  }
};

struct PackedOptions {
  std::string strategy = "ffd";
  std::string overflow = "truncate";
  int64_t max_per_pack = 0;

  template <class V>
  void VisitFields(V& v) {
    v("pack.strategy", strategy, Limits{.choices = PackStrategyNames()},
      "how rows fill bins; wrapped lets attention cross rows");
    v("pack.overflow", overflow, Limits{.choices = {"truncate", "split"}},
      "a row longer than max_length: cut, or in pieces of that length");
    v("pack.max_per_pack", max_per_pack, Limits{.min = 0},
      "most rows a bin, 0 = no bound; nnlshp has at most 3 in any case");
  }

  PackStrategy pack_strategy() const;
  PackOverflow pack_overflow() const;
};

// Batches of `batch_size` rows (padded, padding_free) or bins (packed) of at
// most `max_length` tokens. Report() counts over all passes planned so far:
// packing.efficiency (tokens over capacity), packing.bins,
// packing.truncated_rows, packing.truncated_tokens, packing.split_rows,
// packing.lost_target_tokens.
std::unique_ptr<data::Collator> MakePaddedCollator(const PaddedOptions& options,
                                                   int64_t batch_size,
                                                   int64_t max_length);
std::unique_ptr<data::Collator> MakePaddingFreeCollator(
    const PaddingFreeOptions& options, int64_t batch_size, int64_t max_length);
std::unique_ptr<data::Collator> MakePackedCollator(const PackedOptions& options,
                                                   int64_t batch_size,
                                                   int64_t max_length);

}  // namespace sft::methods

#endif  // METHODS_PACKING_H_
