// RunRecord -> items.
#include <algorithm>
#include <set>
#include <tuple>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "harness/core/digest.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/record/eval_series.h"
#include "harness/record/item_list.h"
#include "harness/record/record_items.h"
#include "harness/record/schema.h"

namespace sft::record {
namespace {

void AddTrain(const RunRecord& record, ItemList& items) {
  const auto add = [&](const auto& table) {
    for (const auto& series : table) {
      std::vector<std::decay_t<decltype(StepRecord().*(series.member))>> values;
      for (const StepRecord& step : record.steps) {
        values.push_back(step.*(series.member));
      }
      items.Data(series.path, std::move(values), series.unit);
    }
  };
  add(kIntSeries);
  add(kDoubleSeries);
}

void AddMetric(const std::string& path, const MetricRecord& metric,
               int64_t order, ItemList& items) {
  items.Attribute(path, "order", order);
  items.Attribute(path, "signature", metric.signature);
  items.Attribute(path, "higher_is_better",
                  int64_t{metric.higher_is_better ? 1 : 0});
  const std::string unit = CleanUtf8(metric.unit);
  items.Data(path + "/value", metric.value, unit);
  if (!metric.items.empty()) items.Data(path + "/items", metric.items, unit);
  if (metric.sum_columns > 0 && !metric.sums.empty()) {
    items.Data(path + "/sums", H5Matrix{metric.sums, metric.sum_columns}, "1");
  }
}

void AddEvals(const RunRecord& record, ItemList& items) {
  if (KeepsSeries(record)) return AddSeries(record, items);
  std::set<std::string> taken;
  for (size_t i = 0; i < record.evals.size(); ++i) {
    const EvalRecord& eval = record.evals[i];
    std::string name =
        absl::StrCat("/", EncodePathName(CleanUtf8(eval.task)), "/",
                     EncodePathName(CleanUtf8(eval.split)), "/", eval.round);
    // The same measure taken again in a round, as during training.
    const std::string first = name;
    for (int n = 2; !taken.insert(name).second; ++n) {
      name = absl::StrCat(first, ".", n);
    }
    const std::string path = kEvalPath + name;
    items.Attribute(path, "order", static_cast<int64_t>(i));
    items.Data(path + "/tokens", eval.tokens, "token");
    if (!eval.row_ids.empty()) items.Data(path + "/row_ids", eval.row_ids, "1");
    if (!eval.predictions.empty()) {
      items.Data(path + "/predictions", eval.predictions, "1");
    }
    if (!eval.references.empty()) {
      items.Data(path + "/references", eval.references, "1");
    }
    std::set<std::string> names;
    for (size_t j = 0; j < eval.metrics.size(); ++j) {
      const std::string metric =
          EncodePathName(CleanUtf8(eval.metrics[j].name));
      if (!names.insert(metric).second) continue;
      AddMetric(path + "/metrics/" + metric, eval.metrics[j],
                static_cast<int64_t>(j), items);
    }
    items.Data(kMeasuredEvalPath + name + "/wall_seconds", eval.wall_seconds,
               "s");
  }
}

// "wiki_demo/cross_entropy_change" becomes a group and a data set, unless one
// name is the group of another.
void AddForgetting(const RunRecord& record, ItemList& items) {
  for (const auto& [name, value] : record.forgetting) {
    const std::string clean = CleanUtf8(name);
    std::string nested;
    bool escape = clean.empty() || absl::StrContains(clean, "//") ||
                  clean.front() == '/' || clean.back() == '/';
    for (size_t slash = clean.find('/'); slash != std::string::npos;
         slash = clean.find('/', slash + 1)) {
      escape = escape || record.forgetting.count(clean.substr(0, slash)) != 0;
    }
    if (escape) {
      nested = "/" + EncodePathName(clean);
    } else {
      for (absl::string_view part : absl::StrSplit(clean, '/')) {
        nested += "/" + EncodePathName(ToStd(part));
      }
    }
    items.Data(kForgettingPath + nested, value, UnitOfName(name));
  }
}

void AddMeasured(const RunRecord& record, ItemList& items) {
  std::map<std::string, double> memory, throughput, run;
  for (const auto& [name, value] : record.measured) {
    auto& group = absl::EndsWith(name, "_bytes")        ? memory
                  : absl::EndsWith(name, "_per_second") ? throughput
                                                        : run;
    group[name] = value;
  }
  items.Numbers(kMeasuredMemoryPath, memory);
  items.Numbers(kMeasuredThroughputPath, throughput);
  items.Numbers(kMeasuredRunPath, run);
  items.Bytes(kMeasuredCategoriesPath, record.memory.measured_bytes);
}

void AddToDigest(const H5Item& item, Sha256& digest) {
  digest.UpdateField(item.path);
  digest.UpdateField(item.attribute);
  digest.UpdateField(absl::StrCat(item.value.index()));
  std::visit(
      [&](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_arithmetic_v<T>) {
          digest.Update(&value, sizeof(value));
        } else if constexpr (std::is_same_v<T, std::string>) {
          digest.UpdateField(value);
        } else if constexpr (std::is_same_v<T, H5Matrix>) {
          digest.UpdateField(absl::StrCat(value.columns));
          digest.UpdateField(absl::StrCat(value.values.size()));
          digest.Update(value.values.data(),
                        value.values.size() * sizeof(double));
        } else {
          digest.UpdateField(absl::StrCat(value.size()));
          if constexpr (std::is_same_v<T, std::vector<std::string>>) {
            for (const std::string& text : value) digest.UpdateField(text);
          } else {
            digest.Update(value.data(), value.size() * sizeof(value[0]));
          }
        }
      },
      item.value);
}

template <class Keep>
std::string DigestOf(const std::vector<H5Item>& items, Keep keep) {
  Sha256 digest;
  for (const H5Item& item : items) {
    if (keep(item)) AddToDigest(item, digest);
  }
  return digest.Hex();
}

}  // namespace

std::vector<H5Item> ItemsOfRecord(const RunRecord& record) {
  ItemList items;
  items.Attribute("/", "schema_version",
                  KeepsSeries(record) ? kSchemaVersion : kPlainSchemaVersion);
  items.Attribute("/", "kind", std::string_view("run"));
  items.Attribute("/", "run_id", record.run_id);
  items.Attribute("/", "status", RunStatusName(record.status));
  items.Attribute("/", "status_message", record.status_message);
  items.Attribute("/", "config", record.config.CanonicalConfigText());
  items.Attribute("/", "requested_spec", record.requested_spec);
  items.Attribute("/", "complete", int64_t{1});
  items.Texts(kAxesPath, record.axes);
  AddTrain(record, items);
  AddEvals(record, items);
  AddForgetting(record, items);
  items.Numbers(kFactsPath, record.facts);
  items.Texts(kTextsPath, record.texts);
  items.Bytes(kPredictedMemoryPath, record.memory.predicted_bytes);
  AddMeasured(record, items);
  items.Texts(kProvenanceBuildPath, record.provenance_build);
  items.Texts(kProvenanceRunPath, record.provenance_run);
  const auto add_lines = [&](const char* name,
                             const std::vector<std::string>& lines) {
    if (lines.empty()) return;
    std::vector<std::string> clean;
    for (const std::string& line : lines) clean.push_back(CleanUtf8(line));
    items.Data(absl::StrCat(kTextPath, "/", name), std::move(clean), "text");
  };
  add_lines("prompts", record.prompts);
  add_lines("generations", record.generations);
  return items.Take();
}

std::vector<H5Item> SealedItemsOfRecord(const RunRecord& record) {
  std::vector<H5Item> items = ItemsOfRecord(record);
  const auto add = [&](const char* name, std::string value) {
    H5Item item{"/", name, std::move(value)};
    const auto at = std::lower_bound(
        items.begin(), items.end(), item,
        [](const H5Item& a, const H5Item& b) { return a.key() < b.key(); });
    items.insert(at, std::move(item));
  };
  add(kContentSha256, ContentDigest(items));
  add(kRecordSha256, WholeDigest(items));
  return items;
}

std::string ContentDigest(const std::vector<H5Item>& items) {
  return DigestOf(items, [](const H5Item& item) {
    return IsDeterministicPath(item.path) &&
           (item.path != "/" || (item.attribute != kContentSha256 &&
                                 item.attribute != kRecordSha256));
  });
}

std::string WholeDigest(const std::vector<H5Item>& items) {
  return DigestOf(items, [](const H5Item& item) {
    return item.path != "/" || item.attribute != kRecordSha256;
  });
}

std::string ContentSha256(const RunRecord& record) {
  return ContentDigest(ItemsOfRecord(record));
}

}  // namespace sft::record
