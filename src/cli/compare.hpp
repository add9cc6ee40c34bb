#pragma once

#include <string>
#include <vector>

#include "cli/format_words.hpp"
#include "cli/side.hpp"

namespace zoometer {

/// What `compare` and `profile` of several models show.
struct CompareWords {
  SideWords both;
  std::vector<std::string> models;
  std::string device = "A100";  ///< whose least time is shown
  std::string sort;             ///< a figure; "-macs" is largest first. Empty: as given
};

/// The formats of a comparison.
std::vector<std::string> compare_formats();

/// The figures that `--sort` of a comparison takes.
std::vector<std::string> compare_keys();

/// Writes a table with a column for each model. Returns the exit status. Throws Error.
int compare_models(const CompareWords& words, const FormatWords& out);

}  // namespace zoometer
