#pragma once

#include <optional>
#include <string_view>
#include <unordered_map>

#include "import/importer.hpp"
#include "import/json.hpp"
#include "import/torch/symbolic.hpp"
#include "util/seeded_hash.hpp"

namespace zoometer {

/// A size, and whether it is only an upper bound, since the real one depends on data.
struct ProgramSize {
  std::int64_t value = 0;
  bool bounded = false;
};

/// The sizes of an exported program: numbers, or expressions of symbols. The values of symbols come
/// from the user, from the shapes that the user gave to inputs, or from the program's example.
class ProgramSizes {
 public:
  /// `range_constraints` may be null.
  ProgramSizes(const Json* range_constraints, ImportNotes& notes);

  /// The names of an input's sizes.
  static SizeNames names_of(const Json& declared);
  /// Adds the symbols in an input's sizes.
  void know(const Json& declared);
  /// Takes the user's values. Throws Error{unknown_name} for a symbol that the program lacks.
  void set(const TraceOptions& options);

  /// Takes the shape that the user gave to an input with these declared sizes.
  void bind(std::string_view input, const Json& declared, const Shape& given);
  /// Takes the values of the program's example for the symbols of an input.
  void take_example(const Json& declared);

  /// Whether the user changed any size.
  bool changed() const noexcept { return changed_; }

  /// {"as_int": 64} or {"as_expr": {"expr_str": ..., "hint": ...}}.
  ProgramSize evaluate(const Json& size);
  std::optional<double> evaluate_number(const Json& size) const;

  /// Adds the values of all symbols to the notes.
  void report();

 private:
  struct Symbol {
    std::optional<std::int64_t> least;
    std::optional<std::int64_t> most;
    bool bounded = false;
    bool by_user = false;
    bool noted = false;
  };

  ProgramSize evaluate_expression(const Json& expression);
  void assume(std::string_view name, std::optional<std::int64_t> hint);

  ImportNotes& notes_;
  SymbolValues values_;
  TextMap<Symbol> symbols_;
  std::unordered_map<const Json*, ProgramSize> evaluated_;  ///< symbols have many users
  bool changed_ = false;
  bool any_bounded_ = false;
};

}  // namespace zoometer
