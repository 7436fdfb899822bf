#include "harness/launch/sweep_states.h"

#include <algorithm>

namespace sft::launch {

SweepStates::SweepStates(const std::vector<spec::PlannedRun>& runs,
                         int max_attempts)
    : max_attempts_(max_attempts) {
  for (const spec::PlannedRun& run : runs) {
    if (runs_.emplace(run.run_id, &run).second) waiting_.push_back(&run);
  }
}

void SweepStates::Skip(const std::string& run_id) {
  std::erase(waiting_, runs_.at(run_id));
  settled_.insert(run_id);
  ++summary_.skipped;
}

const spec::PlannedRun* SweepStates::Next() const {
  if (stopping()) return nullptr;
  const auto next = std::find_if(
      waiting_.begin(), waiting_.end(), [this](const spec::PlannedRun* run) {
        return spec::IsUntuned(*run) || settled_.contains(run->untuned_id);
      });
  return next == waiting_.end() ? nullptr : *next;
}

bool SweepStates::Start(const std::string& run_id, int attempts) {
  std::erase(waiting_, runs_.at(run_id));
  if (attempts < max_attempts_) {
    running_.push_back(run_id);
    return true;
  }
  settled_.insert(run_id);
  ++summary_.failed;
  return false;
}

void SweepStates::Refuse(const std::string& run_id) {
  std::erase(running_, run_id);
  settled_.insert(run_id);
  ++summary_.failed;
}

void SweepStates::LeaveToOther(const std::string& run_id) {
  std::erase(running_, run_id);
  elsewhere_.push_back(run_id);
}

void SweepStates::FinishElsewhere(const std::string& run_id) {
  std::erase(elsewhere_, run_id);
  settled_.insert(run_id);
  ++summary_.skipped;
}

void SweepStates::TakeBack(const std::string& run_id) {
  std::erase(elsewhere_, run_id);
  waiting_.push_front(runs_.at(run_id));
}

void SweepStates::Finish(const std::string& run_id, RunStatus status,
                         double wall_seconds) {
  std::erase(running_, run_id);
  settled_.insert(run_id);
  ++(status == RunStatus::kOk        ? summary_.finished
     : status == RunStatus::kStopped ? summary_.stopped
                                     : summary_.diverged);
  timed_seconds_ += wall_seconds;
  ++timed_runs_;
}

bool SweepStates::Fail(const std::string& run_id, int attempts) {
  std::erase(running_, run_id);
  if (attempts < max_attempts_) {
    waiting_.push_back(runs_.at(run_id));
    return true;
  }
  settled_.insert(run_id);
  ++summary_.failed;
  return false;
}

void SweepStates::PutOff(const std::string& run_id) {
  std::erase(running_, run_id);
  waiting_.push_back(runs_.at(run_id));
}

void SweepStates::TimeOut(const std::string& run_id) {
  std::erase(running_, run_id);
  settled_.insert(run_id);
  ++summary_.timed_out;
}

double SweepStates::SecondsLeft() const {
  if (timed_runs_ == 0) return 0;
  return timed_seconds_ / timed_runs_ *
         static_cast<double>(waiting_.size() + running_.size());
}

}  // namespace sft::launch
