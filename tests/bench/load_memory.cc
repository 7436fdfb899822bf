// What loading a model takes, and two steps of it: bytes held and the peaks of
// resident memory, predicted and measured, as a row of a table.
//   build/load_memory MODEL METHOD DTYPE [tokens a step, 64] [threads, 1]
// MODEL is a folder, a .gguf file or a listed name; scripts/load_memory.py
// makes large ones and runs this for each. Exit status 1 where a peak of
// loading is above its bound, or a prediction 10 % off.
#include <ATen/Parallel.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "harness/model/load/load.h"
#include "methods/packing.h"
#include "tests/bench/trainee.h"
#include "tests/support/paths.h"
#include "tests/support/random_decoder.h"

namespace sft::bench {
namespace {

constexpr double kMostOverHeld = 1.1;       // of what is held, while loading
constexpr double kMostOverQuantized = 1.3;  // where that is quantized
constexpr double kMostOff = 0.1;            // of a prediction
constexpr int64_t kMib = int64_t{1} << 20;

double Mib(int64_t bytes) {
  return static_cast<double>(bytes) / static_cast<double>(kMib);
}

int64_t PeakBytes() {
  const auto memory = measure::ReadProcessMemory();
  TORCH_CHECK(memory.ok(), memory.status().ToString());
  return memory->peak_resident_bytes;
}

int Run(const std::string& name, const std::string& method,
        const std::string& dtype, int64_t tokens) {
  TORCH_CHECK(measure::ResetPeakResidentMemory(), "VmHWM cannot be reset");
  const int64_t before = PeakBytes();
  const auto where = model::LocateModel(name, support::AssetsDir().string());
  TORCH_CHECK(where.ok(), where.status().ToString());
  auto files = model::OpenWeights(*where);
  TORCH_CHECK(files.ok(), files.status().ToString());
  auto opened = model::OpenModel(
      *where, std::make_shared<const model::WeightFiles>(*std::move(files)),
      {.compute_dtype = dtype == "bf16" ? at::kBFloat16 : at::kFloat});
  TORCH_CHECK(opened.ok(), opened.status().ToString());
  Trainee trainee(*std::move(opened), method);
  const int64_t loading = PeakBytes() - before;
  int64_t held = 0, quantized = 0;
  for (const auto& [category, bytes] : measure::ModelBytes(trainee.model())) {
    held += bytes;
    if (category.rfind("quantiz", 0) == 0) quantized += bytes;
  }
  ReleaseFreeTensorMemory();
  TORCH_CHECK(measure::ResetPeakResidentMemory());
  Rng rng(1, Stream::kDataOrder, "load_memory");
  const std::vector<Example> rows = {
      support::RandomRow(tokens, trainee.model().info().vocabulary, rng)};
  const auto collator = methods::MakePaddedCollator({}, 1, tokens);
  const Batch batch =
      collator->Collate(rows, collator->PlanPass(rows, {0}, rng).front());
  const int64_t predicted =
      trainee.PredictedBytes(batch) + measure::kProcessBytes;
  for (int step = 0; step < 2; ++step) {
    TORCH_CHECK(std::isfinite(trainee.Step(batch)));
  }
  const int64_t measured = PeakBytes();
  const double over = Mib(loading) / Mib(held);
  const double off = Mib(measured) / Mib(predicted) - 1;
  const bool good =
      over <= (quantized > 0 ? kMostOverQuantized : kMostOverHeld) &&
      std::abs(off) <= kMostOff;
  printf(
      "| %s | %s | %s | %.0f | %.0f | %.2f | %.0f | %.0f | %+.1f %% | %s |\n",
      name.substr(name.rfind('/') + 1).c_str(), method.c_str(), dtype.c_str(),
      Mib(held), Mib(loading), over, Mib(predicted), Mib(measured), 100 * off,
      good ? "good" : "MISSES");
  return good ? 0 : 1;
}

}  // namespace
}  // namespace sft::bench

int main(int argc, char** argv) {
  if (argc < 4 || argc > 6) {
    fprintf(stderr,
            "usage: load_memory MODEL METHOD f32|bf16 [tokens] [threads]\n");
    return 2;
  }
  at::set_num_threads(argc > 5 ? std::atoi(argv[5]) : 1);
  sft::InstallTensorAllocator();
  return sft::bench::Run(argv[1], argv[2], argv[3],
                         argc > 4 ? std::atoll(argv[4]) : 64);
}
