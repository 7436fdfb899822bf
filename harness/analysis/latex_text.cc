#include "harness/analysis/latex_text.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace sft::analysis {
namespace {

// Of cmr8, rounded up: what is measured here is never wider in print.
double CharPt(char c) {
  const auto is_one_of = [c](std::string_view chars) {
    return chars.find(c) != chars.npos;
  };
  if (is_one_of("ijl.,:;'|!")) return 2.6;
  if (is_one_of("frtI()[]-/ ")) return 3.7;
  if (is_one_of("mwMW%@&+=<>~_")) return 7.6;
  if (c >= 'A' && c <= 'Z') return 6.6;
  if (c >= '0' && c <= '9') return 4.4;
  if (is_one_of("bdhknpqu")) return 4.9;
  return c >= 'a' && c <= 'z' ? 4.5 : 6.8;
}

}  // namespace

double WidthPt(const std::string& text) {
  double sum = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) sum += CharPt(c);
  }
  return sum;
}

std::string Breakable(const std::string& escaped) {
  return absl::StrReplaceAll(escaped, {{"\\_", "\\_\\allowbreak{}"},
                                       {"=", "=\\allowbreak{}"},
                                       {"/", "/\\allowbreak{}"},
                                       {"+", "+\\allowbreak{}"}});
}

double LongestPartPt(const std::string& text) {
  double longest = 0, now = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xc0) == 0x80) continue;
    if (c != ' ') now += CharPt(c);
    longest = std::max(longest, now);
    if (c == ' ' || c == '_' || c == '=' || c == '/' || c == '+') now = 0;
  }
  return longest;
}

std::string InMath(const std::string& number) {
  return absl::StrCat("$", number, "$");
}

std::string LatexP(const TableCell& cell) {
  const double p = *cell.value;
  std::string text;
  if (!std::isfinite(p)) {
    text = EscapedLatex(PValueText(p));
  } else if (p < 1e-15) {
    text = "$<10^{-15}$";
  } else {
    text = absl::StrCat("\\num{", PValueText(p), "}");
    if (cell.is_at_most) text = absl::StrCat("$\\le$\\,", text);
  }
  return text;
}

std::string NoteName(size_t n) {
  std::string name;
  for (size_t rest = n + 1; rest > 0; rest = (rest - 1) / 26) {
    name.insert(name.begin(), static_cast<char>('a' + (rest - 1) % 26));
  }
  return name;
}

std::string EscapedLatex(const std::string& text) {
  return absl::StrReplaceAll(text, {{"\\", "\\textbackslash{}"},
                                    {"&", "\\&"},
                                    {"%", "\\%"},
                                    {"$", "\\$"},
                                    {"#", "\\#"},
                                    {"_", "\\_"},
                                    {"{", "\\{"},
                                    {"}", "\\}"},
                                    {"~", "\\textasciitilde{}"},
                                    {"^", "\\textasciicircum{}"},
                                    {"<=", "$\\le$"},
                                    {">=", "$\\ge$"},
                                    {"<", "$<$"},
                                    {">", "$>$"},
                                    {"|", "$|$"},
                                    {"\xc2\xb1", "$\\pm$"},
                                    {"\xc3\x97", "$\\times$"},
                                    {"\xce\x94", "$\\Delta$"},
                                    {"\xce\xb1", "$\\alpha$"},
                                    {"\xe2\x80\x93", "--"},
                                    {"\xe2\x80\x94", "---"},
                                    {"\xe2\x80\xa0", "$\\dagger$"},
                                    {"\xe2\x80\xa1", "$\\ddagger$"},
                                    {"\xe2\x80\xa6", "\\ldots{}"},
                                    {"\xe2\x89\xa4", "$\\le$"},
                                    {"\xe2\x89\xa5", "$\\ge$"},
                                    {"\xe2\x86\x92", "$\\rightarrow$"},
                                    {"\t", " "},
                                    {"\r", " "},
                                    {"\n", " "}});
}

}  // namespace sft::analysis
