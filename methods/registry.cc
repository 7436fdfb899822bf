#include "methods/registry.h"

#include <memory>
#include <utility>

#include "harness/core/status.h"
#include "methods/ewc.h"
#include "methods/full.h"
#include "methods/hft.h"
#include "methods/l2sp.h"
#include "methods/lisa.h"
#include "methods/lora.h"
#include "methods/mofo.h"
#include "methods/oft.h"
#include "methods/packing.h"
#include "methods/qlora.h"
#include "methods/ssu.h"

namespace sft::methods {
namespace {

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
absl::Status CheckOptions(const LoraOptions& options, const spec::RunConfig&) {
  return CheckLoraRounds(options, /*quantized=*/false);
}
absl::Status CheckOptions(const QloraOptions& options, const spec::RunConfig&) {
  return CheckLoraRounds(options, /*quantized=*/true);
}
absl::Status CheckOptions(const OftOptions& options, const spec::RunConfig&) {
  return CheckOftOptions(options);
}

template <class Method, class Options>
absl::StatusOr<std::unique_ptr<train::UpdateMethod>> MakeUpdate(
    const spec::RunConfig& config) {
  Options options;
  SFT_RETURN_IF_ERROR(ReadFields(config.method_options, options));
  SFT_RETURN_IF_ERROR(CheckOptions(options, config));
  return std::make_unique<Method>(std::move(options), config.seed);
}

train::CalibrationRows CalibrationOf(const EwcOptions& options) {
  return {.of_round_before = true,
          .set = "",
          .option = "",
          .rows = options.fisher_rows,
          .takes_gradients = true};
}
train::CalibrationRows CalibrationOf(const SsuOptions& options) {
  return {.of_round_before = false,
          .set = options.calibration_from,
          .option = "ssu.calibration_from",
          .rows = options.calibration_rows,
          .takes_gradients = false};
}
template <class Options>
train::CalibrationRows CalibrationOfConfig(const spec::RunConfig& config) {
  Options options;
  // What cannot be read is refused by `make`.
  static_cast<void>(ReadFields(config.method_options, options));
  return CalibrationOf(options);
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
       DescribeFields<HftOptions>(), MakeUpdate<HftMethod, HftOptions>},
      {"l2sp", "full, held to the weights it began with (1802.01483)",
       DescribeFields<L2spOptions>(), MakeUpdate<L2spMethod, L2spOptions>},
      {"ewc", "full, held to what earlier rounds need (1612.00796)",
       DescribeFields<EwcOptions>(), MakeUpdate<EwcMethod, EwcOptions>,
       CalibrationOfConfig<EwcOptions>},
      {"mofo", "a step moves the weights of largest momentum (2407.20999)",
       DescribeFields<MofoOptions>(), MakeUpdate<MofoMethod, MofoOptions>},
      {"lisa", "a few blocks at a time, drawn anew (2403.17919)",
       DescribeFields<LisaOptions>(), MakeUpdate<LisaMethod, LisaOptions>},
      {"ssu", "columns that general rows need stay as they are (2512.04844)",
       DescribeFields<SsuOptions>(), MakeUpdate<SsuMethod, SsuOptions>,
       CalibrationOfConfig<SsuOptions>},
      {"oft", "rotations in blocks before frozen maps (2306.07280)",
       DescribeFields<OftOptions>(), MakeUpdate<OftMethod, OftOptions>}};
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
