#include "datasets/manifest.h"

#include <algorithm>
#include <filesystem>

#include "absl/strings/match.h"
#include "harness/core/digest.h"
#include "harness/core/status.h"

namespace sft::datasets {
namespace {

// The longest beginning of a file's name that is here says where it is from.
struct Origin {
  const char* file;
  const char* words;
};
constexpr Origin kOrigins[] = {
    {"data:ag_news/test.csv",
     "github mhjabreel/CharCnn_Keras, data/ag_news_csv/test.csv"},
    {"data:ag_news/train_part.tsv.gz",
     "github forest-snow/alps, data/agnews/dev.tsv, gzipped"},
    {"data:arc/", "allenai.org/data/arc: ARC-V1-Feb2018.zip, unpacked"},
    {"data:cola/",
     "github amrnag/Specialized-Transformers, data/CoLA; or GLUE's CoLA.zip"},
    {"data:commonsense/",
     "github AGI-Edgerunners/LLM-Adapters, dataset/, its arrays rewritten as "
     "lines without the empty field 'input'"},
    {"data:conll2003/",
     "the CoNLL-2003 shared task (github synalp/NER, corpus/CoNLL-2003/), as "
     "BIO"},
    {"data:dialogsum/", "github cylnlp/dialogsum, DialogSum_Data/"},
    {"data:flores200/", "github facebookresearch/flores, flores200"},
    {"data:glue/", "gluebenchmark.com: the task's zip, unpacked"},
    {"data:gsm8k/",
     "github openai/grade-school-math, grade_school_math/data/ (train "
     "gzipped)"},
    {"data:hellaswag/",
     "github klosax/hellaswag_text_data, hellaswag_val_full.txt, gzipped"},
    {"data:hellaswag/hellaswag_",
     "github rowanz/hellaswag, data/hellaswag_train.jsonl and _val.jsonl"},
    {"data:instruct/alpaca_en_demo.jsonl",
     "github hiyouga/LLaMA-Factory, data/alpaca_en_demo.json as lines"},
    {"data:instruct/gpteacher_roleplay.jsonl.gz",
     "github gururise/AlpacaDataCleaned, dataset_extensions/GPTeacher/"
     "Roleplay/, as lines, gzipped"},
    {"data:instruct/alpaca_data_cleaned.json",
     "github gururise/AlpacaDataCleaned, alpaca_data_cleaned.json"},
    {"data:instruct/seed_tasks.jsonl",
     "github yizhongw/self-instruct, data/seed_tasks.jsonl"},
    {"data:instruct/user_oriented_instructions.jsonl",
     "github yizhongw/self-instruct, "
     "human_eval/user_oriented_instructions.jsonl"},
    {"data:instruct/mt_bench_question.jsonl",
     "github lm-sys/FastChat, fastchat/llm_judge/data/mt_bench/"
     "question.jsonl"},
    {"data:instruct/mt_bench_reference_gpt4.jsonl",
     "github lm-sys/FastChat, fastchat/llm_judge/data/mt_bench/"
     "reference_answer/gpt-4.jsonl"},
    {"data:instruct/ifeval_prompts_gpt4.jsonl.gz",
     "github oKatanaaa/ifeval, examples/example_en_responses.jsonl, gzipped"},
    {"data:instruct/ifeval_input_data.jsonl",
     "github google-research/google-research, "
     "instruction_following_eval/data/input_data.jsonl"},
    {"data:instruct/databricks-dolly-15k.jsonl",
     "huggingface.co/datasets/databricks/databricks-dolly-15k"},
    {"data:instruct/gpt4all_prompt_generations.jsonl",
     "huggingface.co/datasets/nomic-ai/gpt4all_prompt_generations, its "
     "Parquet files written as lines of prompt, response, source"},
    {"data:instruct/ShareGPT_V3_unfiltered_cleaned_split.json",
     "huggingface.co/datasets/anon8231489123/ShareGPT_Vicuna_unfiltered"},
    {"data:instruct/chatml.jsonl",
     "a file of yours: a line a conversation, {\"messages\": [{\"role\": "
     "\"user\", \"content\": \"...\"}, ...]}"},
    {"data:instruct/2023-04-12_oasst_ready.trees.jsonl.gz",
     "huggingface.co/datasets/OpenAssistant/oasst1"},
    {"data:lambada/",
     "OpenAI's lambada_test.jsonl (github cybertronai/bflm), gzipped"},
    {"data:multi30k/", "github multi30k/dataset, data/task1 and task2"},
    {"data:olora_cl/",
     "github cmnfriend/O-LoRA, CL_Benchmark/, its arrays rewritten as lines"},
    {"data:openbookqa/",
     "allenai.org/data/open-book-qa: OpenBookQA-V1-Sep2018.zip, Data/Main/"},
    {"data:piqa/", "yonatanbisk.com/piqa: train and valid, with their labels"},
    {"data:sst2/", "GLUE's SST-2.zip (train gzipped)"},
    {"data:subjqa/", "github megagonlabs/SubjQA, as lines"},
    {"data:superglue/", "super.gluebenchmark.com: the task's zip, unpacked"},
    {"data:tinyshakespeare/",
     "github pytorch/examples, distributed/minGPT-ddp/mingpt/data/input.txt, "
     "gzipped"},
    {"data:trec/",
     "github harvardnlp/sent-conv-torch, data/raw/TREC.train and .test, "
     "re-encoded from Latin-1 to UTF-8"},
    {"data:wikitext2/",
     "wiki.test.raw of WikiText-2's raw archive; test and valid of github "
     "pytorch/examples, word_language_model/data/wikitext-2/; gzipped"},
    {"data:winogrande/",
     "winogrande.allenai.org: winogrande_1.1.zip, unpacked"},
    {"data:wnut17/", "github leondz/emerging_entities_17"},
    {"data:xquad/", "github google-deepmind/xquad"},
    {"data:squad/", "rajpurkar.github.io/SQuAD-explorer: v1.1"},
    {"data:samsum/", "arXiv 1911.12237's corpus.7z, unpacked"},
    {"data:xsum/",
     "github EdinburghNLP/XSum, as lines of document, summary, id"},
    {"data:cnn_dailymail/",
     "github abisee/cnn-dailymail, version 3.0.0 as id, article, highlights"},
    {"data:gettext/",
     "/usr/share/locale of Debian's packages bash, coreutils, git, "
     "libglib2.0-data, gnupg-l10n, libc-l10n; a link to it will do"}};

}  // namespace

const DataFile* FindDataFile(std::string_view file) {
  for (const DataFile& known : KnownDataFiles()) {
    if (file == known.file) return &known;
  }
  return nullptr;
}

std::string OriginOf(std::string_view file) {
  const Origin* best = nullptr;
  for (const Origin& origin : kOrigins) {
    if (absl::StartsWith(ToAbsl(file), origin.file) &&
        (best == nullptr || std::string_view(origin.file).size() >
                                std::string_view(best->file).size())) {
      best = &origin;
    }
  }
  return best == nullptr ? "" : best->words;
}

std::string_view FileStateName(FileState state) {
  switch (state) {
    case FileState::kThere:
      return "there";
    case FileState::kDiffers:
      return "differs";
    case FileState::kMissing:
      return "missing";
  }
  return "";
}

absl::StatusOr<std::vector<FileReport>> CheckFiles(
    const data::DatasetRow& dataset, const data::DataFolders& folders) {
  std::vector<FileReport> reports;
  for (const std::string& file : dataset.files) {
    FileReport report;
    report.file = file;
    report.known = FindDataFile(file);
    const absl::StatusOr<std::string> path =
        data::ResolveDataFile(file, folders);
    if (!path.ok()) {
      const size_t colon = file.find(':');
      const std::string folder = absl::StartsWith(file, "assets:")
                                     ? folders.assets
                                 : folders.data.empty() ? "$SFTBENCH_DATA"
                                                        : folders.data;
      report.path = absl::StrCat(folder, "/", file.substr(colon + 1));
      reports.push_back(std::move(report));
      continue;
    }
    report.path = *path;
    std::error_code error;
    report.size_bytes =
        static_cast<int64_t>(std::filesystem::file_size(*path, error));
    if (error) return InputError(*path, error.message());
    SFT_ASSIGN_OR_RETURN(report.sha256, Sha256OfFile(*path));
    report.state =
        report.known != nullptr && report.known->sha256 != report.sha256
            ? FileState::kDiffers
            : FileState::kThere;
    reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace sft::datasets
