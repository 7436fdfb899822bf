// Conversations: ShareGPT's JSON, ChatML's messages, OpenAssistant's trees, and
// MT-bench's two turns. Several turns a row; rows of one first question fall on
// one side of the split.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "datasets/conversations.h"
#include "datasets/loading.h"
#include "datasets/registry.h"
#include "harness/core/status.h"

namespace sft::datasets {
namespace {

using nlohmann::json;

constexpr char kShareGpt[] =
    "data:instruct/ShareGPT_V3_unfiltered_cleaned_split.json";
constexpr char kChatMl[] = "data:instruct/chatml.jsonl";
constexpr char kOasst[] = "data:instruct/2023-04-12_oasst_ready.trees.jsonl.gz";
constexpr char kMtBench[] = "data:instruct/mt_bench_question.jsonl";
constexpr char kMtBenchAnswers[] =
    "data:instruct/mt_bench_reference_gpt4.jsonl";

absl::StatusOr<const json*> ArrayAt(const json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_array()) {
    return absl::InvalidArgumentError(absl::StrCat("no array '", key, "'"));
  }
  return &*it;
}

// An array of turns under `key`, each with these two fields.
RowOfJson TurnList(const char* key, const char* role, const char* content) {
  return [=](const data::JsonRecord& record) -> absl::StatusOr<data::KeyedRow> {
    SFT_ASSIGN_OR_RETURN(const json* list, ArrayAt(record.value, key));
    std::vector<ChatTurn> turns;
    for (const json& item : *list) {
      if (!item.is_object()) {
        return absl::InvalidArgumentError("a turn that is no object");
      }
      SFT_ASSIGN_OR_RETURN(const std::string name, data::JsonText(item, role));
      ChatTurn turn;
      SFT_ASSIGN_OR_RETURN(turn.role, RoleOf(name));
      SFT_ASSIGN_OR_RETURN(turn.content, data::JsonText(item, content));
      turns.push_back(std::move(turn));
    }
    return ConversationRow(std::move(turns));
  };
}

// The reply that goes on: annotators' rank 0 is the best; unranked ones come
// after the ranked, the first of equals wins. Null if there is none.
const json* BestReply(const json& message) {
  const auto replies = message.find("replies");
  if (replies == message.end() || !replies->is_array()) return nullptr;
  const json* best = nullptr;
  int64_t best_rank = 0;
  for (const json& reply : *replies) {
    if (!reply.is_object()) continue;
    const auto deleted = reply.find("deleted");
    if (deleted != reply.end() && *deleted == true) continue;
    const auto rank_at = reply.find("rank");
    const int64_t rank = rank_at != reply.end() && rank_at->is_number_integer()
                             ? rank_at->get<int64_t>()
                             : INT64_MAX;
    if (best == nullptr || rank < best_rank) {
      best = &reply;
      best_rank = rank;
    }
  }
  return best;
}

// A message tree: {"prompt": {text, role, rank, replies: [...]}}.
absl::StatusOr<data::KeyedRow> BestPath(const data::JsonRecord& record) {
  const auto prompt = record.value.find("prompt");
  if (prompt == record.value.end() || !prompt->is_object()) {
    return absl::InvalidArgumentError("no object 'prompt'");
  }
  std::vector<ChatTurn> turns;
  for (const json* at = &*prompt; at != nullptr; at = BestReply(*at)) {
    SFT_ASSIGN_OR_RETURN(const std::string name, data::JsonText(*at, "role"));
    ChatTurn turn;
    SFT_ASSIGN_OR_RETURN(turn.role, RoleOf(name));
    SFT_ASSIGN_OR_RETURN(turn.content, data::JsonText(*at, "text"));
    turns.push_back(std::move(turn));
  }
  return ConversationRow(std::move(turns));
}

absl::StatusOr<std::vector<std::string>> Texts(const json& object,
                                               const char* key) {
  SFT_ASSIGN_OR_RETURN(const json* list, ArrayAt(object, key));
  std::vector<std::string> texts;
  for (const json& item : *list) {
    if (!item.is_string()) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", key, "' holds something that is no string"));
    }
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

absl::StatusOr<int64_t> QuestionId(const json& object) {
  const auto id = object.find("question_id");
  if (id == object.end() || !id->is_number_integer()) {
    return absl::InvalidArgumentError("no whole number 'question_id'");
  }
  return id->get<int64_t>();
}

// The first choice's turns of a record of reference answers.
absl::StatusOr<std::vector<std::string>> AnswersOf(const json& record) {
  SFT_ASSIGN_OR_RETURN(const json* choices, ArrayAt(record, "choices"));
  if (choices->empty() || !choices->front().is_object()) {
    return absl::InvalidArgumentError("'choices' holds no object");
  }
  return Texts(choices->front(), "turns");
}

absl::StatusOr<data::Splits> LoadMtBench(const data::DataFolders& folders) {
  SFT_ASSIGN_OR_RETURN(const std::string path,
                       data::ResolveDataFile(kMtBenchAnswers, folders));
  SFT_ASSIGN_OR_RETURN(data::JsonTable table, data::ReadJsonl(path));
  std::vector<data::RefusedRow> refused = std::move(table.refused);
  std::map<int64_t, std::vector<std::string>> answers;
  for (const data::JsonRecord& record : table.records) {
    const absl::StatusOr<int64_t> id = QuestionId(record.value);
    absl::StatusOr<std::vector<std::string>> texts = AnswersOf(record.value);
    if (id.ok() && texts.ok()) {
      answers[*id] = *std::move(texts);
    } else {
      const absl::Status why = id.ok() ? texts.status() : id.status();
      refused.push_back({record.where, ToStd(why.message())});
    }
  }
  const auto row_of =
      [&answers](
          const data::JsonRecord& record) -> absl::StatusOr<data::KeyedRow> {
    SFT_ASSIGN_OR_RETURN(const int64_t id, QuestionId(record.value));
    SFT_ASSIGN_OR_RETURN(const std::vector<std::string> questions,
                         Texts(record.value, "turns"));
    const auto found = answers.find(id);
    if (found == answers.end()) {
      return absl::InvalidArgumentError(
          "no reference answer to measure a loss on");
    }
    if (found->second.size() != questions.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("question ", id, " has ", questions.size(),
                       " turns and ", found->second.size(), " answers"));
    }
    std::vector<ChatTurn> turns;
    for (size_t i = 0; i < questions.size(); ++i) {
      turns.push_back({"user", questions[i]});
      turns.push_back({"assistant", found->second[i]});
    }
    return ConversationRow(std::move(turns));
  };
  SFT_ASSIGN_OR_RETURN(LoadedRows rows,
                       LoadJsonRows(kMtBench, folders, row_of));
  rows.refused.insert(rows.refused.end(), refused.begin(), refused.end());
  return TestOnly(std::move(rows));
}

data::DatasetRow MakeRow(const std::string& name,
                         std::vector<std::string> files,
                         const std::string& licence, const std::string& source,
                         const std::string& summary) {
  data::DatasetRow row;
  row.name = name;
  row.task.name = name;
  row.task.kind = "instruction";
  row.task.metrics = {"validation_loss"};
  row.task.default_form = "chat";
  row.licence = licence;
  row.source = source;
  row.summary = summary;
  row.files = std::move(files);
  return row;
}

// Splits of ours; 0 rows: a tenth of them.
data::DatasetRow Split(data::DatasetRow row, int64_t validation_rows,
                       int64_t test_rows, RowOfJson row_of) {
  row.load =
      [=, file = row.files[0], name = row.name](
          const data::DataFolders& folders) -> absl::StatusOr<data::Splits> {
    SFT_ASSIGN_OR_RETURN(LoadedRows rows, LoadJsonRows(file, folders, row_of));
    const int64_t tenth = static_cast<int64_t>(rows.rows.size()) / 10;
    return OwnSplits(std::move(rows),
                     validation_rows > 0 ? validation_rows : tenth,
                     test_rows > 0 ? test_rows : tenth, name);
  };
  return row;
}

}  // namespace

std::vector<data::DatasetRow> ChatDatasets() {
  std::vector<data::DatasetRow> rows = {
      Split(MakeRow("sharegpt", {kShareGpt}, "none stated (users' own texts)",
                    "ShareGPT_Vicuna_unfiltered, the cleaned and split file; "
                    "SFTBENCH_DATA",
                    "conversations with ChatGPT that users shared"),
            500, 1000, TurnList("conversations", "from", "value")),
      Split(MakeRow("chatml", {kChatMl}, "yours",
                    "a file of yours in ChatML's layout; SFTBENCH_DATA",
                    "conversations as {\"messages\": [{\"role\", "
                    "\"content\"}]}, a tenth each to validate and to test"),
            0, 0, TurnList("messages", "role", "content")),
      Split(MakeRow("oasst1", {kOasst}, "Apache-2.0",
                    "OpenAssistant Conversations (Koepf et al. 2023), ready "
                    "trees; SFTBENCH_DATA",
                    "the best-ranked path of each conversation tree"),
            500, 1000, BestPath),
      MakeRow("mt_bench", {kMtBench, kMtBenchAnswers}, "Apache-2.0",
              "MT-bench (Zheng et al. 2023), FastChat; SFTBENCH_DATA",
              "two-turn questions with GPT-4's reference answers, to test on")};
  rows.back().load = LoadMtBench;
  return rows;
}

}  // namespace sft::datasets
