#pragma once

#include <string>

#include "zoometer/util/error.hpp"

namespace zoometer::testing {

/// The error that a function throws, with the code before its message: "shape: the sizes do not
/// broadcast".
std::string failure_of(const auto& function) {
  try {
    function();
  } catch (const Error& error) {
    return std::string(name_of(error.code)) + ": " + error.what();
  }
  return "no error";
}

}  // namespace zoometer::testing
