// A folder is read map by map: no second copy of the weights, nor a first one
// where a method makes less of them.
#include <ATen/ATen.h>
#include <malloc.h>

#include <cmath>
#include <memory>
#include <string>

#include "harness/measure/memory.h"
#include "harness/model/load/load.h"
#include "methods/registry.h"
#include "tests/support/catch_torch.h"
#include "tests/support/paths.h"
#include "tests/support/random_decoder.h"
#include "tests/support/skips.h"

namespace sft::measure::load_memory_test {
namespace {

// 31M parameters in many maps of at most 590,000: 118 MiB in f32.
constexpr support::DecoderSize kManyMaps = {"many", 12, 384, 6, 2, 1536, 8192};
constexpr int64_t kLargestMapBytes = 4 * 1536 * 384;
// The head, which is the embedding, and what the allocator and threads hold.
constexpr int64_t kRoomBytes = 6 << 20;

std::string WriteFolder(const support::TempDir& dir) {
  const std::string folder = dir.path().string();
  const auto model = support::RandomDecoder(kManyMaps, at::kFloat);
  REQUIRE(model::WriteModelFolder(*model, folder, at::kBFloat16).ok());
  return folder;
}

std::unique_ptr<model::Model> Open(const std::string& folder,
                                   at::ScalarType compute) {
  auto where = model::LocateModel(folder, "");
  REQUIRE(where.ok());
  auto files = model::OpenWeights(*where);
  REQUIRE(files.ok());
  auto opened = model::OpenModel(
      *where, std::make_shared<const model::WeightFiles>(*std::move(files)),
      {.compute_dtype = compute});
  REQUIRE(opened.ok());
  return *std::move(opened);
}

std::unique_ptr<train::UpdateMethod> MethodOf(
    const train::UpdateMethodRow& row) {
  spec::RunConfig config;
  config.method = row.name;
  for (const FieldSpec& field : row.options) {
    config.method_options[field.name] = field.default_text;
  }
  auto method = row.make(config);
  REQUIRE(method.ok());
  return *std::move(method);
}

int64_t HeldBytes(model::Model& model) {
  int64_t held = 0;
  for (const auto& [category, bytes] : ModelBytes(model)) held += bytes;
  return held;
}

bool CanMeasure() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  support::SkipPart(support::Need::kMachine, "a sanitizer keeps what is freed");
  return false;
#endif
  // What is freed goes back at once: measured is what is held.
  mallopt(M_MMAP_THRESHOLD, 1 << 16);
  if (ResetPeakResidentMemory()) return true;
  support::SkipPart(support::Need::kMachine,
                    "the kernel does not let the peak be reset");
  return false;
}

TEST_CASE("loading takes the memory of what is held", "[measure][memory]") {
  if (!CanMeasure()) return;
  const support::TempDir dir;
  const std::string folder = WriteFolder(dir);
  const auto load = [&](const train::UpdateMethodRow& row,
                        at::ScalarType compute) {
    INFO(row.name << " " << compute);
    malloc_trim(0);  // what an earlier load has freed counts for nothing
    REQUIRE(ResetPeakResidentMemory());
    const auto before = ReadProcessMemory();
    const auto model = Open(folder, compute);
    const auto method = MethodOf(row);
    if (!method->ReadsMapByMap()) REQUIRE(model->ReadMaps().ok());
    REQUIRE(method->Attach(*model).ok());
    REQUIRE(model->ReadMaps().ok());
    const auto after = ReadProcessMemory();
    REQUIRE((before.ok() && after.ok()));
    const int64_t held = HeldBytes(*model) + method->StateBytes();
    const int64_t took = after->peak_resident_bytes - before->resident_bytes;
    INFO("held " << held << ", took " << took);
    CHECK(took < held + held / 10 + 4 * kLargestMapBytes + kRoomBytes);
    CHECK(took > held / 2);  // it is measured at all
  };
  const auto methods = methods::AllMethods();
  load(methods.update[1], at::kFloat);  // what a first load leaves behind
  for (const train::UpdateMethodRow& row : methods.update) {
    for (const at::ScalarType compute : {at::kFloat, at::kBFloat16}) {
      load(row, compute);
    }
  }
}

TEST_CASE("maps read one by one make the model that is read at once",
          "[measure][memory]") {
  const support::TempDir dir;
  const auto small =
      support::RandomDecoder({"small", 2, 32, 4, 2, 48, 64}, at::kFloat);
  const std::string folder = dir.path().string();
  REQUIRE(model::WriteModelFolder(*small, folder, at::kFloat).ok());
  const auto opened = Open(folder, at::kFloat);
  for (const model::LinearSlot& slot : opened->linear_slots()) {
    CHECK(slot.unread);
    CHECK(slot.map->DenseWeight().is_meta());
  }
  model::LinearSlot& first = opened->linear_slots().front();
  REQUIRE(opened->ReadMap(first).ok());
  CHECK_FALSE(first.unread);
  CHECK_FALSE(first.map->DenseWeight().is_meta());
  CHECK(opened->linear_slots().back().unread);
  const model::LinearMap* const map = first.map.get();
  REQUIRE(opened->ReadMaps().ok());
  CHECK(first.map.get() == map);  // a map is read once
  const auto wanted = small->DenseState(), got = opened->DenseState();
  REQUIRE(wanted.size() == got.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    CHECK(wanted[i].name == got[i].name);
    CHECK(at::equal(wanted[i].tensor, got[i].tensor));
  }
}

TEST_CASE("a map that is not finite is refused when it is read",
          "[measure][memory]") {
  const support::TempDir dir;
  const auto small =
      support::RandomDecoder({"small", 2, 32, 4, 2, 48, 64}, at::kFloat);
  model::Parameter last = small->Parameters()[0];
  for (const model::Parameter& p : small->Parameters()) {
    if (p.role == model::Role::kDown) last = p;
  }
  last.tensor.detach().view(-1)[7] = std::nan("");
  const std::string folder = dir.path().string();
  REQUIRE(model::WriteModelFolder(*small, folder, at::kFloat).ok());
  const auto opened = Open(folder, at::kFloat);
  const absl::Status status = opened->ReadMaps();
  CHECK(absl::IsInvalidArgument(status));
  CHECK(std::string(status.message()).find(last.name + " holds NaN") !=
        std::string::npos);
}

}  // namespace
}  // namespace sft::measure::load_memory_test
