#include "harness/analysis/table_macros.h"

#include <cctype>
#include <cmath>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "harness/analysis/latex_text.h"
#include "harness/analysis/table_layout.h"

namespace sft::analysis {
namespace {

std::string SpeltSign(char c) {
  static constexpr const char* kDigits[] = {"Zero",  "One",  "Two", "Three",
                                            "Four",  "Five", "Six", "Seven",
                                            "Eight", "Nine"};
  if (c >= '0' && c <= '9') return kDigits[c - '0'];
  if (c == '.') return "Point";
  if (c == '-') return "Minus";
  return c == '+' ? "Plus" : "";
}

std::string MacroNumber(const std::string& number) {
  return number[0] == '-' || number[0] == '+'
             ? absl::StrCat("\\ensuremath{", number, "}")
             : number;
}

std::string MacroP(const TableCell& cell) {
  const double p = *cell.value;
  if (!std::isfinite(p)) return PValueText(p);
  if (p < 1e-15) return "\\ensuremath{<10^{-15}}";
  const std::string relation = cell.is_at_most ? "\\le " : "";
  if (p >= 0.001) {
    return absl::StrCat("\\ensuremath{", relation, PValueText(p), "}");
  }
  const int exponent = static_cast<int>(std::floor(std::log10(p)));
  std::string digits = absl::StrFormat("%.1e", p);
  digits = digits.substr(0, digits.find('e'));
  return absl::StrCat("\\ensuremath{", relation, digits, "\\times10^{",
                      exponent, "}}");
}

class MacroList {
 public:
  explicit MacroList(const std::string& prefix) : prefix_(prefix) {}

  void AddTable(const Table& table) {
    const size_t labels = LabelColumns(table);
    for (const auto& row : table.rows) {
      std::string begin = table.name == "main" ? "" : TexName(table.name);
      for (size_t i = 0; i < labels; ++i) {
        const std::string& text = row[i].text;
        if (text.empty() || table.columns[i].key == "selected") continue;
        // A number alone says nothing.
        const bool is_word =
            std::isalpha(static_cast<unsigned char>(text[0])) != 0;
        absl::StrAppend(&begin, is_word ? "" : TexName(table.columns[i].key),
                        TexName(text));
      }
      for (size_t i = labels; i < table.columns.size(); ++i) {
        AddCell(absl::StrCat(begin, TexName(table.columns[i].key)),
                table.columns[i], row[i]);
      }
    }
  }

  std::string Take() { return std::move(out_); }

 private:
  void AddCell(const std::string& name, const TableColumn& column,
               const TableCell& cell) {
    if (!cell.value.has_value()) {
      if (!cell.text.empty()) Add(name, EscapedLatex(cell.text));
      return;
    }
    const auto number = [&](double value, bool show_sign) {
      return MacroNumber(FixedText(value, column.digits, show_sign));
    };
    Add(name, column.is_p_value ? MacroP(cell)
                                : number(*cell.value, column.show_sign));
    if (cell.sd.has_value()) {
      Add(absl::StrCat(name, "Sd"), number(*cell.sd, false));
    }
    if (!cell.interval.has_value()) return;
    Add(absl::StrCat(name, "Low"),
        number(cell.interval->low, column.show_sign));
    Add(absl::StrCat(name, "High"),
        number(cell.interval->high, column.show_sign));
  }

  // Rows that are called alike are told apart by their place.
  void Add(const std::string& name, const std::string& text) {
    const int before = names_[name]++;
    absl::StrAppend(&out_, "\\newcommand{\\", prefix_, name,
                    before == 0 ? "" : TexName(absl::StrCat("again ", before)),
                    "}{", text, "}\n");
  }

  const std::string prefix_;
  std::map<std::string, int> names_;
  std::string out_;
};

}  // namespace

std::string TexName(std::string_view text) {
  std::string name;
  bool begins = true;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && std::isalpha(byte) != 0) {
      name += static_cast<char>(begins ? std::toupper(byte) : byte);
      begins = false;
      continue;
    }
    name += SpeltSign(c);
    begins = true;
  }
  return name;
}

std::string TableMacros(const std::vector<Table>& tables,
                        const std::string& prefix) {
  MacroList list(prefix);
  for (const Table& table : tables) list.AddTable(table);
  return list.Take();
}

}  // namespace sft::analysis
