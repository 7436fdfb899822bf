#include "harness/record/eval_series.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "absl/strings/str_split.h"
#include "harness/core/utf8.h"
#include "harness/record/schema.h"
#include "harness/spec/mixture.h"

namespace sft::record {
namespace {

bool SameForm(const MetricRecord& a, const MetricRecord& b) {
  return a.name == b.name && a.unit == b.unit && a.signature == b.signature &&
         a.higher_is_better == b.higher_is_better &&
         a.items.size() == b.items.size() && a.sums.size() == b.sums.size() &&
         a.sum_columns == b.sum_columns;
}

// Whether both can be points of one series.
bool SameForm(const EvalRecord& a, const EvalRecord& b) {
  return a.task == b.task && a.split == b.split && a.row_ids == b.row_ids &&
         a.references == b.references &&
         a.predictions.size() == b.predictions.size() &&
         std::equal(a.metrics.begin(), a.metrics.end(), b.metrics.begin(),
                    b.metrics.end(), [](const auto& one, const auto& other) {
                      return SameForm(one, other);
                    });
}

// Indices of the evaluations of each series, in the order of their first.
std::vector<std::vector<size_t>> GroupsOf(const std::vector<EvalRecord>& all) {
  std::vector<std::vector<size_t>> groups;
  for (size_t i = 0; i < all.size(); ++i) {
    const auto group = std::find_if(groups.begin(), groups.end(),
                                    [&](const std::vector<size_t>& one) {
                                      return SameForm(all[one[0]], all[i]);
                                    });
    if (group == groups.end()) {
      groups.push_back({i});
    } else {
      group->push_back(i);
    }
  }
  return groups;
}

class SeriesWriter {
 public:
  SeriesWriter(const std::vector<EvalRecord>& all, ItemList& items)
      : all_(all), items_(items) {}

  void Add(const std::vector<size_t>& group) {
    const EvalRecord& first = all_[group[0]];
    const std::string name =
        FreeName(absl::StrCat("/", EncodePathName(CleanUtf8(first.task)), "/",
                              EncodePathName(CleanUtf8(first.split))));
    const std::string path = kSeriesPath + name;
    items_.Attribute(path, "task", std::string_view(first.task));
    items_.Attribute(path, "split", std::string_view(first.split));
    items_.Data(
        path + "/order",
        Each<int64_t>(group, [](const EvalRecord&,
                                size_t i) { return static_cast<int64_t>(i); }),
        "1");
    items_.Data(path + "/round",
                Each<int64_t>(group, [](const EvalRecord& eval,
                                        size_t) { return eval.round; }),
                "1");
    items_.Data(path + "/point",
                Each<double>(group, [](const EvalRecord& eval,
                                       size_t) { return eval.point; }),
                "1");
    items_.Data(path + "/tokens",
                Each<int64_t>(group, [](const EvalRecord& eval,
                                        size_t) { return eval.tokens; }),
                "token");
    if (!first.row_ids.empty()) {
      items_.Data(path + "/row_ids", first.row_ids, "1");
    }
    if (!first.references.empty()) {
      items_.Data(path + "/references", first.references, "1");
    }
    AddMatrix(path + "/predictions", group, "1", [](const EvalRecord& eval) {
      return std::vector<double>(eval.predictions.begin(),
                                 eval.predictions.end());
    });
    for (size_t m = 0; m < first.metrics.size(); ++m) AddMetric(path, group, m);
    items_.Data(kMeasuredSeriesPath + name + "/wall_seconds",
                Each<double>(group, [](const EvalRecord& eval,
                                       size_t) { return eval.wall_seconds; }),
                "s");
  }

 private:
  std::string FreeName(const std::string& wanted) {
    std::string name = wanted;
    for (int n = 2; !taken_.insert(name).second; ++n) {
      name = absl::StrCat(wanted, ".", n);
    }
    return name;
  }

  template <class T, class Get>
  std::vector<T> Each(const std::vector<size_t>& group, const Get& get) const {
    std::vector<T> values;
    for (const size_t i : group) values.push_back(get(all_[i], i));
    return values;
  }

  // A row a point; nothing where rows are empty.
  template <class Get>
  void AddMatrix(const std::string& path, const std::vector<size_t>& group,
                 const std::string& unit, const Get& row_of) {
    H5Matrix matrix;
    for (const size_t i : group) {
      const std::vector<double> row = row_of(all_[i]);
      matrix.columns = static_cast<int64_t>(row.size());
      matrix.values.insert(matrix.values.end(), row.begin(), row.end());
    }
    if (!matrix.values.empty()) items_.Data(path, std::move(matrix), unit);
  }

  void AddMetric(const std::string& series, const std::vector<size_t>& group,
                 size_t m) {
    const MetricRecord& first = all_[group[0]].metrics[m];
    const std::string path =
        series + "/metrics/" + EncodePathName(CleanUtf8(first.name));
    items_.Attribute(path, "order", static_cast<int64_t>(m));
    items_.Attribute(path, "signature", std::string_view(first.signature));
    items_.Attribute(path, "higher_is_better",
                     int64_t{first.higher_is_better ? 1 : 0});
    const std::string unit = CleanUtf8(first.unit);
    items_.Data(
        path + "/value",
        Each<double>(group, [m](const EvalRecord& eval,
                                size_t) { return eval.metrics[m].value; }),
        unit);
    AddMatrix(path + "/items", group, unit,
              [m](const EvalRecord& eval) { return eval.metrics[m].items; });
    if (first.sum_columns == 0) return;
    AddMatrix(path + "/sums", group, "1",
              [m](const EvalRecord& eval) { return eval.metrics[m].sums; });
    items_.Attribute(path + "/sums", "columns", first.sum_columns);
  }

  const std::vector<EvalRecord>& all_;
  ItemList& items_;
  std::set<std::string> taken_;
};

// R of all sets that were scored after the last round.
void AddScores(const RunRecord& record, ItemList& items) {
  const size_t rounds = record.config.train.size();
  std::vector<std::string> sets, units;
  std::vector<int64_t> higher, own_round;
  std::vector<const EvalRecord*> columns;
  for (const EvalRecord& eval : record.evals) {
    if (eval.round == static_cast<int64_t>(rounds) && !eval.metrics.empty() &&
        (eval.split == "test" || eval.split == "heldout")) {
      columns.push_back(&eval);
    }
  }
  if (rounds < 2 || columns.empty()) return;
  H5Matrix scores;
  scores.columns = static_cast<int64_t>(columns.size());
  scores.values.assign((rounds + 1) * columns.size(),
                       std::numeric_limits<double>::quiet_NaN());
  for (size_t j = 0; j < columns.size(); ++j) {
    const MetricRecord& primary = columns[j]->metrics[0];
    sets.push_back(
        CleanUtf8(absl::StrCat(columns[j]->task, " ", primary.name)));
    units.push_back(CleanUtf8(primary.unit));
    higher.push_back(primary.higher_is_better ? 1 : 0);
    int64_t own = 0;
    for (size_t r = rounds; r >= 1; --r) {
      const auto named = spec::SetsOf({record.config.train[r - 1]});
      if (named.ok() && std::find(named->begin(), named->end(),
                                  columns[j]->task) != named->end()) {
        own = static_cast<int64_t>(r);
      }
    }
    own_round.push_back(own);
    for (const EvalRecord& eval : record.evals) {
      if (eval.task != columns[j]->task || eval.split != columns[j]->split ||
          eval.metrics.empty() || eval.round < 0 ||
          eval.round > static_cast<int64_t>(rounds)) {
        continue;
      }
      scores.values[static_cast<size_t>(eval.round) * columns.size() + j] =
          eval.metrics[0].value;
    }
  }
  const std::string path = kSequencePath;
  items.Data(path + "/scores", std::move(scores), "as units");
  items.Data(path + "/sets", std::move(sets), "text");
  items.Data(path + "/units", std::move(units), "text");
  items.Data(path + "/higher_is_better", std::move(higher), "1");
  items.Data(path + "/own_round", std::move(own_round), "1");
}

class SeriesReader {
 public:
  SeriesReader(const ItemReader& reader, const std::vector<H5Item>& items,
               const std::string& path)
      : reader_(reader), items_(items), path_(path) {}

  absl::Status Read(std::map<int64_t, EvalRecord>& evals) {
    std::string task, split;
    std::vector<int64_t> order, round, tokens, row_ids, references;
    std::vector<double> point, seconds;
    SFT_RETURN_IF_ERROR(reader_.Get(path_, "task", task));
    SFT_RETURN_IF_ERROR(reader_.Get(path_, "split", split));
    SFT_RETURN_IF_ERROR(reader_.Get(path_ + "/order", "", order));
    SFT_RETURN_IF_ERROR(reader_.Get(path_ + "/round", "", round));
    SFT_RETURN_IF_ERROR(reader_.Get(path_ + "/tokens", "", tokens));
    SFT_RETURN_IF_ERROR(reader_.Get(path_ + "/point", "", point));
    SFT_RETURN_IF_ERROR(
        reader_.Get(kMeasuredPath + path_ + "/wall_seconds", "", seconds));
    SFT_RETURN_IF_ERROR(reader_.GetIfThere(path_ + "/row_ids", row_ids));
    SFT_RETURN_IF_ERROR(reader_.GetIfThere(path_ + "/references", references));
    points_.resize(order.size());
    if (points_.empty() || round.size() != order.size() ||
        tokens.size() != order.size() || point.size() != order.size() ||
        seconds.size() != order.size()) {
      return reader_.Error(path_, "its series are not of one length");
    }
    for (size_t p = 0; p < order.size(); ++p) {
      EvalRecord& eval = points_[p];
      eval.task = task;
      eval.split = split;
      eval.round = round[p];
      eval.point = point[p];
      eval.tokens = tokens[p];
      eval.row_ids = row_ids;
      eval.references = references;
      eval.wall_seconds = seconds[p];
    }
    SFT_RETURN_IF_ERROR(ReadRows(
        path_ + "/predictions", [](EvalRecord& eval, std::vector<double> row) {
          eval.predictions.assign(row.begin(), row.end());
        }));
    SFT_RETURN_IF_ERROR(ReadMetrics());
    for (size_t p = 0; p < order.size(); ++p) {
      if (!evals.emplace(order[p], std::move(points_[p])).second) {
        return reader_.Error(path_, "has another's place in the order");
      }
    }
    return absl::OkStatus();
  }

 private:
  // A row of the matrix, where there is one, to each point.
  template <class Give>
  absl::Status ReadRows(const std::string& path, const Give& give) {
    H5Matrix matrix;
    SFT_RETURN_IF_ERROR(reader_.GetIfThere(path, matrix));
    if (matrix.values.empty()) return absl::OkStatus();
    const auto columns = static_cast<size_t>(matrix.columns);
    if (matrix.values.size() != columns * points_.size()) {
      return reader_.Error(path,
                           absl::StrCat("has ", matrix.values.size() / columns,
                                        " rows: wanted ", points_.size()));
    }
    for (size_t p = 0; p < points_.size(); ++p) {
      const auto begin =
          matrix.values.begin() + static_cast<int64_t>(p * columns);
      give(points_[p],
           std::vector<double>(begin, begin + static_cast<int64_t>(columns)));
    }
    return absl::OkStatus();
  }

  absl::Status ReadMetrics() {
    const std::string group = path_ + "/metrics";
    std::map<int64_t, std::string> names;  // by order
    for (const H5Item& item : items_) {
      if (item.attribute != "order") continue;
      const std::string name = Below(item.path, group);
      if (name.empty()) continue;
      int64_t order = 0;
      SFT_RETURN_IF_ERROR(reader_.Take(item, item.path, order));
      if (!names.emplace(order, name).second) {
        return reader_.Error(item.path, "has another's place in the order");
      }
    }
    for (const auto& [order, name] : names) {
      SFT_RETURN_IF_ERROR(ReadMetric(group + "/" + name, name));
    }
    return absl::OkStatus();
  }

  absl::Status ReadMetric(const std::string& path, const std::string& name) {
    MetricRecord metric;
    int64_t higher = 0;
    std::vector<double> values;
    metric.name = DecodePathName(name);
    SFT_RETURN_IF_ERROR(reader_.Get(path, "signature", metric.signature));
    SFT_RETURN_IF_ERROR(reader_.Get(path, "higher_is_better", higher));
    SFT_RETURN_IF_ERROR(reader_.Get(path + "/value", "", values));
    SFT_RETURN_IF_ERROR(reader_.Get(path + "/value", "unit", metric.unit));
    metric.higher_is_better = higher != 0;
    if (values.size() != points_.size()) {
      return reader_.Error(path + "/value",
                           absl::StrCat("has ", values.size(),
                                        " values: wanted ", points_.size()));
    }
    if (reader_.Find(path + "/sums", "") != nullptr) {
      SFT_RETURN_IF_ERROR(
          reader_.Get(path + "/sums", "columns", metric.sum_columns));
    }
    for (size_t p = 0; p < points_.size(); ++p) {
      metric.value = values[p];
      points_[p].metrics.push_back(metric);
    }
    SFT_RETURN_IF_ERROR(ReadRows(path + "/items",
                                 [](EvalRecord& eval, std::vector<double> row) {
                                   eval.metrics.back().items = std::move(row);
                                 }));
    SFT_RETURN_IF_ERROR(
        ReadRows(path + "/sums", [](EvalRecord& eval, std::vector<double> row) {
          eval.metrics.back().sums = std::move(row);
        }));
    const MetricRecord& read = points_[0].metrics.back();
    const bool is_whole =
        read.sum_columns >= 0 &&
        (read.sum_columns == 0
             ? read.sums.empty()
             : read.sums.size() % static_cast<size_t>(read.sum_columns) == 0);
    return is_whole
               ? absl::OkStatus()
               : reader_.Error(path + "/sums", "is no whole number of rows");
  }

  const ItemReader& reader_;
  const std::vector<H5Item>& items_;
  const std::string path_;
  std::vector<EvalRecord> points_;
};

}  // namespace

bool KeepsSeries(const RunRecord& record) {
  return record.config.train.size() > 1 ||
         std::any_of(record.evals.begin(), record.evals.end(),
                     [](const EvalRecord& eval) { return eval.point != 0; });
}

void AddSeries(const RunRecord& record, ItemList& items) {
  SeriesWriter writer(record.evals, items);
  for (const std::vector<size_t>& group : GroupsOf(record.evals)) {
    writer.Add(group);
  }
  AddScores(record, items);
}

absl::Status ReadSeries(const ItemReader& reader,
                        const std::vector<H5Item>& items,
                        std::map<int64_t, EvalRecord>& evals) {
  for (const H5Item& item : items) {
    if (item.attribute != "split" || Below(item.path, kSeriesPath).empty()) {
      continue;
    }
    SFT_RETURN_IF_ERROR(SeriesReader(reader, items, item.path).Read(evals));
  }
  return absl::OkStatus();
}

}  // namespace sft::record
