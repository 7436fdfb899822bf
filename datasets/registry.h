// The table of data sets. A new one is a unit of this folder and a row here;
// harness never names one.
#ifndef DATASETS_REGISTRY_H_
#define DATASETS_REGISTRY_H_

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/data/dataset.h"

namespace sft::datasets {

std::vector<data::DatasetRow> AllDatasets();
// The error names the nearest known one.
absl::StatusOr<data::DatasetRow> DatasetByName(std::string_view name);

// One function a family, each in a unit of its own.
std::vector<data::DatasetRow> MovieReviewDatasets();
std::vector<data::DatasetRow> BbcDatasets();
std::vector<data::DatasetRow> AlpacaDatasets();
std::vector<data::DatasetRow> Sst2Datasets();
std::vector<data::DatasetRow> AgNewsDatasets();
std::vector<data::DatasetRow> HeldoutDatasets();
std::vector<data::DatasetRow> NamedEntityDatasets();
std::vector<data::DatasetRow> TranslationDatasets();
std::vector<data::DatasetRow> GettextDatasets();
std::vector<data::DatasetRow> InstructionDatasets();
std::vector<data::DatasetRow> ChatDatasets();
std::vector<data::DatasetRow> IfevalDatasets();
std::vector<data::DatasetRow> GlueDatasets();
std::vector<data::DatasetRow> SuperGlueDatasets();
std::vector<data::DatasetRow> TrecDatasets();
std::vector<data::DatasetRow> OloraDatasets();
std::vector<data::DatasetRow> QuestionAnsweringDatasets();
std::vector<data::DatasetRow> SummarizationDatasets();
std::vector<data::DatasetRow> ChoiceDatasets();
std::vector<data::DatasetRow> OfficialChoiceDatasets();
std::vector<data::DatasetRow> LanguageDatasets();
std::vector<data::DatasetRow> Gsm8kDatasets();

}  // namespace sft::datasets

#endif  // DATASETS_REGISTRY_H_
