#include "harness/data/prepare/read_table.h"

#include <algorithm>
#include <set>
#include <utility>

#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/data/forms/not_a_table.h"
#include "harness/data/forms/table_form.h"
#include "harness/data/forms/table_remedies.h"
#include "harness/data/unicode.h"

namespace sft::data {
namespace {

constexpr size_t kMaxColumns = 10000;

class TableReader : public RowSink {
 public:
  TableReader(const TableFiles& files, const PrepareOptions& options)
      : files_(files), options_(options) {}

  absl::StatusOr<ReadRows> Read(const std::string& scratch) {
    SFT_ASSIGN_OR_RETURN(out_.rows, SpilledRows::Create(scratch, files_.path));
    SFT_ASSIGN_OR_RETURN(const TableForm* form,
                         FormOfFile(files_.files[0], options_.format));
    for (const std::string& file : files_.files) {
      path_ = file;
      before_ = last_;
      out_.rows->BeginPlace({before_, file, ":"});
      SFT_RETURN_IF_ERROR(
          form->read({file, options_, files_.part, files_.target}, *this));
    }
    if (out_.rows->size() == 0) {
      return InputError(
          out_.bad.empty() ? files_.path : out_.bad[0].where,
          absl::StrCat(out_.bad.empty() ? "" : out_.bad[0].reason + ": ",
                       "no row can be used"));
    }
    SFT_RETURN_IF_ERROR(CheckColumns());
    out_.columns.assign(names_.begin(), names_.end());
    std::vector<std::string> read_from = {columns_.label};
    for (const auto* some : {&columns_.text, &columns_.also, &columns_.answer})
      read_from.insert(read_from.end(), some->begin(), some->end());
    out_.rows->set_read_from(std::move(read_from));
    return std::move(out_);
  }

  bool keeps_order_of_tools() const override {
    return options_.keep_order_of_tools;
  }
  void CountRows() override {
    out_.rows->BeginPlace({before_, path_, ": row "});
  }

  absl::Status Columns(const std::vector<std::string>& names,
                       int64_t number) override {
    const std::string where = out_.rows->Where(before_ + number);
    fields_ = names;
    if (names.size() > kMaxColumns) {
      return InputError(where, absl::StrCat(names.size(), " columns"));
    }
    std::set<std::string> seen;
    for (const std::string& name : names) {
      const std::string complaint = WithEncodingRemedy(Utf8Complaint(name));
      if (!complaint.empty()) return InputError(where, complaint);
      if (!seen.insert(name).second) {
        return InputError(where,
                          "two columns are named '" + ShownText(name) + "'");
      }
    }
    names_.insert(seen.begin(), seen.end());
    ChooseColumns(names_);
    return CheckColumns();
  }

  absl::Status Row(nlohmann::json object, int64_t number) override {
    last_ = std::max(last_, before_ + number);
    if (fields_.empty()) {  // else they are known
      for (const auto& [key, unused] : object.items()) {
        if (names_.size() < kMaxColumns) names_.insert(key);
      }
    }
    ChooseColumns(names_);
    return out_.rows->Add(
        RowFromJson(std::move(object), before_ + number, columns_));
  }

  absl::Status Bad(int64_t number, std::string_view why) override {
    last_ = std::max(last_, before_ + number);
    return Refuse({out_.rows->Where(before_ + number), std::string(why)});
  }

  absl::Status Refuse(const RefusedRow& row) override {
    if (options_.on_bad_row == "fail") {
      return InputError(row.where,
                        row.reason + " (on_bad_row: skip leaves it out)");
    }
    out_.bad.push_back(row);
    return absl::OkStatus();
  }

  // Shards of one set are read alike: it is said of the first.
  void Say(std::string_view what) override {
    if (before_ > 0) return;
    out_.notes.push_back(
        absl::StrCat(path_.substr(path_.rfind('/') + 1), ": ", ToAbsl(what)));
  }

 private:
  // Settles the columns when the first names are known.
  void ChooseColumns(const std::set<std::string>& names) {
    if (chosen_) return;
    chosen_ = true;
    columns_ = {options_.text, options_.also, options_.label, options_.answer};
    if (options_.whole_layout) AddLayout(names);
    if (columns_.text.empty() && columns_.also.empty())
      columns_.text = {"text"};
    if (columns_.label.empty() && names.contains("label")) {
      columns_.label = "label";
    }
    columns_.nfc = options_.clean && options_.nfc;
    columns_.answer_of = options_.answer_of;
  }
  // The columns that stand beside those of the prompt by their usual names; or
  // those of the first layout that the file has, if none is named.
  void AddLayout(const std::set<std::string>& names) {
    auto has = [](const std::vector<std::string>& all, const std::string& one) {
      return std::find(all.begin(), all.end(), one) != all.end();
    };
    auto named = [&](const std::string& column) {
      return has(columns_.text, column) || has(columns_.also, column) ||
             has(columns_.answer, column) || column == columns_.label;
    };
    for (const RowColumns& layout : RowLayouts()) {
      const bool mine =
          columns_.text.empty()
              ? std::all_of(
                    layout.text.begin(), layout.text.end(),
                    [&](const auto& one) { return names.contains(one); })
              : std::any_of(
                    layout.text.begin(), layout.text.end(),
                    [&](const auto& one) { return has(columns_.text, one); });
      if (!mine) continue;
      const bool all = columns_.text.empty();
      for (const std::string& one : layout.text) {
        if (!named(one)) (all ? columns_.text : columns_.also).push_back(one);
      }
      for (const std::string& one : layout.also) {
        if (!named(one)) columns_.also.push_back(one);
      }
      for (const std::string& one : layout.answer) {
        if (!named(one)) columns_.answer.push_back(one);
      }
      return;
    }
  }
  absl::Status CheckColumns() const {
    std::vector<std::string> wanted = columns_.text;
    if (!columns_.label.empty()) wanted.push_back(columns_.label);
    for (const std::string& column : wanted) {
      if (names_.contains(column)) continue;
      const std::vector<std::string> names(names_.begin(), names_.end());
      const std::string remedy = options_.column_remedy == nullptr
                                     ? ""
                                     : options_.column_remedy(names);
      return InputError(
          path_, remedy.empty()
                     ? NoColumnRemedy(column, names, fields_)
                     : absl::StrCat("no column '", column, "'; ", remedy));
    }
    return absl::OkStatus();
  }

  const TableFiles& files_;
  const PrepareOptions& options_;
  std::string path_;               // of the file being read
  int64_t before_ = 0, last_ = 0;  // rows' numbers: before it, and so far
  ReadRows out_;
  std::vector<std::string> fields_;  // as a file's header has them
  std::set<std::string> names_;      // every column seen
  bool chosen_ = false;
  RowColumns columns_;
};

}  // namespace

absl::StatusOr<ReadRows> ReadTable(const TableFiles& files,
                                   const PrepareOptions& options,
                                   const std::string& scratch) {
  SFT_RETURN_IF_ERROR(CheckPrepareOptions(options));
  return TableReader(files, options).Read(scratch);
}

absl::StatusOr<ReadRows> ReadTable(const std::string& path,
                                   const PrepareOptions& options,
                                   const std::string& scratch) {
  SFT_RETURN_IF_ERROR(CheckPrepareOptions(options));
  SFT_ASSIGN_OR_RETURN(const TableFiles files,
                       FindTableFiles(path, "", options));
  return ReadTable(files, options, scratch);
}

}  // namespace sft::data
