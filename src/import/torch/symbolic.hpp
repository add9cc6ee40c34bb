#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "util/seeded_hash.hpp"

namespace zoometer {

/// The values of symbolic sizes ("s0"), in the order in which they were set.
class SymbolValues {
 public:
  struct Entry {
    std::string name;
    std::int64_t value = 0;
  };

  std::optional<std::int64_t> find(std::string_view name) const noexcept;
  /// Replaces an earlier value.
  void set(std::string_view name, std::int64_t value);
  const std::vector<Entry>& entries() const noexcept { return entries_; }

 private:
  std::vector<Entry> entries_;
  TextMap<std::size_t> index_;
};

/// The symbol that an expression consists of: "s0" for `s0` and for `Symbol('s0', integer=True)`;
/// empty for anything longer.
std::string_view lone_symbol(std::string_view expression) noexcept;

/// Evaluates a size as torch.export writes it: sympy's srepr (`Add(Symbol('s0'), Integer(1))`) or
/// its plain text (`2*s0 + 1`, `Mod(s0, 2)`, `s0//2`), or as jax.export does (`floordiv(b, 2)`),
/// with exact fractions in between. Nothing
/// where a symbol has no value, a function is unknown, or the result is not a 64-bit integer.
std::optional<std::int64_t> evaluate_size(std::string_view expression,
                                          const SymbolValues& symbols) noexcept;

/// The same for a number that need not be whole.
std::optional<double> evaluate_number(std::string_view expression,
                                      const SymbolValues& symbols) noexcept;

/// The symbols in an expression, without duplicates.
std::vector<std::string_view> symbols_in(std::string_view expression);

}  // namespace zoometer
