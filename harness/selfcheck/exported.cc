// What is written is what was trained: the merged folder, and the adapter's,
// read back.
#include <ATen/ATen.h>

#include "absl/strings/str_format.h"
#include "harness/core/status.h"
#include "harness/launch/run_assembly.h"
#include "harness/model/load/load.h"
#include "harness/selfcheck/checks.h"
#include "harness/selfcheck/few_steps.h"

namespace sft::selfcheck {
namespace {

constexpr int64_t kMostBytes = int64_t{4} << 30;  // written for a check
constexpr double kReadBack = 1e-6;                // the same numbers

bool IsQuantized(model::Model& model) {
  for (const model::LinearSlot& slot : model.linear_slots()) {
    for (const auto& [category, bytes] : slot.map->BytesByCategory()) {
      if (category == "quantized_weights") return true;
    }
  }
  return false;
}

// How far off the answers are once the adapter is read onto the base.
absl::StatusOr<double> AdapterDistance(const Setting& setting, FewSteps& run,
                                       const std::string& folder) {
  SFT_RETURN_IF_ERROR(run.method().WriteAdapter(folder));
  SFT_ASSIGN_OR_RETURN(const std::unique_ptr<model::Model> base,
                       setting.open(setting.config));
  SFT_RETURN_IF_ERROR(base->ReadMaps());
  SFT_RETURN_IF_ERROR(setting.read_adapter(*base, folder));
  return Distance(AnswersOf(*base, run.examples()),
                  AnswersOf(run.model(), run.examples()));
}

absl::StatusOr<double> FolderDistance(const Setting& setting, FewSteps& run,
                                      const std::string& folder) {
  const bool wide = setting.config.dtype == "f64";
  SFT_RETURN_IF_ERROR(model::WriteModelFolder(run.model(), folder,
                                              wide ? at::kDouble : at::kFloat));
  SFT_ASSIGN_OR_RETURN(const model::ModelLocation where,
                       model::LocateModel(folder, ""));
  SFT_ASSIGN_OR_RETURN(const model::ModelOptions options,
                       launch::ModelOptionsOf(setting.config));
  SFT_ASSIGN_OR_RETURN(const std::unique_ptr<model::Model> read,
                       model::LoadModel(where, options));
  return Distance(AnswersOf(*read, run.examples()),
                  AnswersOf(run.model(), run.examples()));
}

absl::StatusOr<Finding> CheckExported(const Setting& setting) {
  SFT_ASSIGN_OR_RETURN(const auto run, FewSteps::Make(setting));
  const int64_t bytes = 4 * run->model().info().parameters;
  if (bytes > kMostBytes) {
    return Finding::NotAsked(absl::StrCat("its folder would take ", bytes,
                                          " bytes of disk; at most ",
                                          kMostBytes, " are written here"));
  }
  if (run->trains()) SFT_RETURN_IF_ERROR(run->Run());
  const ScratchFolder folder;
  if (folder.path().empty()) {
    return absl::UnavailableError("no temporary folder can be made");
  }
  const double allowed = TolerancesOf(setting.config.dtype).answers;
  std::string what;
  if (run->method().TrainsAdapter()) {
    if (IsQuantized(run->model())) {
      what = "; its adapter belongs to the quantized base, and is not read";
    } else if (setting.read_adapter != nullptr) {
      SFT_ASSIGN_OR_RETURN(
          const double off,
          AdapterDistance(setting, *run, folder.path() + "/adapter"));
      what = absl::StrFormat("; its adapter's off by %.2g (allowed %.0g)", off,
                             allowed);
      if (!(off <= allowed)) {
        return Finding::Fail(absl::StrFormat(
            "the adapter read back answers otherwise, by %.2g (allowed %.0g)",
            off, allowed));
      }
    }
  }
  SFT_RETURN_IF_ERROR(run->method().Merge());
  SFT_ASSIGN_OR_RETURN(const double off,
                       FolderDistance(setting, *run, folder.path() + "/model"));
  if (!(off <= kReadBack)) {
    return Finding::Fail(absl::StrFormat(
        "the merged folder read back answers otherwise, by %.2g (allowed "
        "%.0g)",
        off, kReadBack));
  }
  return Finding::Pass(absl::StrCat(
      off == 0 ? "the merged folder's logits bit for bit"
               : absl::StrFormat("the merged folder's logits off by %.2g "
                                 "(allowed %.0g)",
                                 off, kReadBack),
      what));
}

}  // namespace

Check ExportsReadBack() {
  return {"export", "what is exported answers as what was trained",
          CheckExported};
}

}  // namespace sft::selfcheck
