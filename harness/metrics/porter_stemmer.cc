#include "harness/metrics/porter_stemmer.h"

#include <map>
#include <string_view>
#include <vector>

namespace sft::metrics {
namespace {

bool EndsWith(const std::string& word, std::string_view suffix) {
  return word.size() >= suffix.size() &&
         word.compare(word.size() - suffix.size(), suffix.size(), suffix) == 0;
}
std::string Cut(const std::string& word, size_t letters) {
  return word.substr(0, word.size() - letters);
}

std::vector<bool> Consonants(const std::string& word) {
  std::vector<bool> flags;
  for (size_t i = 0; i < word.size(); ++i) {
    const char c = word[i];
    if (c == 'y') {
      flags.push_back(i == 0 || !flags[i - 1]);
    } else {
      flags.push_back(c != 'a' && c != 'e' && c != 'i' && c != 'o' && c != 'u');
    }
  }
  return flags;
}

// m of the paper: how often a consonant follows a vowel.
int StemMeasure(const std::string& stem) {
  const std::vector<bool> flags = Consonants(stem);
  int measure = 0;
  for (size_t i = 1; i < flags.size(); ++i)
    measure += !flags[i - 1] && flags[i];
  return measure;
}
bool ContainsVowel(const std::string& stem) {
  for (bool consonant : Consonants(stem)) {
    if (!consonant) return true;
  }
  return false;
}
// *d of the paper.
bool EndsDoubleConsonant(const std::string& word) {
  const size_t n = word.size();
  return n >= 2 && word[n - 1] == word[n - 2] && Consonants(word)[n - 1];
}
// *o of the paper, and NLTK's words of a vowel and a consonant.
bool EndsCvc(const std::string& word) {
  const std::vector<bool> flags = Consonants(word);
  const size_t n = word.size();
  if (n == 2) return !flags[0] && flags[1];
  const char last = n == 0 ? 'w' : word[n - 1];
  return n >= 3 && flags[n - 3] && !flags[n - 2] && flags[n - 1] &&
         last != 'w' && last != 'x' && last != 'y';
}

struct Rule {
  std::string_view suffix, replacement;
};
// The first rule whose suffix fits decides, whether its stem is long enough
// (m > min_measure) or not.
std::string ApplyRules(const std::string& word, const std::vector<Rule>& rules,
                       int min_measure) {
  for (const Rule& rule : rules) {
    if (!EndsWith(word, rule.suffix)) continue;
    const std::string stem = Cut(word, rule.suffix.size());
    bool good = StemMeasure(stem) > min_measure;
    if (rule.suffix == "ion") {
      good = good && (stem.back() == 's' || stem.back() == 't');
    } else if (rule.suffix == "logi") {  // its l belongs to the stem
      good = StemMeasure(Cut(word, 3)) > min_measure;
    }
    return good ? stem + std::string(rule.replacement) : word;
  }
  return word;
}

std::string Step1a(const std::string& word) {
  if (EndsWith(word, "ies") && word.size() == 4) return Cut(word, 1);
  if (EndsWith(word, "sses") || EndsWith(word, "ies")) return Cut(word, 2);
  if (EndsWith(word, "ss") || !EndsWith(word, "s")) return word;
  return Cut(word, 1);
}

std::string Step1b(const std::string& word) {
  if (EndsWith(word, "ied")) return Cut(word, word.size() == 4 ? 1 : 2);
  if (EndsWith(word, "eed")) {
    return StemMeasure(Cut(word, 3)) > 0 ? Cut(word, 1) : word;
  }
  std::string stem;
  if (EndsWith(word, "ed") && ContainsVowel(Cut(word, 2))) {
    stem = Cut(word, 2);
  } else if (EndsWith(word, "ing") && ContainsVowel(Cut(word, 3))) {
    stem = Cut(word, 3);
  } else {
    return word;
  }
  if (EndsWith(stem, "at") || EndsWith(stem, "bl") || EndsWith(stem, "iz")) {
    return stem + "e";
  }
  if (EndsDoubleConsonant(stem)) {
    const char last = stem.back();
    return last == 'l' || last == 's' || last == 'z' ? stem : Cut(stem, 1);
  }
  return StemMeasure(stem) == 1 && EndsCvc(stem) ? stem + "e" : stem;
}

std::string Step1c(const std::string& word) {
  if (!EndsWith(word, "y")) return word;
  const std::string stem = Cut(word, 1);
  return stem.size() > 1 && Consonants(stem).back() ? stem + "i" : word;
}

std::string Step2(const std::string& word) {
  if (EndsWith(word, "alli") && StemMeasure(Cut(word, 4)) > 0) {
    return Step2(Cut(word, 2));
  }
  static const auto& rules = *new std::vector<Rule>{
      {"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"},
      {"anci", "ance"},   {"izer", "ize"},    {"bli", "ble"},
      {"alli", "al"},     {"entli", "ent"},   {"eli", "e"},
      {"ousli", "ous"},   {"ization", "ize"}, {"ation", "ate"},
      {"ator", "ate"},    {"alism", "al"},    {"iveness", "ive"},
      {"fulness", "ful"}, {"ousness", "ous"}, {"aliti", "al"},
      {"iviti", "ive"},   {"biliti", "ble"},  {"fulli", "ful"},
      {"logi", "log"}};
  return ApplyRules(word, rules, 0);
}

std::string Step3(const std::string& word) {
  static const auto& rules = *new std::vector<Rule>{
      {"icate", "ic"}, {"ative", ""}, {"alize", "al"}, {"iciti", "ic"},
      {"ical", "ic"},  {"ful", ""},   {"ness", ""}};
  return ApplyRules(word, rules, 0);
}

std::string Step4(const std::string& word) {
  static const auto& rules = *new std::vector<Rule>{
      {"al", ""},   {"ance", ""}, {"ence", ""}, {"er", ""},    {"ic", ""},
      {"able", ""}, {"ible", ""}, {"ant", ""},  {"ement", ""}, {"ment", ""},
      {"ent", ""},  {"ion", ""},  {"ou", ""},   {"ism", ""},   {"ate", ""},
      {"iti", ""},  {"ous", ""},  {"ive", ""},  {"ize", ""}};
  return ApplyRules(word, rules, 1);
}

std::string Step5(std::string word) {
  if (EndsWith(word, "e")) {
    const std::string stem = Cut(word, 1);
    const int measure = StemMeasure(stem);
    if (measure > 1 || (measure == 1 && !EndsCvc(stem))) word = stem;
  }
  if (EndsWith(word, "ll") && StemMeasure(Cut(word, 1)) > 1)
    word = Cut(word, 1);
  return word;
}

}  // namespace

std::string PorterStem(const std::string& word) {
  static const auto& irregular = *new std::map<std::string, std::string>{
      {"sky", "sky"},        {"skies", "sky"},        {"dying", "die"},
      {"lying", "lie"},      {"tying", "tie"},        {"news", "news"},
      {"innings", "inning"}, {"inning", "inning"},    {"outings", "outing"},
      {"outing", "outing"},  {"cannings", "canning"}, {"canning", "canning"},
      {"howe", "howe"},      {"proceed", "proceed"},  {"exceed", "exceed"},
      {"succeed", "succeed"}};
  const auto found = irregular.find(word);
  if (found != irregular.end()) return found->second;
  if (word.size() <= 2) return word;
  return Step5(Step4(Step3(Step2(Step1c(Step1b(Step1a(word)))))));
}

}  // namespace sft::metrics
