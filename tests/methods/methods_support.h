// What the tests of methods share.
#ifndef TESTS_METHODS_METHODS_SUPPORT_H_
#define TESTS_METHODS_METHODS_SUPPORT_H_

#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/paths.h"

namespace sft {

inline nlohmann::json ReadGoldenJson(const std::string& name) {
  std::ifstream file(SourceDir() / "tests" / "golden" / name);
  REQUIRE(file.good());
  return nlohmann::json::parse(file);
}

}  // namespace sft

#endif  // TESTS_METHODS_METHODS_SUPPORT_H_
