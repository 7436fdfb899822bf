// The target at a position is the token that stands there, and batches have the
// rows' targets where the rows have them. The loss of a batch is that of these
// tokens, each by itself.
#include <ATen/ATen.h>

#include <cmath>
#include <numeric>

#include "absl/strings/str_format.h"
#include "harness/core/status.h"
#include "harness/eval/scoring.h"
#include "harness/selfcheck/checks.h"
#include "harness/selfcheck/few_steps.h"

namespace sft::selfcheck {
namespace {

std::string RowComplaint(const Example& row) {
  for (size_t t = 0; t < row.labels.size(); ++t) {
    if (row.labels[t] == kNoLoss) continue;
    if (row.head == HeadKind::kNextToken && row.labels[t] != row.input_ids[t]) {
      return absl::StrCat("row ", row.row_id, ": the target at position ", t,
                          " is id ", row.labels[t], ", the token there ",
                          row.input_ids[t]);
    }
  }
  return "";
}

// What a batch has of each of its rows; "" if all is well.
std::string BatchComplaint(const Batch& batch, const std::vector<Example>& rows,
                           std::vector<int64_t>& times) {
  const bool flat = batch.cu_seqlens.defined();
  const int64_t width = batch.input_ids_BT.size(1);
  const int64_t* ids = batch.input_ids_BT.const_data_ptr<int64_t>();
  const int64_t* labels = batch.labels_BT.const_data_ptr<int64_t>();
  int64_t laid = 0;
  for (size_t s = 0; s < batch.row_ids.size(); ++s) {
    const auto at = static_cast<size_t>(batch.row_ids[s]);
    if (at >= rows.size()) return "a batch has a row that is none of these";
    const Example& row = rows[at];
    ++times[at];
    const int64_t begin = flat ? laid : static_cast<int64_t>(s) * width;
    laid += batch.lengths[s];
    if (batch.lengths[s] != std::ssize(row.input_ids)) {
      return absl::StrCat("row ", at, " of ", row.input_ids.size(),
                          " tokens has ", batch.lengths[s], " in its batch");
    }
    for (int64_t t = 0; t < batch.lengths[s]; ++t) {
      const auto i = static_cast<size_t>(t);
      const bool first = t == 0 && row.head == HeadKind::kNextToken;
      const int32_t label = first ? kNoLoss : row.labels[i];
      if (ids[begin + t] != row.input_ids[i] || labels[begin + t] != label) {
        return absl::StrCat("row ", at, ": its batch has id ", ids[begin + t],
                            " and target ", labels[begin + t], " at position ",
                            t, ", the row ", row.input_ids[i], " and ", label);
      }
    }
  }
  return "";
}

absl::StatusOr<std::string> CollatedComplaint(
    const Setting& setting, const std::string& batching,
    const std::vector<Example>& rows) {
  spec::RunConfig config = setting.config;
  config.batching = batching;
  config.batch_size = 3;
  SFT_ASSIGN_OR_RETURN(const std::unique_ptr<train::BatchingMethod> method,
                       setting.make_batching(config));
  const std::unique_ptr<data::Collator> collator = method->MakeCollator();
  std::vector<int64_t> order(rows.size()), times(rows.size());
  std::iota(order.begin(), order.end(), 0);
  Rng rng(0, Stream::kDataOrder, kRunId);
  for (const data::MicroBatchPlan& plan :
       collator->PlanPass(rows, order, rng)) {
    const std::string complaint =
        BatchComplaint(collator->Collate(rows, plan), rows, times);
    if (!complaint.empty()) return absl::StrCat(batching, ": ", complaint);
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    if (times[i] == 1) continue;
    return absl::StrCat(batching, ": row ", i, " is in ", times[i],
                        " batches of a pass");
  }
  return std::string();
}

absl::StatusOr<Finding> CheckLabels(const Setting& setting) {
  SFT_ASSIGN_OR_RETURN(const std::vector<Example> rows, ExamplesOf(setting));
  int64_t targets = 0;
  for (const Example& row : rows) {
    const std::string complaint = RowComplaint(row);
    if (!complaint.empty()) return Finding::Fail(complaint);
    targets += row.target_tokens();
  }
  for (const std::string& batching : setting.batchings) {
    SFT_ASSIGN_OR_RETURN(const std::string complaint,
                         CollatedComplaint(setting, batching, rows));
    if (!complaint.empty()) return Finding::Fail(complaint);
  }
  const std::string what =
      absl::StrCat(targets, " targets of ", rows.size(), " rows in place");
  if (setting.is_encoder()) return Finding::Pass(what);
  SFT_ASSIGN_OR_RETURN(const std::unique_ptr<model::Model> model,
                       setting.open(setting.config));
  SFT_RETURN_IF_ERROR(model->ReadMaps());
  const eval::EvalScope scope(*model);
  // Of the tokens themselves, whatever the rows say of targets.
  double wanted = 0;
  for (const double log_p : eval::LogProbabilities(
           *model, rows, eval::TargetsOf(rows), 1 << 11, nullptr)) {
    wanted -= log_p;
  }
  double loss = 0;
  for (const Batch& batch : data::FlatBatches(rows, 1 << 11)) {
    loss += model->SumLoss(data::OnDevice(batch, model->device()))
                .loss_sum.item<double>();
  }
  const double off = std::abs(loss / wanted - 1);
  const double allowed = TolerancesOf(setting.config.dtype).loss;
  const std::string of_loss = absl::StrFormat(
      "the loss is off by %.2g from that of the tokens one by one (allowed "
      "%.0g)",
      off, allowed);
  return off <= allowed ? Finding::Pass(absl::StrCat(what, "; ", of_loss))
                        : Finding::Fail(of_loss);
}

}  // namespace

Check LabelsInPlace() {
  return {"labels",
          "the target at a position is the token there, in rows and in batches",
          CheckLabels};
}

}  // namespace sft::selfcheck
