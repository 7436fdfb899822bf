// What is personal data, and what only looks like it.
#include "harness/data/prepare/personal_data.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace sft::data::personal_data_test {
namespace {

TEST_CASE("personal data is told from other numbers", "[data][prepare]") {
  using Kinds = std::vector<std::string>;
  auto kinds = [](const char* text) {
    const auto found = PersonalData(text);
    return Kinds(found.begin(), found.end());
  };
  CHECK(kinds("to a.b+c@mail.example.com, now") == Kinds{"e-mail"});
  CHECK(kinds("to @someone or a@b").empty());
  CHECK(kinds("call (415) 555-2671") == Kinds{"phone"});
  CHECK(kinds("call +1 415 555 2671.") == Kinds{"phone"});
  CHECK(kinds("in 2004 2005 or 1,000,000 of 3.14159").empty());
  CHECK(kinds("IBAN DE89 3704 0044 0532 0130 00") == Kinds{"IBAN"});
  CHECK(kinds("GB82WEST12345698765432") == Kinds{"IBAN"});
  CHECK(kinds("DE89 3704 0044 0532 0130 01").empty());
  CHECK(kinds("4111 1111 1111 1111") == Kinds{"card"});
  CHECK(kinds("4111 1111 1111 1112").empty());
  CHECK(kinds("at 192.168.0.1.") == Kinds{"IP"});
  CHECK(kinds("2001:db8:0:0::1") == Kinds{"IP"});
  CHECK(kinds("version 1.2.3.4.5 at 12:30:45, 300.1.1.1").empty());
}

}  // namespace
}  // namespace sft::data::personal_data_test
