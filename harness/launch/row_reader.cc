#include "harness/launch/row_reader.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "harness/core/rng.h"
#include "harness/core/status.h"
#include "harness/data/sample.h"

namespace sft::launch {
namespace {

constexpr size_t kNamedRefusals = 20;
constexpr int64_t kNoLimit = int64_t{1} << 40;  // tokens a row

uint64_t RowKey(const data::Row& row) {
  const data::RowIdentity identity = data::IdentityOf(row);
  return SplitMix64(identity.prompt) ^ identity.answer;
}

}  // namespace

absl::StatusOr<DataSource> RowReader::Read(const std::string& name) {
  SFT_ASSIGN_OR_RETURN(const data::DatasetRow* row,
                       bench_.DatasetOf(config_, name));
  const auto found = splits_.find(row->name);
  if (found != splits_.end()) return DataSource{row, &found->second};
  SFT_ASSIGN_OR_RETURN(data::Splits splits, row->load(bench_.folders));
  inputs_.facts["data." + row->name + ".refused_rows"] =
      static_cast<double>(splits.refused.size());
  for (const auto& [fact, value] : splits.facts) {
    inputs_.facts[absl::StrCat("data.", row->name, ".", fact)] = value;
  }
  Warn(row->name, splits.refused);
  if (splits.notices.empty() && !splits.refused.empty()) {
    audit_.Notice(
        row->name,
        absl::StrCat(splits.refused.size(), " rows are left out; first ",
                     splits.refused[0].where, ": ", splits.refused[0].reason));
  }
  for (std::string& notice : splits.notices) {
    inputs_.notices.push_back(std::move(notice));
  }
  const auto added = splits_.emplace(row->name, std::move(splits)).first;
  return DataSource{row, &added->second};
}

const data::Task& RowReader::TaskOf(const DataSource& source) {
  std::shared_ptr<const data::Task>& task = inputs_.tasks[source.name()];
  if (task == nullptr) {
    data::Task fitted = source.row->task;
    data::FitToReferences(*source.splits, tokenizer_, config_.max_length,
                          fitted);
    task = std::make_shared<const data::Task>(std::move(fitted));
  }
  return *task;
}

data::RenderOptions RowReader::render_options() const {
  data::RenderOptions options;
  options.form = config_.prompt_form;
  options.max_length = config_.max_length;
  options.loss_on_prompt = config_.loss_on_prompt;
  options.loss_on = config_.loss_on;
  options.system_prompt = config_.system_prompt;
  options.bos = config_.bos;
  options.head = head_;
  return options;
}

std::vector<data::Row> RowReader::Limited(const DataSource& source,
                                          const std::string& split,
                                          const std::vector<data::Row>& rows,
                                          int64_t limit) {
  const size_t count = static_cast<size_t>(limit);
  if (limit == 0 || count >= rows.size()) return rows;
  const bool head = config_.limit_from == "head";
  inputs_.texts[absl::StrCat("data.", source.name(), ".", split, ".limit")] =
      absl::StrCat(
          limit, " of ", rows.size(), " rows, ",
          head ? "the first"
               : absl::StrCat("a sample, sample_seed ", config_.sample_seed));
  if (head) return std::vector<data::Row>(rows.begin(), rows.begin() + limit);
  std::vector<int64_t> labels;
  const bool classes = source.kind().has_classes;
  for (const data::Row& row : rows) labels.push_back(classes ? row.label : -1);
  std::vector<data::Row> out;
  for (const size_t i :
       data::SampleIndices(labels, count,
                           data::SampleKey(data::DigestOfRows(rows), split,
                                           config_.sample_seed))) {
    out.push_back(rows[i]);
  }
  if (classes) audit_.CountLostClasses(source.name(), split, rows, out);
  return out;
}

absl::StatusOr<std::vector<Example>> RowReader::Render(
    const DataSource& source, const std::vector<data::Row>& rows,
    const std::string& split, bool whole) {
  data::RenderOptions options = render_options();
  if (whole) options.max_length = kNoLimit;
  SFT_ASSIGN_OR_RETURN(
      data::RenderedRows rendered,
      data::RenderRows(rows, TaskOf(source), tokenizer_, options));
  const std::string prefix =
      absl::StrCat("data.", source.name(), ".", split, ".");
  inputs_.facts[prefix + "rows"] =
      static_cast<double>(rendered.examples.size());
  inputs_.facts[prefix + "refused_rows"] =
      static_cast<double>(rendered.refused.size());
  Warn(source.name(), rendered.refused);
  if (!rendered.refused.empty()) {
    audit_.Notice(
        source.name(),
        absl::StrCat(rendered.refused.size(), " of ", rows.size(), " ", split,
                     " rows have no use for the model and are left "
                     "out; first ",
                     rendered.refused[0].where, ": ",
                     rendered.refused[0].reason));
  }
  if (rendered.rows_in_parts > 0) {
    inputs_.facts[prefix + "rows_in_parts"] =
        static_cast<double>(rendered.rows_in_parts);
    audit_.Notice(
        source.name(),
        absl::StrCat(rendered.rows_in_parts, " of ", rows.size(), " ", split,
                     " rows come to an example an answer: the chat template "
                     "writes earlier turns otherwise once others follow"));
  }
  audit_.CountCuts(source.name(), split, rows.size(), rendered);
  return std::move(rendered.examples);
}

int64_t RowReader::CountTest(const DataSource& source,
                             const std::vector<data::Row>& rows,
                             const data::RenderOptions& options) {
  const absl::StatusOr<data::RenderedRows> rendered =
      data::RenderRows(rows, TaskOf(source), tokenizer_, options);
  if (!rendered.ok()) return 0;
  if (rendered->truncated_rows > 0) {
    audit_.CountCuts(source.name(), "test", rows.size(), *rendered);
  }
  int64_t tokens = TokensOf(rendered->examples);
  auto* const answers_of = source.kind().decoder.row_answers;
  if (answers_of == nullptr || head_ != HeadKind::kNextToken) return tokens;
  // One of a row's answers stands behind its prompt already.
  for (const data::Row& row : rows) {
    const auto answers = answers_of(row);
    for (int64_t k = 0; answers.has_value() && k < std::ssize(*answers); ++k) {
      if (k == std::max<int64_t>(0, row.label)) continue;
      tokens += std::ssize(tokenizer_.Encode(" " + (*answers)[k]));
    }
  }
  return tokens;
}

absl::StatusOr<std::vector<Example>> RowReader::GeneralRows(
    const std::string& name, const std::string& use, const std::string& field,
    size_t most) {
  SFT_ASSIGN_OR_RETURN(const DataSource source, Read(name));
  const std::string role = absl::StrCat(use, " ", name);
  if (source.kind().is_text) {
    if (head_ != HeadKind::kNextToken) {
      return InputError(field, absl::StrCat(name,
                                            " is text, and the model is an "
                                            "encoder with a head"));
    }
    NoteDocuments(role, source, field);
    return TextWindows(source.splits->documents, tokenizer_, config_.bos,
                       config_.max_length);
  }
  const std::vector<data::Row>& train = source.splits->train;
  if (train.empty()) {
    return InputError(field, absl::StrCat(name, " has no training row"));
  }
  std::vector<data::Row> rows;
  for (const size_t i :
       data::SampleIndices(std::vector<int64_t>(train.size(), -1), most,
                           data::SampleKey(data::DigestOfRows(train), use,
                                           config_.sample_seed))) {
    rows.push_back(train[i]);
  }
  NoteRows(role, rows, field);
  return Render(source, rows, use);
}

void RowReader::NoteRows(const std::string& role,
                         const std::vector<data::Row>& rows,
                         const std::string& field) {
  for (const data::Row& row : rows) roles_.Add(RowKey(row), role, field);
}

void RowReader::NoteDocuments(const std::string& role, const DataSource& source,
                              const std::string& field) {
  for (const std::string& document : source.splits->documents) {
    roles_.Add(DocumentKey(document), role, field);
  }
}

void RowReader::Warn(const std::string& name,
                     const std::vector<data::RefusedRow>& refused) {
  for (size_t i = 0; i < std::min(kNamedRefusals, refused.size()); ++i) {
    inputs_.warnings.push_back(absl::StrCat(
        name, ": ", refused[i].where, ": row refused: ", refused[i].reason));
  }
  if (refused.size() > kNamedRefusals) {
    inputs_.warnings.push_back(absl::StrCat(
        name, ": and ", refused.size() - kNamedRefusals, " more rows"));
  }
}

}  // namespace sft::launch
