// One check of a setting: a row of the table. What holds, what was found, and
// whether it is so.
#ifndef HARNESS_SELFCHECK_CHECK_H_
#define HARNESS_SELFCHECK_CHECK_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "harness/selfcheck/setting.h"

namespace sft::selfcheck {

// kNotAsked: the setting has nothing that it could be true of.
enum class Outcome { kPass, kFail, kNotAsked };
std::string_view OutcomeName(Outcome outcome);  // "pass", "FAIL", "-"

struct Finding {
  Outcome outcome = Outcome::kPass;
  std::string what;  // the numbers, or what is wrong

  static Finding Pass(std::string what) {
    return {Outcome::kPass, std::move(what)};
  }
  static Finding Fail(std::string what) {
    return {Outcome::kFail, std::move(what)};
  }
  static Finding NotAsked(std::string why) {
    return {Outcome::kNotAsked, std::move(why)};
  }
};

struct Check {
  std::string name;
  std::string claim;  // one sentence
  // An error is a failure, too: the setting cannot do what is claimed of it.
  std::function<absl::StatusOr<Finding>(const Setting&)> run;
};

// In the order of the report.
const std::vector<Check>& AllChecks();

struct CheckedRow {
  std::string check, claim;
  Finding finding;
  double wall_seconds = 0;
};
// All of them. `say` is told the name of each before it begins.
std::vector<CheckedRow> RunChecks(
    const Setting& setting, const std::function<void(const std::string&)>& say);
bool AllHold(const std::vector<CheckedRow>& rows);

}  // namespace sft::selfcheck

#endif  // HARNESS_SELFCHECK_CHECK_H_
