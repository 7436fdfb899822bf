#include "methods/registry.h"

#include <memory>
#include <utility>

#include "harness/core/status.h"
#include "methods/full.h"
#include "methods/hft.h"
#include "methods/lora.h"
#include "methods/packing.h"
#include "methods/qlora.h"

namespace sft::methods {
namespace {

template <class Method, class Options>
absl::StatusOr<std::unique_ptr<train::UpdateMethod>> MakeUpdate(
    const spec::RunConfig& config) {
  Options options;
  SFT_RETURN_IF_ERROR(ReadFields(config.method_options, options));
  return std::make_unique<Method>(std::move(options), config.seed);
}

// A batching method whose collator follows from options and the config's
// batch_size and max_length.
template <class Options>
class CollatorMethod : public train::BatchingMethod {
 public:
  using Make = std::unique_ptr<data::Collator> (*)(const Options&, int64_t,
                                                   int64_t);
  CollatorMethod(Make make, Options options, const spec::RunConfig& config)
      : make_(make),
        options_(std::move(options)),
        batch_size_(config.batch_size),
        max_length_(config.max_length) {}

  std::unique_ptr<data::Collator> MakeCollator() override {
    return make_(options_, batch_size_, max_length_);
  }

 private:
  Make make_;
  Options options_;
  int64_t batch_size_;
  int64_t max_length_;
};

// What limits of single fields cannot say.
template <class Options>
absl::Status CheckOptions(const Options&, const spec::RunConfig&) {
  return absl::OkStatus();
}
absl::Status CheckOptions(const PackedOptions& options,
                          const spec::RunConfig& config) {
  return CheckPacking(options.pack_strategy(), config.max_length,
                      options.max_per_pack);
}

template <class Options>
bool SplitsRows(const Options&) {
  return false;
}
bool SplitsRows(const PackedOptions& options) {
  return options.pack_overflow() == PackOverflow::kSplit;
}

template <class Options>
train::BatchingMethodRow BatchingRow(
    std::string name, std::string summary,
    typename CollatorMethod<Options>::Make make_collator) {
  const auto make = [make_collator](const spec::RunConfig& config)
      -> absl::StatusOr<std::unique_ptr<train::BatchingMethod>> {
    Options options;
    SFT_RETURN_IF_ERROR(ReadFields(config.method_options, options));
    SFT_RETURN_IF_ERROR(CheckOptions(options, config));
    return std::make_unique<CollatorMethod<Options>>(
        make_collator, std::move(options), config);
  };
  const auto takes_whole_rows = [](const spec::RunConfig& config) {
    Options options;
    return ReadFields(config.method_options, options).ok() &&
           SplitsRows(options);
  };
  return {std::move(name), std::move(summary), DescribeFields<Options>(), make,
          takes_whole_rows};
}

absl::StatusOr<std::unique_ptr<train::UpdateMethod>> MakeUntuned(
    const spec::RunConfig&) {
  return std::make_unique<FullMethod>(/*trains=*/false);
}
absl::StatusOr<std::unique_ptr<train::UpdateMethod>> MakeFull(
    const spec::RunConfig&) {
  return std::make_unique<FullMethod>(/*trains=*/true);
}

}  // namespace

train::MethodTables AllMethods() {
  train::MethodTables tables;
  tables.update = {
      {spec::kUntuned,
       "nothing is trained: the model as it came",
       {},
       MakeUntuned},
      {"full", "every weight is trained", {}, MakeFull},
      {"lora", "low-rank adapters beside frozen weights (2106.09685)",
       DescribeFields<LoraOptions>(), MakeUpdate<LoraMethod, LoraOptions>},
      {"qlora", "low-rank adapters over NF4 weights (2305.14314)",
       DescribeFields<QloraOptions>(), MakeUpdate<QloraMethod, QloraOptions>},
      {"hft", "a random half of the weights is trained (2404.18466)",
       DescribeFields<HftOptions>(), MakeUpdate<HftMethod, HftOptions>}};
  tables.batching = {
      BatchingRow<PaddedOptions>("padded", "rows padded to one width",
                                 MakePaddedCollator),
      BatchingRow<PaddingFreeOptions>(
          "padding_free", "the same rows laid end to end (2407.09105)",
          MakePaddingFreeCollator),
      BatchingRow<PackedOptions>(
          "packed", "bins of rows filled over the whole pass (2404.10830)",
          MakePackedCollator)};
  return tables;
}

}  // namespace sft::methods
