// What is checked: a config's model, method, batches and a few of its rows.
// Each is a function or a value, so that a test can put a faulty one there.
#ifndef HARNESS_SELFCHECK_SETTING_H_
#define HARNESS_SELFCHECK_SETTING_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "harness/core/batch.h"
#include "harness/core/tokenizer.h"
#include "harness/data/dataset.h"
#include "harness/data/render/render.h"
#include "harness/launch/workbench.h"
#include "harness/model/model.h"
#include "harness/spec/run_config.h"
#include "harness/train/method.h"

namespace sft::selfcheck {

struct Setting {
  spec::RunConfig config;
  std::string model_sha256;
  std::string rows_of;  // the data set of `rows`; "" = made-up ones
  std::shared_ptr<const Tokenizer> tokenizer;
  data::Task task;
  std::vector<data::Row> rows;  // few and short
  HeadKind head = HeadKind::kNextToken;
  data::RenderOptions render_options;
  // In the order of the table: the plainest way first.
  std::vector<std::string> batchings;
  // The model with its head, as the files have it, its maps unread.
  std::function<absl::StatusOr<std::unique_ptr<model::Model>>(
      const spec::RunConfig&)>
      open;
  std::function<absl::StatusOr<std::unique_ptr<train::UpdateMethod>>(
      const spec::RunConfig&)>
      make_method;
  std::function<absl::StatusOr<std::unique_ptr<train::BatchingMethod>>(
      const spec::RunConfig&)>
      make_batching;
  std::function<absl::StatusOr<data::RenderedRows>(
      const std::vector<data::Row>&, const data::Task&,
      const data::RenderOptions&)>
      render;
  // Puts an adapter's folder on a model; null where nothing reads any.
  std::function<absl::Status(model::Model&, const std::string& folder)>
      read_adapter;
  // The method reads rows before its first step.
  bool calibrates = false;

  bool is_encoder() const { return head != HeadKind::kNextToken; }
};

// Rows of the config's first training set, or made-up ones where it has none.
absl::StatusOr<Setting> MakeSetting(const launch::Workbench& bench,
                                    const spec::RunConfig& config);

// The setting's rows as it trains on them, numbered from 0 on.
absl::StatusOr<std::vector<Example>> ExamplesOf(const Setting& setting);

}  // namespace sft::selfcheck

#endif  // HARNESS_SELFCHECK_SETTING_H_
