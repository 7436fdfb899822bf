// The table of data sets. A new one is a unit of this folder and a row here;
// harness never names one.
#ifndef DATASETS_REGISTRY_H_
#define DATASETS_REGISTRY_H_

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/data/dataset.h"

namespace sft {

std::vector<DatasetRow> AllDatasets();
// The error names the nearest known one.
absl::StatusOr<DatasetRow> DatasetByName(std::string_view name);

// One function a family, each in a unit of its own.
std::vector<DatasetRow> MovieReviewDatasets();
std::vector<DatasetRow> BbcDatasets();
std::vector<DatasetRow> AlpacaDatasets();
std::vector<DatasetRow> Sst2Datasets();
std::vector<DatasetRow> AgNewsDatasets();
std::vector<DatasetRow> HeldoutDatasets();
std::vector<DatasetRow> NamedEntityDatasets();
std::vector<DatasetRow> TranslationDatasets();
std::vector<DatasetRow> GettextDatasets();
std::vector<DatasetRow> InstructionDatasets();
std::vector<DatasetRow> ChatDatasets();
std::vector<DatasetRow> IfevalDatasets();
std::vector<DatasetRow> GlueDatasets();
std::vector<DatasetRow> SuperGlueDatasets();
std::vector<DatasetRow> TrecDatasets();
std::vector<DatasetRow> OloraDatasets();
std::vector<DatasetRow> QuestionAnsweringDatasets();
std::vector<DatasetRow> SummarizationDatasets();
std::vector<DatasetRow> ChoiceDatasets();
std::vector<DatasetRow> OfficialChoiceDatasets();
std::vector<DatasetRow> LanguageDatasets();
std::vector<DatasetRow> Gsm8kDatasets();

}  // namespace sft

#endif  // DATASETS_REGISTRY_H_
