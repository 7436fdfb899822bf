// Shapes: B sequences, T tokens, P sequences laid end to end, C classes.
#include "harness/eval/evaluate_heads.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "absl/strings/str_join.h"
#include "harness/core/status.h"
#include "harness/core/stop_point.h"
#include "harness/data/collator.h"
#include "harness/data/render/render_head.h"
#include "harness/eval/eval_support.h"
#include "harness/eval/scoring.h"
#include "harness/metrics/metric_records.h"
#include "harness/metrics/metrics.h"

namespace sft::eval {
namespace {

// Calls `take` with each example's scores, in their order: [1, C] of a head
// that reads rows, [T, C] of the others, f64 on the CPU.
absl::Status ForEachScores(
    model::Model& model, const std::vector<Example>& examples,
    const EvalOptions& options, int64_t* tokens,
    const std::function<absl::Status(int64_t, const at::Tensor&)>& take) {
  const EvalScope scope(model);
  int64_t index = 0;
  for (Batch& batch : data::FlatBatches(examples, options.max_tokens_a_batch)) {
    *tokens += batch.real_tokens;
    const bool rows = ReadsRows(batch.head);
    const std::vector<int64_t> lengths = batch.lengths;
    const int64_t all =
        rows ? std::ssize(lengths)
             : std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
    const std::vector<double> values = Piece(
        [&](const std::vector<double>& kept) {
          return !kept.empty() && std::ssize(kept) % all == 0;
        },
        [&] {
          const at::Tensor logits =
              model.HeadLogits(data::OnDevice(std::move(batch), model.device()))
                  .to(at::kCPU, at::kDouble)
                  .contiguous();
          const double* first = logits.const_data_ptr<double>();
          return std::vector<double>(first, first + logits.numel());
        });
    const at::Tensor scores = at::tensor(values, at::kDouble).view({all, -1});
    int64_t at = 0;
    for (int64_t length : lengths) {
      const int64_t n = rows ? 1 : length;
      SFT_RETURN_IF_ERROR(take(index++, scores.narrow(0, at, n)));
      at += n;
    }
  }
  return absl::OkStatus();
}

// The same for a record's task, but an error where a score is no finite number.
absl::Status ForEachFiniteScores(
    model::Model& model, const std::vector<Example>& examples,
    const EvalOptions& options, EvalRecord& record,
    const std::function<void(int64_t, const at::Tensor&)>& take) {
  return ForEachScores(
      model, examples, options, &record.tokens,
      [&](int64_t i, const at::Tensor& scores) -> absl::Status {
        if (!scores.isfinite().all().item<bool>()) {
          return absl::OutOfRangeError(absl::StrCat(
              record.task,
              ": a score is no finite number: the model has diverged"));
        }
        take(i, scores);
        return absl::OkStatus();
      });
}

// The windows of all rows, each with the row that it is of.
struct Windows {
  std::vector<data::HeadWindow> windows;
  std::vector<size_t> row;
  std::vector<Example> examples;
};

absl::StatusOr<Windows> RenderAll(const EvalInput& input,
                                  const Tokenizer& tokenizer) {
  if (input.rows.empty()) return InputError(input.name, "no row to evaluate");
  Windows out;
  for (size_t r = 0; r < input.rows.size(); ++r) {
    StopPoint();
    absl::StatusOr<std::vector<data::HeadWindow>> windows = data::RenderHeadRow(
        input.rows[r], *input.task, tokenizer, input.render.max_length);
    if (!windows.ok()) {
      return InputError(absl::StrCat(input.name, ": row ", input.rows[r].id),
                        ToStd(windows.status().message()));
    }
    for (data::HeadWindow& window : *windows) {
      out.examples.push_back(window.example);
      out.windows.push_back(std::move(window));
      out.row.push_back(r);
    }
  }
  return out;
}

std::string Detail(const std::string& what, const EvalInput& input) {
  return absl::StrCat(what, "|max_length:", input.render.max_length);
}

// The best span of one window.
struct Answer {
  double score = -INFINITY;
  int64_t begin = 0, end = 0;  // bytes of the context
};

Answer BestSpan(const data::HeadWindow& window, const at::Tensor& scores_T2) {
  const auto score = scores_T2.accessor<double, 2>();
  const int64_t T = scores_T2.size(0);
  Answer best;
  for (int64_t first = 0; first < T; ++first) {
    if (window.context_bytes[first].first < 0) continue;
    const int64_t end = std::min(T, first + kMaxAnswerTokens);
    for (int64_t last = first; last < end; ++last) {
      if (window.context_bytes[last].first < 0) break;
      const double sum = score[first][0] + score[last][1];
      if (sum > best.score) {
        best = {sum, window.context_bytes[first].first,
                window.context_bytes[last].second};
      }
    }
  }
  return best;
}

// The same as Model::SumLoss of one example.
double LossOfExample(const Example& example, const at::Tensor& scores) {
  double loss = 0;
  if (example.head == HeadKind::kLabels || example.head == HeadKind::kValue) {
    const double* score = scores.const_data_ptr<double>();
    for (size_t c = 0; c < example.values.size(); ++c) {
      const double x = score[c], y = example.values[c];
      loss +=
          example.head == HeadKind::kValue
              ? (x - y) * (x - y)
              : std::max(x, 0.0) - x * y + std::log1p(std::exp(-std::abs(x)));
    }
    return loss / static_cast<double>(example.values.size());
  }
  // A span head's scores choose one token among all.
  const bool span = example.head == HeadKind::kSpan;
  const at::Tensor log_p = (span ? scores.t() : scores).log_softmax(-1);
  for (int64_t t = 0; t < log_p.size(0); ++t) {
    if (example.labels[t] == kNoLoss) continue;
    loss -= log_p[t][example.labels[t]].item<double>();
  }
  return loss;
}

}  // namespace

absl::StatusOr<EvalRecord> EvaluateSequenceHead(model::Model& model,
                                                const Tokenizer& tokenizer,
                                                const EvalInput& input,
                                                const EvalOptions& options) {
  const Stopwatch watch;
  EvalRecord record = StartRecord(input.name, options);
  SFT_ASSIGN_OR_RETURN(const Windows all, RenderAll(input, tokenizer));
  for (const data::Row& row : input.rows) {
    record.row_ids.push_back(row.id);
    record.references.push_back(row.label);
  }
  SFT_RETURN_IF_ERROR(ForEachFiniteScores(
      model, all.examples, options, record,
      [&](int64_t, const at::Tensor& scores_1C) {
        record.predictions.push_back(scores_1C.argmax().item<int64_t>());
      }));
  SFT_RETURN_IF_ERROR(AddLabelMetrics(input.task->metrics,
                                      Detail("score:head", input), record));
  record.wall_seconds = watch.WallSeconds();
  return record;
}

absl::StatusOr<EvalRecord> EvaluateTokenHead(model::Model& model,
                                             const Tokenizer& tokenizer,
                                             const EvalInput& input,
                                             const EvalOptions& options) {
  const Stopwatch watch;
  EvalRecord record = StartRecord(input.name, options);
  SFT_ASSIGN_OR_RETURN(const Windows all, RenderAll(input, tokenizer));
  const std::vector<std::string> classes = data::TagClasses(*input.task);
  std::vector<metrics::TextItem> items;
  SFT_RETURN_IF_ERROR(ForEachFiniteScores(
      model, all.examples, options, record,
      [&](int64_t i, const at::Tensor& scores_TC) {
        const at::Tensor class_T = scores_TC.argmax(-1);
        std::vector<std::string> tags;
        for (int64_t t : all.windows[i].word_tokens) {
          tags.push_back(t < 0 ? "O" : classes[class_T[t].item<int64_t>()]);
        }
        items.push_back({absl::StrJoin(tags, " "),
                         {absl::StrJoin(input.rows[i].tags, " ")}});
        record.row_ids.push_back(input.rows[i].id);
      }));
  SFT_RETURN_IF_ERROR(AddTextMetrics(input.task->metrics, items,
                                     Detail("score:head", input), record));
  record.wall_seconds = watch.WallSeconds();
  return record;
}

absl::StatusOr<EvalRecord> EvaluateSpanHead(model::Model& model,
                                            const Tokenizer& tokenizer,
                                            const EvalInput& input,
                                            const EvalOptions& options) {
  const Stopwatch watch;
  EvalRecord record = StartRecord(input.name, options);
  SFT_ASSIGN_OR_RETURN(const Windows all, RenderAll(input, tokenizer));
  std::vector<Answer> best(input.rows.size());
  SFT_RETURN_IF_ERROR(ForEachFiniteScores(
      model, all.examples, options, record,
      [&](int64_t i, const at::Tensor& scores_T2) {
        const Answer answer = BestSpan(all.windows[i], scores_T2.contiguous());
        Answer& of_row = best[all.row[i]];
        if (answer.score > of_row.score) of_row = answer;
      }));
  std::vector<metrics::TextItem> items;
  for (size_t r = 0; r < input.rows.size(); ++r) {
    const data::Row& row = input.rows[r];
    record.row_ids.push_back(row.id);
    items.push_back(
        {row.text_pair.substr(best[r].begin, best[r].end - best[r].begin),
         row.references});
  }
  SFT_RETURN_IF_ERROR(AddTextMetrics(
      input.task->metrics, items,
      Detail(
          absl::StrCat("score:span-head|max_answer_tokens:", kMaxAnswerTokens),
          input),
      record));
  record.wall_seconds = watch.WallSeconds();
  return record;
}

absl::StatusOr<EvalRecord> EvaluateLabelsHead(model::Model& model,
                                              const Tokenizer& tokenizer,
                                              const EvalInput& input,
                                              const EvalOptions& options) {
  const Stopwatch watch;
  EvalRecord record = StartRecord(input.name, options);
  SFT_ASSIGN_OR_RETURN(const Windows all, RenderAll(input, tokenizer));
  metrics::LabelSets predictions, references;
  std::vector<std::vector<double>> scores;
  SFT_RETURN_IF_ERROR(ForEachFiniteScores(
      model, all.examples, options, record,
      [&](int64_t i, const at::Tensor& scores_1C) {
        const std::vector<double>& wanted = all.examples[i].values;
        const double* row = scores_1C.const_data_ptr<double>();
        scores.emplace_back(row, row + wanted.size());
        std::vector<bool>& has = references.emplace_back();
        std::vector<bool>& says = predictions.emplace_back();
        for (size_t c = 0; c < wanted.size(); ++c) {
          has.push_back(wanted[c] > 0.5);
          says.push_back(row[c] > 0);  // a probability above a half
        }
        record.row_ids.push_back(input.rows[i].id);
      }));
  const std::string detail = Detail("score:head|threshold:0.5", input);
  for (const std::string& name : input.task->metrics) {
    const metrics::Metric* metric = metrics::FindMetric(name);
    if (metric == nullptr || metric->label_sets == nullptr) {
      return InputError(record.task,
                        absl::StrCat("metric '", name, "' is none of labels"));
    }
    record.metrics.push_back(metrics::MakeMetric(
        name, metric->label_sets(predictions, references), detail));
  }
  record.metrics.push_back(
      metrics::MakeMetric("mean_average_precision",
                          metrics::MeanAveragePrecision(scores, references),
                          Detail("score:head", input)));
  record.wall_seconds = watch.WallSeconds();
  return record;
}

absl::StatusOr<EvalRecord> EvaluateValueHead(model::Model& model,
                                             const Tokenizer& tokenizer,
                                             const EvalInput& input,
                                             const EvalOptions& options) {
  const Stopwatch watch;
  EvalRecord record = StartRecord(input.name, options);
  SFT_ASSIGN_OR_RETURN(const Windows all, RenderAll(input, tokenizer));
  metrics::Values predictions, references;
  SFT_RETURN_IF_ERROR(
      ForEachFiniteScores(model, all.examples, options, record,
                          [&](int64_t i, const at::Tensor& scores_11) {
                            predictions.push_back(scores_11.item<double>());
                            references.push_back(all.examples[i].values[0]);
                            record.row_ids.push_back(input.rows[i].id);
                          }));
  for (const std::string& name : input.task->metrics) {
    const metrics::Metric* metric = metrics::FindMetric(name);
    if (metric == nullptr || metric->values == nullptr) {
      return InputError(record.task,
                        absl::StrCat("metric '", name, "' is none of numbers"));
    }
    record.metrics.push_back(
        metrics::MakeMetric(name, metric->values(predictions, references),
                            Detail("score:head", input)));
  }
  record.wall_seconds = watch.WallSeconds();
  return record;
}

absl::StatusOr<EvalRecord> EvaluateHeadLoss(
    model::Model& model, const std::vector<Example>& examples,
    const std::string& task, const EvalOptions& options) {
  const Stopwatch watch;
  EvalRecord record = StartRecord(task, options);
  std::vector<double> sums;
  std::vector<int64_t> counts;
  SFT_RETURN_IF_ERROR(
      ForEachScores(model, examples, options, &record.tokens,
                    [&](int64_t i, const at::Tensor& scores) -> absl::Status {
                      const Example& example = examples[i];
                      record.row_ids.push_back(example.row_id);
                      sums.push_back(LossOfExample(example, scores));
                      counts.push_back(example.target_tokens());
                      return absl::OkStatus();
                    }));
  record.metrics = {metrics::MeanNats("validation_loss", sums, counts),
                    metrics::TokenCounts("validation_target_tokens", counts)};
  MetricRecord& loss = record.metrics[0];
  if (model.head() == HeadKind::kValue) {
    loss.unit = "squared units";
    loss.signature = "squared_error|over:rows|mean:rows";
  } else if (model.head() == HeadKind::kLabels) {
    loss.unit = "nats/label";
    loss.signature = "binary_cross_entropy|over:rows|mean:labels,rows";
  }
  record.wall_seconds = watch.WallSeconds();
  return record;
}

}  // namespace sft::eval
