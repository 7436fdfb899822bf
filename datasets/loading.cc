#include "datasets/loading.h"

#include <utility>

#include "datasets/official.h"
#include "harness/core/files.h"
#include "harness/core/status.h"
#include "harness/core/utf8.h"

namespace sft::datasets {

void AddRow(absl::StatusOr<data::KeyedRow> row, int64_t id,
            const std::string& where, LoadedRows& out) {
  if (!row.ok()) {
    out.refused.push_back({where, ToStd(row.status().message())});
    return;
  }
  row->row.id = id;
  row->where = where;
  out.rows.push_back(*std::move(row));
}

absl::StatusOr<LoadedRows> UnlessEmpty(const std::string& path,
                                       LoadedRows out) {
  if (!out.rows.empty()) return out;
  if (out.refused.empty()) return InputError(path, "no rows");
  return InputError(out.refused[0].where,
                    absl::StrCat(out.refused[0].reason, " (and none of the ",
                                 out.refused.size(), " rows is usable)"));
}

absl::StatusOr<LoadedRows> LoadNestedRows(const std::string& file,
                                          const data::DataFolders& folders,
                                          const RowsOfJson& rows_of) {
  SFT_ASSIGN_OR_RETURN(const std::string path,
                       data::ResolveDataFile(file, folders));
  const bool lines = path.find(".jsonl") != std::string::npos;
  SFT_ASSIGN_OR_RETURN(data::JsonTable table, lines
                                                  ? data::ReadJsonl(path)
                                                  : data::ReadJsonArray(path));
  LoadedRows out;
  out.refused = std::move(table.refused);
  for (const data::JsonRecord& record : table.records) {
    absl::StatusOr<std::vector<data::KeyedRow>> rows = rows_of(record);
    if (!rows.ok()) {
      AddRow(rows.status(), record.number, record.where, out);
      continue;
    }
    for (size_t k = 0; k < rows->size(); ++k) {
      AddRow(std::move((*rows)[k]),
             (static_cast<int64_t>(k) << 20) + record.number, record.where,
             out);
    }
  }
  return UnlessEmpty(path, std::move(out));
}

absl::StatusOr<LoadedRows> LoadJsonRows(const std::string& file,
                                        const data::DataFolders& folders,
                                        const RowOfJson& row_of) {
  return LoadNestedRows(file, folders,
                        [&](const data::JsonRecord& record)
                            -> absl::StatusOr<std::vector<data::KeyedRow>> {
                          SFT_ASSIGN_OR_RETURN(data::KeyedRow row,
                                               row_of(record));
                          std::vector<data::KeyedRow> rows;
                          rows.push_back(std::move(row));
                          return rows;
                        });
}

absl::StatusOr<LoadedRows> LoadLineRows(const std::string& file,
                                        const data::DataFolders& folders,
                                        const RowOfLine& row_of) {
  SFT_ASSIGN_OR_RETURN(const std::string path,
                       data::ResolveDataFile(file, folders));
  SFT_ASSIGN_OR_RETURN(const std::vector<std::string> lines, ReadLines(path));
  LoadedRows out;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    const int64_t number = static_cast<int64_t>(i) + 1;
    const std::string where = absl::StrCat(path, ":", number);
    const std::string why = Utf8Complaint(lines[i]);
    AddRow(why.empty() ? row_of(lines[i]) : absl::InvalidArgumentError(why),
           number, where, out);
  }
  return UnlessEmpty(path, std::move(out));
}

absl::StatusOr<data::Splits> OwnSplits(LoadedRows all, int64_t validation_rows,
                                       int64_t test_rows,
                                       std::string_view name) {
  std::vector<data::KeyedRow> rows =
      data::DropDuplicates(std::move(all.rows), all.refused);
  SFT_ASSIGN_OR_RETURN(
      data::Splits splits,
      data::SplitByHash(std::move(rows), validation_rows, test_rows, name));
  splits.refused = std::move(all.refused);
  return splits;
}

absl::StatusOr<data::Splits> OfficialSplits(LoadedRows train, LoadedRows test,
                                            int64_t validation_rows,
                                            std::string_view name) {
  LoadedRows clean;
  clean.rows = std::move(train.rows);
  clean.refused = std::move(test.refused);
  clean.refused.insert(clean.refused.end(), train.refused.begin(),
                       train.refused.end());
  RefuseSeen(test.rows, "test", clean.rows, clean.refused);
  SFT_ASSIGN_OR_RETURN(data::Splits splits,
                       OwnSplits(std::move(clean), validation_rows, 0, name));
  splits.test = InOrderOfHash(std::move(test.rows));
  return splits;
}

data::Splits TestOnly(LoadedRows test) {
  data::Splits splits;
  splits.test = InOrderOfHash(std::move(test.rows));
  splits.refused = std::move(test.refused);
  return splits;
}

std::string Stripped(std::string_view text) {
  constexpr char kSpace[] = " \t\r\n\f\v";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return "";
  return std::string(
      text.substr(begin, text.find_last_not_of(kSpace) - begin + 1));
}

absl::StatusOr<std::string> WrittenText(const nlohmann::json& object,
                                        const std::string& key) {
  SFT_ASSIGN_OR_RETURN(std::string text, data::JsonText(object, key));
  if (Stripped(text).empty()) {
    return absl::InvalidArgumentError(absl::StrCat("empty '", key, "'"));
  }
  return text;
}

absl::StatusOr<std::string> NonEmptyText(const nlohmann::json& object,
                                         const std::string& key) {
  SFT_ASSIGN_OR_RETURN(const std::string text, WrittenText(object, key));
  return Stripped(text);
}

}  // namespace sft::datasets
