#include "harness/measure/provenance.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "harness/core/file_lock.h"
#include "harness/core/status.h"
#include "harness/core/thread_waiting.h"
#include "harness/kernels/shared/instruction_set.h"

namespace sft::measure {

double SecondsSinceProcessStart() {
  // Field 22 of the line, counted behind the command's closing bracket.
  std::ifstream stat("/proc/self/stat");
  std::string line;
  std::getline(stat, line);
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string field;
  for (int i = 3; i <= 22; ++i) fields >> field;
  double up = 0;
  std::ifstream("/proc/uptime") >> up;
  return up - std::strtod(field.c_str(), nullptr) /
                  static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::string CpuModel() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (line.rfind("model name", 0) != 0) continue;
    const size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

std::map<std::string, std::string> BuildProvenance(
    const std::map<std::string, std::string>& build, at::Device device) {
  std::map<std::string, std::string> out = build;
  out["torch"] = TORCH_VERSION;
  out["instruction_set"] = at::get_cpu_capability();
  out["kernels"] = kernels::InstructionSetName(kernels::SetInUse());
  out["threads"] = absl::StrCat(at::get_num_threads());
  out["device"] = device.str();
  return out;
}

std::map<std::string, std::string> RunProvenance(absl::Time start) {
  std::map<std::string, std::string> out;
  out["host"] = HostName("unknown");
  out["cpu"] = CpuModel();
  out["start"] =
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", start, absl::UTCTimeZone());
  out["pid"] = absl::StrCat(getpid());
  out["thread_waiting"] = ThreadWaiting();
  const std::map<std::string, const char*> job = {
      {"cuda_visible_devices", "CUDA_VISIBLE_DEVICES"},
      {"slurm_job_id", "SLURM_JOB_ID"},
      {"slurm_array_job_id", "SLURM_ARRAY_JOB_ID"},
      {"slurm_array_task_id", "SLURM_ARRAY_TASK_ID"},
      {"slurm_restart_count", "SLURM_RESTART_COUNT"},
      {"slurm_nodes", "SLURM_JOB_NODELIST"}};
  for (const auto& [name, variable] : job) {
    if (const char* value = std::getenv(variable)) out[name] = value;
  }
  return out;
}

}  // namespace sft::measure
