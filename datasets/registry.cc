#include "datasets/registry.h"

#include <iterator>
#include <string>
#include <utility>

#include "harness/core/fields.h"
#include "harness/core/status.h"

namespace sft::datasets {

std::vector<data::DatasetRow> AllDatasets() {
  std::vector<data::DatasetRow> all;
  for (auto* family : {MovieReviewDatasets,
                       BbcDatasets,
                       Sst2Datasets,
                       AgNewsDatasets,
                       AlpacaDatasets,
                       HeldoutDatasets,
                       NamedEntityDatasets,
                       TranslationDatasets,
                       GettextDatasets,
                       InstructionDatasets,
                       ChatDatasets,
                       IfevalDatasets,
                       GlueDatasets,
                       SuperGlueDatasets,
                       TrecDatasets,
                       OloraDatasets,
                       QuestionAnsweringDatasets,
                       SummarizationDatasets,
                       ChoiceDatasets,
                       OfficialChoiceDatasets,
                       LanguageDatasets,
                       Gsm8kDatasets}) {
    std::vector<data::DatasetRow> rows = family();
    all.insert(all.end(), std::make_move_iterator(rows.begin()),
               std::make_move_iterator(rows.end()));
  }
  return all;
}

absl::StatusOr<data::DatasetRow> DatasetByName(std::string_view name) {
  std::vector<std::string> names;
  for (data::DatasetRow& row : AllDatasets()) {
    if (row.name == name) return std::move(row);
    names.push_back(row.name);
  }
  return InputError("data set",
                    absl::StrCat("'", ToAbsl(name), "' is unknown",
                                 DidYouMean(name, names,
                                            "; `sftbench list datasets` shows "
                                            "all")));
}

}  // namespace sft::datasets
