#include "harness/core/tensor_allocator.h"

#include <ATen/ATen.h>

#include <random>
#include <thread>
#include <vector>

#include "tests/support/catch_torch.h"
#include "tests/support/skips.h"

namespace sft::tensor_allocator_test {
namespace {

int64_t Held(const TensorMemory& memory, MemoryUse use) {
  return memory.bytes[static_cast<size_t>(use)];
}

// Installing is for the life of a process: one test does all.
TEST_CASE("tensor memory is counted by use, given out again, and never shared",
          "[allocator]") {
  if (!InstallTensorAllocator()) {
    support::Skip(support::Need::kMachine,
                  "no range of addresses is to be had");
  }
  constexpr int64_t kMiB = 1 << 20;
  const at::Tensor kept = at::ones({kMiB});
  const TensorMemory before = CurrentTensorMemory();
  // Whoever asks again finds what is there.
  CHECK(InstallTensorAllocator());
  CHECK(CurrentTensorMemory().total() == before.total());
  const void* place = nullptr;
  {
    const MemoryScope scope(MemoryUse::kActivations);
    const at::Tensor a = at::ones({kMiB / 4});
    place = a.const_data_ptr();
    CHECK(reinterpret_cast<uintptr_t>(place) % 64 == 0);
    CHECK(Held(CurrentTensorMemory(), MemoryUse::kActivations) ==
          Held(before, MemoryUse::kActivations) + kMiB);
    {
      const MemoryScope inner(MemoryUse::kOptimizer);
      const at::Tensor b = at::zeros({kMiB}, at::kFloat);
      CHECK(Held(CurrentTensorMemory(), MemoryUse::kOptimizer) ==
            Held(before, MemoryUse::kOptimizer) + 4 * kMiB);
      CHECK(a.sum().item<float>() == static_cast<float>(kMiB / 4));
    }
    HoldFor(a, MemoryUse::kGradients);
    CHECK(Held(CurrentTensorMemory(), MemoryUse::kGradients) ==
          Held(before, MemoryUse::kGradients) + kMiB);
    CHECK(Held(CurrentTensorMemory(), MemoryUse::kActivations) ==
          Held(before, MemoryUse::kActivations));
  }
  CHECK(CurrentTensorMemory().total() == before.total());
  // The peak is the moment when both were there.
  CHECK(PeakTensorMemory().total() >= before.total() + 5 * kMiB);
  ResetPeakTensorMemory();
  CHECK(PeakTensorMemory().total() == before.total());
  CHECK(at::empty({kMiB / 4}).const_data_ptr() == place);
  // Released pages read as zero, and are there again when written.
  ReleaseFreeTensorMemory();
  CHECK(at::ones({kMiB}).sum().item<float>() == static_cast<float>(kMiB));

  // Zeros, whatever was there before, at every distance to the pages' bounds.
  for (const int64_t size : {3, 1500, 4096, 70'001}) {
    const at::Tensor zeros = ZerosLike(at::ones({size}).mul_(2));
    CHECK(zeros.sizes() == at::IntArrayRef{size});
    CHECK(zeros.count_nonzero().item<int64_t>() == 0);
  }
  {
    const at::Tensor odd = at::ones({100}).expand({1000, 100}).contiguous();
    const at::Tensor turned = odd.t();
    const at::Tensor zeros = ZerosLike(turned);
    CHECK(zeros.sizes() == turned.sizes());
    CHECK(zeros.count_nonzero().item<int64_t>() == 0);
    CHECK(odd.sum().item<float>() == 100'000.0f);
  }

  // Tensors of all sizes come and go on several threads; each keeps what was
  // written into it.
  auto churn = [](unsigned seed) {
    std::mt19937 draw(seed);
    std::vector<std::pair<at::Tensor, float>> live;
    bool whole = true;
    for (int i = 0; i < 2000; ++i) {
      if (live.size() < 30 && draw() % 3 != 0) {
        const auto mark = static_cast<float>(draw() % 1000);
        live.emplace_back(
            at::full({1 + static_cast<int64_t>(draw() % 20000)}, mark), mark);
      } else if (!live.empty()) {
        const size_t at = draw() % live.size();
        whole = whole && live[at].first.eq(live[at].second).all().item<bool>();
        live.erase(live.begin() + static_cast<std::ptrdiff_t>(at));
      }
    }
    return whole;
  };
  std::vector<std::thread> threads;
  std::vector<char> whole(4, 0);
  for (unsigned t = 0; t < whole.size(); ++t) {
    threads.emplace_back([&whole, &churn, t] { whole[t] = churn(t); });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(whole == std::vector<char>(4, 1));
  CHECK(CurrentTensorMemory().total() == before.total());
}

}  // namespace
}  // namespace sft::tensor_allocator_test
