#pragma once

#include <optional>
#include <string_view>
#include <unordered_map>

#include "import/importer.hpp"
#include "import/json.hpp"
#include "import/torch/symbolic.hpp"

namespace zoometer {

/// A size, and whether it is an upper bound of one that depends on data.
struct ProgramSize {
  std::int64_t value = 0;
  bool bounded = false;
};

/// The sizes of an exported program: numbers, or expressions in symbols, whose values come from the
/// user, from the shapes that the user gave to inputs, or from the program's own example.
class ProgramSizes {
 public:
  /// `range_constraints` may be null.
  ProgramSizes(const Json* range_constraints, ImportNotes& notes);

  /// Learns the names of the symbols in an input's sizes.
  void know(const Json& declared);
  /// The user's word on symbols. Throws Error{unknown_name} for one that the program lacks.
  void set(const ImportOptions& options);

  /// The user's shape of an input whose declared sizes these are.
  void bind(std::string_view input, const Json& declared, const Shape& given);
  /// The symbols of an input take the values of the program's example.
  void take_example(const Json& declared);

  /// Whether the user changed any size.
  bool changed() const noexcept { return changed_; }

  /// {"as_int": 64} or {"as_expr": {"expr_str": ..., "hint": ...}}.
  ProgramSize evaluate(const Json& size);
  std::optional<double> evaluate_number(const Json& size) const;

  /// Tells the values of all symbols in the notes.
  void report();

 private:
  struct Symbol {
    std::optional<std::int64_t> least;
    std::optional<std::int64_t> most;
    bool bounded = false;
    bool by_user = false;
    bool told = false;
  };

  ProgramSize evaluate_expression(const Json& expression);
  void assume(std::string_view name, std::optional<std::int64_t> hint);

  ImportNotes& notes_;
  SymbolValues values_;
  std::unordered_map<std::string, Symbol> symbols_;
  std::unordered_map<const Json*, ProgramSize> evaluated_;  ///< symbols have many users
  bool changed_ = false;
  bool any_bounded_ = false;
};

}  // namespace zoometer
