#include "harness/selfcheck/setting.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "harness/core/status.h"
#include "harness/data/render/render_head.h"
#include "harness/data/tasks/task_kind.h"
#include "harness/launch/model_facts.h"
#include "harness/launch/run_assembly.h"
#include "harness/selfcheck/made_up_rows.h"

namespace sft::selfcheck {
namespace {

constexpr size_t kRows = 8;          // that are trained on
constexpr size_t kLookedAt = 400;    // of which the shortest are taken
constexpr int64_t kLeastTokens = 4;  // a row says something

// The shortest rows that lose nothing, each of another length where there are
// such: equal rows would hide a norm that is taken wrongly.
absl::StatusOr<std::vector<data::Row>> ShortRows(
    const Setting& setting, const std::vector<data::Row>& all) {
  const std::vector<data::Row> first(
      all.begin(), all.begin() + static_cast<std::ptrdiff_t>(
                                     std::min(all.size(), kLookedAt)));
  std::vector<std::pair<int64_t, size_t>> found;  // tokens, place
  for (size_t i = 0; i < first.size(); ++i) {
    SFT_ASSIGN_OR_RETURN(
        const data::RenderedRows rendered,
        setting.render({first[i]}, setting.task, setting.render_options));
    if (rendered.examples.size() != 1 || rendered.truncated_rows > 0) continue;
    const auto tokens = std::ssize(rendered.examples[0].input_ids);
    if (tokens >= kLeastTokens) found.emplace_back(tokens, i);
  }
  if (found.size() < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat(setting.rows_of, ": of its first ", first.size(),
                     " training rows ", found.size(), " fit max_length ",
                     setting.config.max_length, " whole; two are wanted"));
  }
  std::sort(found.begin(), found.end());
  std::vector<data::Row> out;
  std::map<int64_t, int> of_length;
  for (int most = 1; out.size() < std::min(kRows, found.size()); ++most) {
    for (const auto& [tokens, place] : found) {
      if (out.size() == kRows || of_length[tokens] != most - 1) continue;
      ++of_length[tokens];
      out.push_back(first[place]);
    }
  }
  return out;
}

absl::Status SetMadeUpHead(const data::Task& task, int64_t seed,
                           model::Model& model) {
  SFT_ASSIGN_OR_RETURN(const data::TaskHead head, data::HeadOfTask(task));
  SFT_RETURN_IF_ERROR(model.SetHead(head.kind, head.classes, seed));
  model.SetLabelNames(task.labels, seed);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Setting> MakeSetting(const launch::Workbench& bench,
                                    const spec::RunConfig& config) {
  Setting out;
  out.config = config;
  SFT_ASSIGN_OR_RETURN(
      launch::ModelFacts facts,
      launch::ReadModelFacts(config.model, bench.folders.assets));
  SFT_RETURN_IF_ERROR(facts.tensors);
  SFT_ASSIGN_OR_RETURN(out.model_sha256,
                       model::ModelContentDigest(facts.where));
  const bool encoder = facts.encoder() != nullptr;
  out.config.max_length =
      encoder || facts.learned_positions()
          ? std::min(config.max_length, facts.max_positions())
          : config.max_length;
  out.tokenizer = std::move(facts.tokenizer);
  out.render_options.form = config.prompt_form;
  out.render_options.max_length = out.config.max_length;
  out.render_options.loss_on_prompt = config.loss_on_prompt;
  out.render_options.loss_on = config.loss_on;
  out.render_options.system_prompt = config.system_prompt;
  out.render_options.bos = config.bos;
  for (const train::BatchingMethodRow& row : bench.methods.batching) {
    out.batchings.push_back(row.name);
  }
  std::vector<data::Row> rows = MadeUpRows();
  out.task = MadeUpTask(encoder);
  if (!config.train.empty()) {
    out.rows_of = config.train.front();
    SFT_ASSIGN_OR_RETURN(const std::vector<const data::DatasetRow*> sets,
                         bench.DatasetsOf(config, {out.rows_of}));
    out.task = sets.front()->task;
    SFT_ASSIGN_OR_RETURN(data::Splits splits,
                         sets.front()->load(bench.folders));
    rows = std::move(splits.train);
  }
  if (encoder) {
    SFT_ASSIGN_OR_RETURN(const data::TaskHead head, data::HeadOfTask(out.task));
    out.head = head.kind;
  }
  out.render_options.head = out.head;
  out.open = [&bench, task = out.task,
              made_up = config.train.empty()](const spec::RunConfig& wanted)
      -> absl::StatusOr<std::unique_ptr<model::Model>> {
    SFT_ASSIGN_OR_RETURN(launch::LoadedModel loaded,
                         launch::OpenModelOf(bench, wanted));
    if (!loaded.model->is_encoder()) return std::move(loaded.model);
    SFT_RETURN_IF_ERROR(
        made_up ? SetMadeUpHead(task, wanted.seed, *loaded.model)
                : launch::SetHeadForTasks(bench, wanted, *loaded.model));
    return std::move(loaded.model);
  };
  const train::UpdateMethodRow* method = bench.FindUpdateMethod(config.method);
  if (method == nullptr) {
    return InputError("method", absl::StrCat("'", config.method,
                                             "' is unknown; see 'sftbench list "
                                             "methods'"));
  }
  out.make_method = method->make;
  out.calibrates =
      method->calibration && !method->calibration(config).of_round_before;
  out.make_batching = [&bench](const spec::RunConfig& wanted) {
    return launch::MakeBatchingMethod(bench, wanted);
  };
  out.render = [tokenizer = out.tokenizer](const std::vector<data::Row>& given,
                                           const data::Task& task,
                                           const data::RenderOptions& options) {
    return data::RenderRows(given, task, *tokenizer, options);
  };
  SFT_ASSIGN_OR_RETURN(out.rows, ShortRows(out, rows));
  return out;
}

absl::StatusOr<std::vector<Example>> ExamplesOf(const Setting& setting) {
  SFT_ASSIGN_OR_RETURN(
      data::RenderedRows rendered,
      setting.render(setting.rows, setting.task, setting.render_options));
  if (!rendered.refused.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        rendered.refused[0].where, ": ", rendered.refused[0].reason));
  }
  for (size_t i = 0; i < rendered.examples.size(); ++i) {
    rendered.examples[i].row_id = static_cast<int64_t>(i);
  }
  return std::move(rendered.examples);
}

}  // namespace sft::selfcheck
