#include "harness/data/prepare/personal_data.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string>

#include "harness/data/prepare/checks.h"

namespace sft::data {
namespace {

bool Digit(char c) { return c >= '0' && c <= '9'; }
bool Upper(char c) { return c >= 'A' && c <= 'Z'; }
bool Alnum(char c) { return Digit(c) || Upper(c) || (c >= 'a' && c <= 'z'); }

bool IsEmailAt(std::string_view text, size_t at) {
  if (at == 0 || !(Alnum(text[at - 1]) || text[at - 1] == '_')) return false;
  // A domain: labels of letters, digits and hyphens, the last one of letters.
  size_t dots = 0, label = 0, letters = 0;
  for (size_t i = at + 1; i < text.size() && i < at + 256; ++i) {
    if (Alnum(text[i]) || (text[i] == '-' && label > 0)) {
      ++label;
      letters = Alnum(text[i]) && !Digit(text[i]) ? letters + 1 : 0;
      if (dots > 0 && letters >= 2 && letters == label) {
        const char next = i + 1 < text.size() ? text[i + 1] : ' ';
        if (!Alnum(next) && next != '-') return true;
      }
    } else if (text[i] == '.' && label > 0) {
      ++dots;
      label = letters = 0;
    } else {
      return false;
    }
  }
  return false;
}

// As long as the numbers that begin so are (ISO 7812 ranges in use).
bool IsCardLength(std::string_view digits) {
  const size_t n = digits.size();
  if (n < 13) return false;
  switch (digits[0]) {
    case '2':
    case '5':
      return n == 16;
    case '3':
      return digits[1] == '4' || digits[1] == '7' ? n == 15
             : digits[1] == '5'                   ? n == 16
                                                  : n == 14;
    case '4':
      return n == 13 || n == 16 || n == 19;
    case '6':
      return n == 16 || n == 19;
    default:
      return false;
  }
}

bool PassesLuhn(std::string_view digits) {
  int sum = 0;
  for (size_t i = 0; i < digits.size(); ++i) {
    int digit = digits[digits.size() - 1 - i] - '0';
    if (i % 2 == 1) digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
    sum += digit;
  }
  return sum % 10 == 0;
}

// ISO 13616: the first four characters to the end, letters as 10 to 35,
// modulo 97 is 1. `at` begins a word. Spaces may part groups.
bool IsIbanAt(std::string_view text, size_t at) {
  if (at + 15 > text.size() || !Upper(text[at]) || !Upper(text[at + 1]) ||
      !Digit(text[at + 2]) || !Digit(text[at + 3])) {
    return false;
  }
  std::string body;
  for (size_t i = at; i < text.size() && body.size() < 34; ++i) {
    if (text[i] == ' ' && i + 1 < text.size() && i > at + 3 &&
        (Upper(text[i + 1]) || Digit(text[i + 1]))) {
      continue;
    }
    if (!Upper(text[i]) && !Digit(text[i])) break;
    body += text[i];
    const char next = i + 1 < text.size() ? text[i + 1] : ' ';
    if (body.size() < 15 || Alnum(next)) continue;
    int rest = 0;
    for (const char c : body.substr(4) + body.substr(0, 4)) {
      rest = Digit(c) ? (rest * 10 + (c - '0')) % 97
                      : (rest * 100 + (c - 'A' + 10)) % 97;
    }
    if (rest == 1) return true;
  }
  return false;
}

bool IsAddress(const std::string& word) {
  unsigned char bytes[16];
  const bool four = std::count(word.begin(), word.end(), '.') == 3 &&
                    inet_pton(AF_INET, word.c_str(), bytes) == 1;
  return four ||
         (std::count(word.begin(), word.end(), ':') >= 3 && word.size() >= 8 &&
          inet_pton(AF_INET6, word.c_str(), bytes) == 1);
}

// A run of digits with the signs that numbers are written with.
void LookAtNumber(std::string_view run, bool& card, bool& phone) {
  std::string digits, groups;
  size_t group = 0;
  for (const char c : run) {
    if (Digit(c)) {
      digits += c;
      ++group;
    } else if (group > 0) {
      groups += static_cast<char>('0' + std::min<size_t>(group, 30));
      group = 0;
    }
  }
  if (group > 0) groups += static_cast<char>('0' + std::min<size_t>(group, 30));
  const size_t n = digits.size();
  if (IsCardLength(digits) && PassesLuhn(digits) &&
      run.find_first_of("+().") == std::string_view::npos) {
    card = true;
  }
  const bool international = run[0] == '+' && n >= 8 && n <= 15;
  const bool national = n == 10 && groups == "334" &&
                        run.find_first_of("-.()") != std::string_view::npos;
  if (international || national) phone = true;
}

}  // namespace

std::vector<const char*> PersonalData(std::string_view text) {
  bool email = false, phone = false, iban = false, card = false, ip = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool begins = i == 0 || !Alnum(text[i - 1]);
    if (text[i] == '@') email = email || IsEmailAt(text, i);
    if (!begins) continue;
    if (Upper(text[i])) iban = iban || IsIbanAt(text, i);
    const char before = i == 0 ? ' ' : text[i - 1];
    auto is_ip = [](char c) { return Alnum(c) || c == '.' || c == ':'; };
    if (!is_ip(before) && (Alnum(text[i]) || text[i] == ':')) {
      size_t end = i;
      while (end < text.size() && end < i + 48 && is_ip(text[end])) ++end;
      std::string word(text.substr(i, end - i));
      while (!word.empty() && (word.back() == '.' || word.back() == ':')) {
        word.pop_back();
      }
      ip = ip || IsAddress(word);
    }
    auto is_number = [](char c) {
      return Digit(c) || c == ' ' || c == '-' || c == '.' || c == '(' ||
             c == ')';
    };
    if ((text[i] == '+' || text[i] == '(' || Digit(text[i])) &&
        !is_number(before == ' ' ? 'x' : before) && before != '+') {
      size_t end = i + 1;
      while (end < text.size() && end < i + 40 && is_number(text[end])) ++end;
      if (end == text.size() || !Alnum(text[end])) {
        LookAtNumber(text.substr(i, end - i), card, phone);
      }
    }
  }
  std::vector<const char*> found;
  if (email) found.push_back("e-mail");
  if (phone) found.push_back("phone");
  if (iban) found.push_back("IBAN");
  if (card) found.push_back("card");
  if (ip) found.push_back("IP");
  return found;
}

void LookForPersonalData(PrepareState& state, const TableRow& row,
                         uint32_t index) {
  for (const char* kind : PersonalData(row.Text())) {
    state.Flag(index, CheckId::kPersonalData, kind);
  }
}

}  // namespace sft::data
