#pragma once

#include <string>
#include <vector>

#include "registry/live.hpp"

namespace zoometer {

/// The options of `verify --live`.
struct VerifyLiveWords {
  LiveOptions live;
  std::vector<std::string> patterns;  ///< names of models, with * and ?; empty: all
  bool is_verbose = false;      ///< print every difference, not only the first ones of a model
  std::string format = "text";  ///< of FormatWords
};

/// Compares the built-in models with those of the user's torchvision and prints the table. Returns
/// the exit status. Throws Error.
int run_verify_live(const VerifyLiveWords& words);

}  // namespace zoometer
