#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "util/seeded_hash.hpp"

namespace zoometer {

/// The modules that a configuration lists: paths, parts of paths, patterns with `*`, or "re:" and
/// an expression of Python that matches from the start. Expressions have characters, `.`, `*` and
/// `+` after one, groups of alternatives and `$`; what else they have is taken as a character.
class ModuleNames {
 public:
  /// Throws Error{limit} for an expression of more than 64 alternatives.
  void add(std::string_view name);

  /// Whether the module is listed, or is below one that is. Throws Error{limit} when all questions
  /// have taken too long: a file chooses how many names are compared with how many modules.
  bool has(const std::string& module);

 private:
  bool is_listed(std::string_view module);
  bool has_path(std::string_view module) const;
  bool matches_pattern(std::string_view text, std::string_view pattern);
  bool matches_expression(std::string_view text, std::string_view expression);
  void add_expression(std::string_view text);
  void spend(std::size_t steps);

  TextSet paths_;
  std::vector<std::string> patterns_;
  std::vector<std::string> expressions_;  ///< without groups
  TextMap<bool> known_;
  std::size_t spent_ = 0;
};

}  // namespace zoometer
