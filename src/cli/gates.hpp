#pragma once

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/diff.hpp"
#include "analysis/totals.hpp"
#include "util/expression.hpp"

namespace zoometer {

/// A field that a gate can compare.
struct GateField {
  ExpressionField field;
  MetricUnit unit = MetricUnit::count;
  ExpressionValue value;
  std::string stand = {};  ///< how a message shows it; empty: its name and value
  /// For a figure with an older value: the indices of the fields with the change and the relative
  /// change. `macs > +5M` compares the change, `macs > +1%` the relative change.
  std::optional<std::size_t> change = {};
  std::optional<std::size_t> relative_change = {};
};

/// The fields of a profile. `cost` is missing if no convention fills it.
std::vector<GateField> gate_fields(const Totals& totals, bool has_cost);

/// The fields of a comparison: each figure, its `before.`, `change.` and `relative.` forms, and how
/// many modules were added, removed, changed, renamed and moved.
class ChangeFields {
 public:
  ChangeFields(const Totals& before, const Totals& after, const DiffCounts& counts);
  ChangeFields(const ChangeFields&) = delete;
  ChangeFields& operator=(const ChangeFields&) = delete;

  std::span<const GateField> fields() const noexcept { return fields_; }

 private:
  void add_figure(const TotalsField& total, long double before, long double after);
  void add(std::string_view prefix, const TotalsField& total, MetricUnit unit,
           ExpressionValue value);

  std::deque<std::string> names_;
  std::vector<GateField> fields_;
};

/// Conditions that end a command with status 1: each must hold (`--assert`), or must not
/// (`--fail-on`). They are parsed before anything is traced, so that a typing error shows at once.
class Gates {
 public:
  enum class Kind { must_hold, must_not_hold };

  /// Throws Error{usage} that begins with `option`.
  Gates(const std::vector<std::string>& conditions, std::span<const GateField> fields, Kind kind,
        std::string_view option);

  /// Prints each failed gate with its values on standard error. `fields` are as in
  /// the constructor, with values. Returns whether all passed.
  bool pass(std::span<const GateField> fields) const;

 private:
  std::vector<Expression> conditions_;
  Kind kind_;
  std::string option_;
};

}  // namespace zoometer
