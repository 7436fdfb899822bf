#include "harness/data/forms/separated.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "harness/core/status.h"
#include "harness/core/utf8.h"
#include "harness/data/csv.h"
#include "harness/data/forms/not_a_table.h"
#include "harness/data/forms/text_lines.h"
#include "harness/data/unicode.h"

namespace sft::data {
namespace {

constexpr int64_t kSampledRecords = 50;

// How a dialect fares with the first records.
struct Trial {
  size_t fields = 0;  // of the first
  int64_t whole = 0, broken = 0;
  bool quoted = false;  // some field begins with a quote
};

Trial TryDialect(std::string_view head, const Dialect& dialect) {
  CsvParser parser(kMaxRowBytes, dialect.delimiter, dialect.quote);
  Trial trial;
  head = WithoutByteOrderMark(head);
  while (!head.empty() && trial.whole + trial.broken < kSampledRecords) {
    const size_t end = head.find('\n');
    // The last line may be cut.
    if (end == std::string_view::npos && trial.fields > 0) break;
    std::string_view line = head.substr(0, end);
    head.remove_prefix(end == std::string_view::npos ? head.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if ((line.empty() && !parser.open()) || !parser.Feed(line)) continue;
    const std::vector<std::string>& fields = parser.record().fields;
    const bool first = trial.fields == 0;
    if (first) trial.fields = fields.size();
    if (!parser.error().empty() || fields.size() != trial.fields) {
      ++trial.broken;
    } else if (!first) {
      ++trial.whole;
    }
    trial.quoted |= std::any_of(
        fields.begin(), fields.end(),
        [](const std::string& field) { return field.starts_with('"'); });
  }
  return trial;
}

// Every row is whole, and they are rows of fields.
bool Fits(const Trial& trial) {
  return trial.broken == 0 && trial.fields > 1 && trial.whole > 0;
}

std::optional<char> QuoteOf(const FormOptions& options) {
  if (options.quote == "none") return std::nullopt;
  return options.quote[0];
}

std::string Shown(char c) {
  return c == '\t' ? "tab" : absl::StrCat("'", std::string(1, c), "'");
}

class SeparatedReader {
 public:
  SeparatedReader(const FormInput& input, RowSink& sink)
      : input_(input), sink_(sink) {}

  absl::Status Read(const Dialect& own) {
    SFT_ASSIGN_OR_RETURN(LineReader lines, OpenText(input_.path));
    SFT_ASSIGN_OR_RETURN(const std::string_view head, lines.Head());
    const Dialect dialect = DialectOf(head, own, input_.options);
    const bool stated =
        input_.options.delimiter != "auto" && input_.options.quote != "auto";
    if (dialect != own && !stated) {
      sink_.Say(absl::StrCat(DialectText(dialect), ", header ",
                             input_.options.header ? "yes" : "no"));
    } else if (!dialect.quote && input_.options.quote == "auto" &&
               TryDialect(head, dialect).quoted) {
      sink_.Say(
          "some fields begin with '\"', which is taken as text; quote: '\"' "
          "takes quotes off");
    }
    CsvParser parser(kMaxRowBytes, dialect.delimiter, dialect.quote);
    int64_t before = 0;  // lines that `parser` has not seen
    while (true) {
      SFT_ASSIGN_OR_RETURN(const bool more, lines.Next());
      if (!more) break;
      if (lines.too_long()) {
        // Where its quotes end is unknown: the next line begins a record.
        SFT_RETURN_IF_ERROR(sink_.Bad(lines.number(), RowTooLong()));
        parser = CsvParser(kMaxRowBytes, dialect.delimiter, dialect.quote);
        before = lines.number();
        continue;
      }
      const std::string_view line = LineOf(lines);
      const bool blank = line.empty() && !parser.open();
      if (!parser.Feed(line) || blank) continue;  // an empty line is no record
      SFT_RETURN_IF_ERROR(
          Add(parser.record().fields, before + parser.line(), parser.error()));
    }
    if (parser.open()) {
      return InputError(absl::StrCat(input_.path, ":", before + parser.line()),
                        "a quote opened in this record is never closed");
    }
    return absl::OkStatus();
  }

 private:
  // The header, or the first row of a file without one.
  absl::Status SetNames(const std::vector<std::string>& fields, int64_t line) {
    names_ = fields;
    for (size_t i = 0; i < names_.size() && !input_.options.header; ++i) {
      names_[i] = absl::StrCat(i + 1);
    }
    return sink_.Columns(names_, line);
  }

  absl::Status Add(const std::vector<std::string>& fields, int64_t line,
                   std::string why) {
    if (names_.empty()) {
      if (!why.empty()) {
        return InputError(absl::StrCat(input_.path, ":", line), why);
      }
      SFT_RETURN_IF_ERROR(SetNames(fields, line));
      if (input_.options.header) return absl::OkStatus();
    }
    for (const std::string& field : fields) {
      if (why.empty()) why = WithEncodingRemedy(Utf8Complaint(field));
    }
    if (why.empty() && fields.size() != names_.size()) {
      why = absl::StrCat(fields.size(), " fields, wanted ", names_.size());
    }
    if (!why.empty()) return sink_.Bad(line, why);
    nlohmann::json object = nlohmann::json::object();
    for (size_t i = 0; i < fields.size(); ++i) object[names_[i]] = fields[i];
    return sink_.Row(std::move(object), line);
  }

  const FormInput& input_;
  RowSink& sink_;
  std::vector<std::string> names_;
};

}  // namespace

std::string DialectText(const Dialect& dialect) {
  return absl::StrCat("delimiter ", Shown(dialect.delimiter), ", quote ",
                      dialect.quote ? Shown(*dialect.quote) : "none");
}

Dialect DialectOf(std::string_view head, const Dialect& own,
                  const FormOptions& options) {
  Dialect plain = own;
  std::vector<char> delimiters = {own.delimiter, ';', '\t', '|', ','};
  std::vector<std::optional<char>> quotes = {own.quote, '"', '\''};
  if (options.delimiter != "auto") {
    plain.delimiter = options.delimiter[0];
    delimiters = {plain.delimiter};
  }
  if (options.quote != "auto") {
    plain.quote = QuoteOf(options);
    quotes = {plain.quote};
  }
  const Trial trial = TryDialect(head, plain);
  // What could be read so with some rows left out still is.
  const bool reads =
      trial.fields > 1 && trial.whole > 0 && options.on_bad_row == "skip";
  if (Fits(trial) || reads || head.empty()) return plain;
  Dialect best = plain;
  size_t most = 0;
  for (const std::optional<char>& quote : quotes) {
    for (const char delimiter : delimiters) {
      const Dialect one{delimiter, quote};
      const Trial tried = TryDialect(head, one);
      if (Fits(tried) && tried.fields > most) {
        best = one;
        most = tried.fields;
      }
    }
  }
  return best;
}

absl::Status ReadSeparated(const FormInput& input, const Dialect& own,
                           RowSink& sink) {
  return SeparatedReader(input, sink).Read(own);
}

}  // namespace sft::data
