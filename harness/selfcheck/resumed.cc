// A run that is stopped, saved and taken up by another process ends as one that
// never was.
#include <ATen/ATen.h>

#include <map>

#include "absl/strings/str_format.h"
#include "harness/core/status.h"
#include "harness/selfcheck/checks.h"
#include "harness/selfcheck/few_steps.h"
#include "harness/train/checkpoint.h"

namespace sft::selfcheck {
namespace {

absl::StatusOr<Finding> CheckResumed(const Setting& setting) {
  SFT_ASSIGN_OR_RETURN(const auto straight, FewSteps::Make(setting));
  if (!straight->trains()) {
    return Finding::NotAsked("the method trains nothing");
  }
  if (straight->steps() < 2) {
    return Finding::NotAsked("the rows make one step, and there is no middle");
  }
  SFT_RETURN_IF_ERROR(straight->Run());
  const ScratchFolder folder;
  if (folder.path().empty()) {
    return absl::UnavailableError("no temporary folder can be made");
  }
  const std::string saved = folder.path() + "/checkpoint";
  const int64_t half = straight->steps() / 2;
  {
    SFT_ASSIGN_OR_RETURN(const auto stopped, FewSteps::Make(setting));
    train::TrainerHooks hooks;
    hooks.checkpoint_folder = saved;
    hooks.should_stop = [&] {
      return std::ssize(stopped->trainer().steps()) >= half;
    };
    SFT_RETURN_IF_ERROR(stopped->Run(hooks));
  }
  SFT_ASSIGN_OR_RETURN(const auto resumed, FewSteps::Make(setting));
  SFT_ASSIGN_OR_RETURN(const train::Checkpoint checkpoint,
                       train::ReadCheckpoint(saved, kRunId));
  SFT_RETURN_IF_ERROR(resumed->trainer().Resume(checkpoint));
  SFT_RETURN_IF_ERROR(resumed->Run());
  const auto &a = straight->trainer().steps(), &b = resumed->trainer().steps();
  if (a.size() != b.size()) {
    return Finding::Fail(
        absl::StrCat(a.size(), " steps became ", b.size(), " by a resume"));
  }
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].loss != b[i].loss) {
      return Finding::Fail(absl::StrFormat(
          "resumed after step %d, step %d has the loss %.17g, never stopped "
          "%.17g",
          half, i + 1, b[i].loss, a[i].loss));
    }
  }
  std::map<std::string, at::Tensor> wanted;
  for (const NamedTensor& t : straight->trainer().TrainedTensors()) {
    wanted[t.name] = t.tensor;
  }
  const std::vector<NamedTensor> got = resumed->trainer().TrainedTensors();
  if (got.size() != wanted.size()) {
    return Finding::Fail("another number of tensors has moved");
  }
  for (const NamedTensor& t : got) {
    const auto found = wanted.find(t.name);
    if (found == wanted.end() || !at::equal(found->second, t.tensor)) {
      return Finding::Fail(
          absl::StrCat("resumed after step ", half, ", ", t.name,
                       " ends with other bits than where nothing was stopped"));
    }
  }
  return Finding::Pass(absl::StrCat("stopped after step ", half, " of ",
                                    a.size(), ": the bits of ", got.size(),
                                    " tensors and all losses"));
}

}  // namespace

Check ResumedIsUninterrupted() {
  return {"resume",
          "a run that is stopped and resumed ends with the bits of one that "
          "was not",
          CheckResumed};
}

}  // namespace sft::selfcheck
