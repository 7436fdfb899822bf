#include "harness/core/tensor_allocator.h"

#include <ATen/ATen.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#include <cstring>
#include <mutex>
#include <numeric>
#include <set>
#include <unordered_map>
#include <utility>

namespace sft {
namespace {

// AddressSanitizer is told what of the range may be touched: a block, without
// the gap behind it, from Take to GiveBack.
#if defined(__SANITIZE_ADDRESS__)
constexpr size_t kGap = 64;
void Allow(void* at, size_t size) { ASAN_UNPOISON_MEMORY_REGION(at, size); }
void Forbid(void* at, size_t size) { ASAN_POISON_MEMORY_REGION(at, size); }
#else
constexpr size_t kGap = 0;
void Allow(void*, size_t) {}
void Forbid(void*, size_t) {}
#endif

constexpr size_t kPage = 4096;
constexpr size_t kAlign = 64;  // what LibTorch's vector code expects
// Smaller tensors are left to malloc, which is good at them.
constexpr size_t kLeast = kPage;

// The whole pages of [at, at + size) become zeros that take no memory; what is
// left of it before and behind is returned as two numbers of bytes.
struct Edges {
  size_t before = 0, behind = 0;
};
Edges DropPages(char* at, size_t size) {
  const uintptr_t begin = reinterpret_cast<uintptr_t>(at);
  const uintptr_t first = (begin + kPage - 1) / kPage * kPage;
  const uintptr_t last = (begin + size) / kPage * kPage;
  if (first >= last ||
      madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED)) {
    return {size, 0};
  }
  return {first - begin, begin + size - last};
}

thread_local MemoryUse current_use = MemoryUse::kOther;

struct Block {
  char* at = nullptr;
  size_t size = 0;
  bool free = true;
  MemoryUse use = MemoryUse::kOther;
  Block* before = nullptr;  // neighbours by address
  Block* behind = nullptr;
};

// Best fit over one range of addresses; free neighbours become one.
class Range {
 public:
  bool Reserve() {
    struct sysinfo machine;
    if (sysinfo(&machine) != 0) return false;
    const size_t bytes = machine.totalram * machine.mem_unit / kPage * kPage;
    void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) return false;
    // No large pages: pages are taken once and kept, and on a virtual machine
    // that lends free blocks back to its host, large ones come from there, at
    // twice the price (measured: 2.2 s against 1 to 1.4 s a GB; a step is as
    // fast with either).
    begin_ = static_cast<char*>(at);
    end_ = begin_ + bytes;
    auto* block = new Block{.at = begin_, .size = bytes};
    free_.insert({block->size, block->at, block});
    return true;
  }

  bool Holds(const void* at) const {
    const auto* byte = static_cast<const char*>(at);
    return byte >= begin_ && byte < end_;
  }

  // Null where there is no room.
  void* Take(size_t wanted) {
    const size_t bytes = (wanted + kAlign - 1) / kAlign * kAlign + kGap;
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto it = free_.lower_bound({bytes, nullptr, nullptr});
    if (it == free_.end()) return nullptr;
    Block* block = it->block;
    free_.erase(it);
    if (block->size - bytes >= kLeast) {
      auto* rest = new Block{.at = block->at + bytes,
                             .size = block->size - bytes,
                             .before = block,
                             .behind = block->behind};
      if (block->behind != nullptr) block->behind->before = rest;
      block->behind = rest;
      block->size = bytes;
      free_.insert({rest->size, rest->at, rest});
    }
    block->free = false;
    block->use = current_use;
    Count(block->use, Bytes(*block));
    taken_[block->at] = block;
    Forbid(block->at, block->size);
    Allow(block->at, wanted);
    return block->at;
  }

  void GiveBack(void* at) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto it = taken_.find(at);
    TORCH_CHECK(it != taken_.end(), "a tensor's memory is given back twice");
    Block* block = it->second;
    taken_.erase(it);
    Forbid(block->at, block->size);
    Count(block->use, -Bytes(*block));
    block->free = true;
    if (block->behind != nullptr && block->behind->free) {
      Unlist(block->behind);
      TakeInNext(block);
    }
    if (block->before != nullptr && block->before->free) {
      block = block->before;
      Unlist(block);
      TakeInNext(block);
    }
    free_.insert({block->size, block->at, block});
  }

  void SetUse(void* at, MemoryUse use) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto it = taken_.find(at);
    if (it == taken_.end()) return;
    Block* block = it->second;
    const int64_t bytes = Bytes(*block);
    // One total throughout: this is no new peak.
    now_.bytes[static_cast<size_t>(block->use)] -= bytes;
    now_.bytes[static_cast<size_t>(use)] += bytes;
    block->use = use;
  }

  void ReleaseFree() {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const Listed& listed : free_) DropPages(listed.at, listed.size);
  }

  TensorMemory Now() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return now_;
  }
  TensorMemory Peak() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return peak_;
  }
  void ResetPeak() {
    const std::lock_guard<std::mutex> lock(mutex_);
    peak_ = now_;
    peak_total_ = total_;
  }

 private:
  struct Listed {
    size_t size;
    char* at;
    Block* block;
    bool operator<(const Listed& other) const {
      return std::pair(size, at) < std::pair(other.size, other.at);
    }
  };

  static int64_t Bytes(const Block& block) {
    return static_cast<int64_t>(block.size - kGap);
  }

  void Unlist(Block* block) { free_.erase({block->size, block->at, block}); }

  void TakeInNext(Block* block) {
    Block* gone = block->behind;
    block->size += gone->size;
    block->behind = gone->behind;
    if (gone->behind != nullptr) gone->behind->before = block;
    delete gone;
  }

  void Count(MemoryUse use, int64_t bytes) {
    now_.bytes[static_cast<size_t>(use)] += bytes;
    total_ += bytes;
    if (total_ > peak_total_) {
      peak_total_ = total_;
      peak_ = now_;
    }
  }

  std::mutex mutex_;
  char* begin_ = nullptr;
  char* end_ = nullptr;
  std::unordered_map<void*, Block*> taken_;
  std::set<Listed> free_;
  TensorMemory now_, peak_;
  int64_t total_ = 0, peak_total_ = 0;
};

// Never destroyed: tensors of static life give back to it.
Range& TheRange() {
  static Range* range = new Range();
  return *range;
}

void GiveBack(void* at) {
  if (TheRange().Holds(at)) {
    TheRange().GiveBack(at);
  } else {
    c10::free_cpu(at);
  }
}

class KeepingAllocator : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void* at = bytes >= kLeast ? TheRange().Take(bytes) : nullptr;
    if (at == nullptr) at = c10::alloc_cpu(bytes);
    return {at, at, &GiveBack, c10::Device(c10::DeviceType::CPU)};
  }
  // oneDNN asks for memory without a DataPtr.
  c10::DeleterFnPtr raw_deleter() const override { return &GiveBack; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }
};

}  // namespace

std::string_view MemoryUseName(MemoryUse use) {
  switch (use) {
    case MemoryUse::kWeights:
      return "weights";
    case MemoryUse::kOptimizer:
      return "optimizer";
    case MemoryUse::kGradients:
      return "gradients";
    case MemoryUse::kActivations:
      return "activations";
    case MemoryUse::kOther:
      break;
  }
  return "other";
}

MemoryScope::MemoryScope(MemoryUse use)
    : before_(std::exchange(current_use, use)) {}
MemoryScope::~MemoryScope() { current_use = before_; }

int64_t TensorMemory::total() const {
  return std::accumulate(bytes.begin(), bytes.end(), int64_t{0});
}

bool InstallTensorAllocator() {
  static const bool installed = [] {
    if (!TheRange().Reserve()) return false;
    c10::SetCPUAllocator(new KeepingAllocator(), /*priority=*/1);
    return true;
  }();
  return installed;
}

TensorMemory CurrentTensorMemory() { return TheRange().Now(); }
TensorMemory PeakTensorMemory() { return TheRange().Peak(); }
void ResetPeakTensorMemory() { TheRange().ResetPeak(); }

void HoldFor(const at::Tensor& tensor, MemoryUse use) {
  if (!tensor.defined() || !tensor.is_cpu()) return;
  TheRange().SetUse(tensor.storage().mutable_data(), use);
}

at::Tensor ZerosLike(const at::Tensor& like) {
  if (!like.is_cpu()) return at::zeros_like(like);
  const at::Tensor out = at::empty_like(like);
  auto* at = static_cast<char*>(out.mutable_data_ptr());
  const size_t size = out.nbytes();
  if (!TheRange().Holds(at)) return out.zero_();
  const Edges edges = DropPages(at, size);
  std::memset(at, 0, edges.before);
  std::memset(at + size - edges.behind, 0, edges.behind);
  return out;
}

void ReleaseFreeTensorMemory() { TheRange().ReleaseFree(); }

}  // namespace sft
