#pragma once

#include <fmt/core.h>

#include <string>

#include "registry/verification.hpp"

namespace zoometer {

/// How many values of one figure agree.
struct Tally {
  int agree = 0;
  int excepted = 0;
  int differ = 0;

  void add(Verdict verdict) {
    if (verdict == Verdict::agrees) ++agree;
    if (verdict == Verdict::excepted) ++excepted;
    if (verdict == Verdict::differs) ++differ;
  }
  /// "160 of 166 agree, 6 documented exceptions".
  std::string text() const {
    std::string result = fmt::format("{} of {} agree", agree, agree + excepted + differ);
    if (excepted > 0) result += fmt::format(", {} documented exceptions", excepted);
    if (differ > 0) result += fmt::format(", {} differ", differ);
    return result;
  }
};

}  // namespace zoometer
