// AdamW whose moments lie in unified memory on a CUDA device: the driver moves
// them to the host when the device runs short, and back before a step (paged
// optimizers of QLoRA, arXiv 2305.14314, section 3). The arithmetic is AdamW's.
// On the CPU, and for a tensor below 100 000 elements (bitsandbytes' rule), it
// is AdamW itself.
#ifndef HARNESS_TRAIN_OPTIMIZERS_ADAMW_PAGED_H_
#define HARNESS_TRAIN_OPTIMIZERS_ADAMW_PAGED_H_

#include <vector>

#include "harness/train/optimizers/adamw.h"

namespace sft::train {

class AdamWPaged : public AdamW {
 public:
  AdamWPaged(std::vector<TrainableParameter> parameters,
             const AdamWOptions& options);

 protected:
  // On a device parameter by parameter, the next one's moments on their way.
  void MoveRange(size_t begin, size_t end, double learning_rate) override;

 private:
  void Prefetch(size_t index) const;
};

}  // namespace sft::train

#endif  // HARNESS_TRAIN_OPTIMIZERS_ADAMW_PAGED_H_
