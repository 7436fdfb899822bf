#include "harness/launch/besides_rows.h"

#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "harness/core/status.h"
#include "harness/launch/general_rows.h"

namespace sft::launch {
namespace {

std::vector<Example> OwnRows(const TrainingSet& set) {
  return {set.examples.begin(),
          set.examples.begin() + static_cast<int64_t>(set.own_rows)};
}

}  // namespace

absl::Status AddReplayed(const spec::RunConfig& config, RowReader& reader,
                         RunInputs& inputs, TrainingSet& set) {
  constexpr char kField[] = "replay.from";
  std::vector<std::string> sources = config.replay_from;
  if (inputs.training.empty()) {
    std::erase(sources, std::string(spec::kEarlierRows));
  }
  if (sources.empty() || config.replay_share == 0) return absl::OkStatus();
  double own = 0, replayed = 0;
  for (const Example& example : set.examples) {
    own += static_cast<double>(example.target_tokens());
  }
  const double wanted = TargetsOfShare(own, config.replay_share) /
                        static_cast<double>(sources.size());
  for (const std::string& source : sources) {
    std::vector<Example> rows;
    if (source == spec::kEarlierRows) {
      for (const TrainingSet& earlier : inputs.training) {
        const std::vector<Example> of_one = OwnRows(earlier);
        rows.insert(rows.end(), of_one.begin(), of_one.end());
      }
    } else {
      // A row has a target at least.
      SFT_ASSIGN_OR_RETURN(rows,
                           reader.GeneralRows(source, "replay", kField,
                                              static_cast<size_t>(wanted) + 1));
    }
    rows = Shuffled(rows, absl::StrCat("replay/round", inputs.training.size()),
                    config.sample_seed);
    rows = UntilTargets(rows, wanted);
    if (rows.empty()) {
      return InputError(kField, source + " holds no row to replay");
    }
    for (Example& row : rows) {
      replayed += static_cast<double>(row.target_tokens());
      set.examples.push_back(std::move(row));
    }
  }
  const std::string prefix =
      absl::StrCat("round", inputs.training.size(), ".replayed_");
  inputs.facts[prefix + "rows"] =
      static_cast<double>(set.examples.size() - set.own_rows);
  inputs.facts[prefix + "share"] = replayed / (own + replayed);
  return absl::OkStatus();
}

absl::Status AddCalibration(const Workbench& bench,
                            const spec::RunConfig& config, RowReader& reader,
                            RunInputs& inputs) {
  inputs.calibration.resize(inputs.training.size());
  const train::UpdateMethodRow* method = bench.FindUpdateMethod(config.method);
  if (method == nullptr || !method->calibration) return absl::OkStatus();
  const train::CalibrationRows wanted = method->calibration(config);
  for (size_t round = 0; round < inputs.training.size(); ++round) {
    if (wanted.of_round_before == (round == 0)) continue;
    std::vector<Example> rows;
    if (wanted.of_round_before) {
      rows = OwnRows(inputs.training[round - 1]);
      for (Example& row : rows) CutTo(config.max_length, row);
    } else if (round == 0) {
      SFT_ASSIGN_OR_RETURN(
          rows, reader.GeneralRows(wanted.set, "calibration", wanted.option,
                                   static_cast<size_t>(wanted.rows)));
    }
    rows = Shuffled(rows, "calibration", config.sample_seed);
    if (std::ssize(rows) > wanted.rows) {
      rows.resize(static_cast<size_t>(wanted.rows));
    }
    inputs.facts[absl::StrCat("round", round, ".calibration_rows")] =
        static_cast<double>(rows.size());
    inputs.calibration[round] = std::move(rows);
  }
  return absl::OkStatus();
}

}  // namespace sft::launch
