#include "harness/record/manifest_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <filesystem>
#include <tuple>
#include <utility>

#include "harness/core/status.h"
#include "harness/spec/plan_text.h"

namespace sft::record {
namespace {

namespace fs = std::filesystem;

constexpr size_t kNameDigits = 12;
constexpr int64_t kMaxManifestBytes = int64_t{1} << 30;

// What is launched is the newest, and by the clock: the kernel's own times are
// some milliseconds coarse. That it cannot be said where the file is another
// user's changes no result.
void MarkNewest(const std::string& path) {
  timespec now[2];
  if (clock_gettime(CLOCK_REALTIME, &now[0]) != 0) return;
  now[1] = now[0];
  (void)utimensat(AT_FDCWD, path.c_str(), now, 0);
}

absl::StatusOr<std::string> PathOfText(const RunPaths& paths,
                                       const std::string& text) {
  SFT_ASSIGN_OR_RETURN(const auto reader,
                       spec::ManifestReader::Open("the plan", text, {}));
  return paths.Manifest(reader.digest().substr(0, kNameDigits));
}

}  // namespace

absl::StatusOr<std::string> ManifestPath(const RunPaths& paths,
                                         const spec::RunPlan& plan) {
  return PathOfText(paths, spec::ManifestText(plan));
}

absl::StatusOr<std::string> WriteManifest(const RunPaths& paths,
                                          const spec::RunPlan& plan) {
  const std::string text = spec::ManifestText(plan);
  SFT_ASSIGN_OR_RETURN(const std::string path, PathOfText(paths, text));
  SFT_RETURN_IF_ERROR(MakeFolders(paths.Manifests()));
  RemoveStaleTemporaries(paths.Manifests());
  if (FileExists(path)) {
    MarkNewest(path);
    return path;
  }
  const std::string temporary = TemporaryBeside(path);
  SFT_RETURN_IF_ERROR(WriteWhole(temporary, text));
  SFT_RETURN_IF_ERROR(PublishByLink(temporary, path).status());
  MarkNewest(path);
  return path;
}

absl::StatusOr<ManifestFile> ManifestFile::Open(const std::string& path,
                                                spec::LaterOptions later) {
  SFT_ASSIGN_OR_RETURN(MappedFile file, MappedFile::Open(path));
  const std::string_view bytes(reinterpret_cast<const char*>(file.data()),
                               file.size_bytes());
  SFT_ASSIGN_OR_RETURN(
      spec::ManifestReader reader,
      spec::ManifestReader::Open(path, bytes, std::move(later)));
  // The mapping stays where it is when the file's holder moves.
  return ManifestFile(std::move(file), std::move(reader));
}

std::vector<std::string> ListPlanFiles(const std::string& dir) {
  const RunPaths paths{dir};
  // By second, nanosecond and name: files of a copied folder may be of one
  // moment.
  std::vector<std::tuple<int64_t, int64_t, std::string>> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(paths.Manifests(), error)) {
    if (entry.path().extension() != ".jsonl") continue;
    struct stat info {};
    if (stat(entry.path().c_str(), &info) != 0) continue;
    found.emplace_back(info.st_mtim.tv_sec, info.st_mtim.tv_nsec,
                       entry.path().string());
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> files;
  if (FileExists(paths.OldPlan())) files.push_back(paths.OldPlan());
  for (auto& [second, nanosecond, path] : found) {
    files.push_back(std::move(path));
  }
  return files;
}

absl::StatusOr<std::vector<PlanText>> ReadFolderPlanTexts(
    const std::string& dir) {
  std::vector<PlanText> texts;
  for (const std::string& file : ListPlanFiles(dir)) {
    SFT_ASSIGN_OR_RETURN(std::string text, ReadFile(file, kMaxManifestBytes));
    texts.push_back({file, std::move(text)});
  }
  return texts;
}

absl::StatusOr<std::vector<spec::RunPlan>> PlansOfTexts(
    const std::vector<PlanText>& texts, const spec::LaterOptions& later) {
  std::vector<spec::RunPlan> plans;
  for (const PlanText& one : texts) {
    SFT_ASSIGN_OR_RETURN(spec::RunPlan plan,
                         spec::PlanFromText(one.file, one.text, later));
    plans.push_back(std::move(plan));
  }
  return plans;
}

absl::StatusOr<std::vector<spec::RunPlan>> ReadFolderPlans(
    const std::string& dir, const spec::LaterOptions& later) {
  SFT_ASSIGN_OR_RETURN(const std::vector<PlanText> texts,
                       ReadFolderPlanTexts(dir));
  SFT_ASSIGN_OR_RETURN(std::vector<spec::RunPlan> plans,
                       PlansOfTexts(texts, later));
  if (plans.empty()) {
    return absl::NotFoundError(absl::StrCat(
        dir, ": holds no plan (manifests/*.jsonl); wanted the --out of a run"));
  }
  return plans;
}

absl::StatusOr<spec::RunPlan> ReadFolderPlan(const std::string& dir,
                                             const spec::LaterOptions& later) {
  SFT_ASSIGN_OR_RETURN(std::vector<spec::RunPlan> plans,
                       ReadFolderPlans(dir, later));
  if (plans.size() == 1) return std::move(plans[0]);
  return spec::UnitePlans(plans);
}

}  // namespace sft::record
