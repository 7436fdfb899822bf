#include "harness/analysis/way_points.h"

#include <algorithm>
#include <set>
#include <utility>

#include "harness/spec/mixture.h"

namespace sft::analysis {
namespace {

// Of a set after a round: its validation loss where it has one at points.
const EvalRecord* AfterRound(const record::RunRecord& record,
                             const std::string& set, const std::string& metric,
                             int64_t round) {
  for (const char* split : {"validation", "heldout", "test"}) {
    for (const EvalRecord& eval : record.evals) {
      if (eval.task == set && eval.split == split && eval.round == round &&
          FindMetric(&eval, metric) != nullptr) {
        return &eval;
      }
    }
  }
  return nullptr;
}

}  // namespace

std::vector<WayPoint> WayOf(const record::RunRecord& record,
                            const std::string& split) {
  const auto last = static_cast<int64_t>(record.config.train.size());
  std::map<double, WayPoint> points;
  std::map<std::string, std::string> metrics;  // of each set
  for (const EvalRecord& eval : record.evals) {
    if (eval.split != split || eval.round != last || eval.metrics.empty()) {
      continue;
    }
    const std::string& metric = eval.metrics[0].name;
    metrics[eval.task] = metric;
    points[eval.point].at = eval.point;
    points[eval.point].scores[eval.task] = *ScoreOf(&eval, metric);
  }
  std::vector<WayPoint> way;
  if (points.empty()) return way;
  const auto end = [&](int64_t round, double at) {
    WayPoint point{.at = at, .scores = {}};
    for (const auto& [set, metric] : metrics) {
      const std::optional<ModelScore> score =
          ScoreOf(AfterRound(record, set, metric, round), metric);
      if (score.has_value()) point.scores[set] = *score;
    }
    return point;
  };
  // A sequence's last round begins where the one before it ended.
  way.push_back(end(split == "curve" ? last - 1 : 0, 0));
  for (auto& [at, point] : points) way.push_back(std::move(point));
  const auto steps = record.facts.find("optimizer_steps");
  way.push_back(end(last, split == "rewind" ? 1
                          : steps == record.facts.end()
                              ? way.back().at + 1
                              : std::max(steps->second, way.back().at)));
  return way;
}

std::string TargetOf(const spec::RunConfig& config) {
  if (config.train.empty()) return "";
  const auto sets = spec::SetsOf({config.train.back()});
  return sets.ok() && !sets->empty() ? (*sets)[0] : "";
}

const MetricRecord* MetricAtPoints(const record::RunRecord& record,
                                   const std::string& split,
                                   const std::string& set) {
  for (const EvalRecord& eval : record.evals) {
    if (eval.split == split && eval.task == set && !eval.metrics.empty()) {
      return &eval.metrics[0];
    }
  }
  return nullptr;
}

std::vector<double> NonIncreasing(const std::vector<double>& values) {
  struct Block {
    double sum = 0;
    size_t count = 0;
    double mean() const { return sum / static_cast<double>(count); }
  };
  std::vector<Block> blocks;
  for (const double value : values) {
    blocks.push_back({value, 1});
    while (blocks.size() > 1 &&
           blocks[blocks.size() - 2].mean() < blocks.back().mean()) {
      const Block pooled = blocks.back();
      blocks.pop_back();
      blocks.back().sum += pooled.sum;
      blocks.back().count += pooled.count;
    }
  }
  std::vector<double> out;
  for (const Block& block : blocks) {
    out.insert(out.end(), block.count, block.mean());
  }
  return out;
}

std::optional<Place> FirstAt(const std::vector<double>& non_increasing,
                             double level) {
  if (non_increasing.empty() || non_increasing[0] < level) return std::nullopt;
  for (size_t i = 0; i < non_increasing.size(); ++i) {
    if (non_increasing[i] > level) continue;
    if (i == 0) return Place{0, 0};
    const double above = non_increasing[i - 1];
    return Place{i - 1, (above - level) / (above - non_increasing[i])};
  }
  return std::nullopt;
}

std::optional<Place> PlaceAtTarget(const std::vector<WayPoint>& way,
                                   const std::string& target, double level) {
  std::vector<double> losses;
  for (const WayPoint& point : way) {
    const auto score = point.scores.find(target);
    if (score == point.scores.end()) return std::nullopt;
    losses.push_back(score->second.value);
  }
  return FirstAt(NonIncreasing(losses), level);
}

std::optional<ItemGroup> ReadAt(const std::vector<WayPoint>& way,
                                const std::string& set, const Place& place) {
  ItemGroup group;
  for (const auto& [index, share] : {std::pair{place.point, 1 - place.share},
                                     std::pair{place.point + 1, place.share}}) {
    if (share == 0) continue;
    const auto score = way[index].scores.find(set);
    if (score == way[index].scores.end()) return std::nullopt;
    group.push_back({score->second, share});
  }
  return group;
}

}  // namespace sft::analysis
