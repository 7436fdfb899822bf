// Rows of users' files: the first byte chooses the reader; from 128 on it is a
// form of the table, and bit 6 has its options sniffed or stated.
#include <array>
#include <filesystem>

#include "harness/data/conll.h"
#include "harness/data/csv.h"
#include "harness/data/entity_spans.h"
#include "harness/data/forms/table_form.h"
#include "harness/data/gettext_mo.h"
#include "harness/data/jsonl.h"
#include "harness/data/tag_scheme.h"
#include "harness/data/tsv.h"
#include "tests/fuzz/fuzz_target.h"

namespace sft::fuzz {
namespace {

// Takes rows as the task of entities would.
class FuzzSink : public data::RowSink {
 public:
  void CountRows() override {}
  absl::Status Columns(const std::vector<std::string>&, int64_t) override {
    return absl::OkStatus();
  }
  absl::Status Row(nlohmann::json object, int64_t) override {
    if (!object.contains("text") || !object["text"].is_string()) {
      return absl::OkStatus();
    }
    auto spans = data::ReadEntitySpans(object.value("entities", object));
    if (!spans.ok()) return absl::OkStatus();
    auto tagged = data::TagWords(object["text"].get<std::string>(),
                                 *std::move(spans), data::CutSpans::kWiden);
    if (!tagged.ok()) return absl::OkStatus();
    for (const data::TagSchemeRow& scheme : data::AllTagSchemes()) {
      data::Tags tags = tagged->tags;
      (void)scheme.to_iob2(tags);
    }
    return absl::OkStatus();
  }
  absl::Status Bad(int64_t, std::string_view) override {
    return absl::OkStatus();
  }
  absl::Status Refuse(const data::RefusedRow&) override {
    return absl::OkStatus();
  }
  void Say(std::string_view) override {}
};

void FuzzForm(uint8_t choice, std::string_view bytes) {
  const MemoryFile file(bytes);
  const std::vector<data::TableForm>& forms = data::AllTableForms();
  data::FormOptions options;
  if ((choice & 64) != 0) {
    options.delimiter = ";";
    options.quote = "'";
    options.rows = "data";
    options.word_column = 1;
    options.tag_column = 2;
  }
  FuzzSink sink;
  const std::string path = file.path();
  const data::TableForm& form = forms[(choice & 63) % forms.size()];
  (void)form.read({path, options, "train", path}, sink);
  if (form.parts != nullptr) (void)form.parts(path, options);
}

}  // namespace

void Fuzz(std::string_view bytes) {
  if (bytes.empty()) return;
  const auto choice = static_cast<uint8_t>(bytes[0]);
  if (choice >= 128) return FuzzForm(choice & 127, bytes.substr(1));
  const MemoryFile file(bytes.substr(1));
  switch (choice % 6) {
    case 0:
      (void)data::ReadJsonl(file.path());
      break;
    case 1:
      (void)data::ReadJsonArray(file.path());
      break;
    case 2:
      (void)data::ReadCsv(file.path(), {});
      break;
    case 3:
      (void)data::ReadConll(file.path(), {.iob1 = (choice & 8) != 0});
      break;
    case 4:
      (void)data::ReadTsv(file.path(), {});
      break;
    default:
      (void)data::ReadMo(file.path());
  }
}

}  // namespace sft::fuzz
