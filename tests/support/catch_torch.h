// Catch2 in a test that uses LibTorch. Both define CHECK and friends: LibTorch
// comes first, and in tests the names mean Catch2's.
#ifndef TESTS_SUPPORT_CATCH_TORCH_H_
#define TESTS_SUPPORT_CATCH_TORCH_H_

#include <ATen/ATen.h>
#include <c10/util/Exception.h>
#include <c10/util/Logging.h>

#undef CHECK
#undef CHECK_EQ
#undef CHECK_NE
#undef CHECK_LE
#undef CHECK_LT
#undef CHECK_GE
#undef CHECK_GT
#undef FAIL
#undef INFO
#undef REQUIRE
#undef WARN

#include <catch2/catch.hpp>

#endif  // TESTS_SUPPORT_CATCH_TORCH_H_
