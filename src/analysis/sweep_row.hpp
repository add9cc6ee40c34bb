#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/totals.hpp"
#include "zoometer/analysis/results.hpp"

namespace zoometer {

/// A column of a sweep.
struct SweepColumn {
  enum class Type : std::uint8_t { text, integer, real };

  std::string_view name;
  Type type = Type::text;
  std::string_view summary;
  const TotalsField* total = nullptr;  ///< of a figure
};

/// The columns of a sweep: what was asked for (model, batch, resolution, dtype), the chosen
/// figures, whether they depend on a bound, and the reason if there are none.
class SweepColumns {
 public:
  static constexpr std::size_t model = 0, batch = 1, resolution = 2, dtype = 3, first_metric = 4;

  /// Every figure.
  SweepColumns();
  /// Those figures. Throws Error{usage} that begins with `option` for an unknown name, or one
  /// that comes twice.
  SweepColumns(const std::vector<std::string>& metrics, std::string_view option);

  const std::vector<SweepColumn>& list() const noexcept { return list_; }
  std::size_t size() const noexcept { return list_.size(); }
  std::size_t bounded() const noexcept { return list_.size() - 2; }
  std::size_t reason() const noexcept { return list_.size() - 1; }
  /// "model,batch,...".
  std::string names() const;

  friend bool operator==(const SweepColumns& a, const SweepColumns& b) {
    return a.names() == b.names();
  }

 private:
  void open();
  void close();
  std::vector<SweepColumn> list_;
};

/// The columns that such a line names; nothing if it is not of a sweep.
std::optional<SweepColumns> sweep_columns_of(const std::vector<std::string>& names);

/// One row: a text per column, exact; empty if there is none.
using SweepRow = std::vector<std::string>;

/// The first four columns of a result.
SweepRow combination_row(const SweepResult& result);
/// All columns of a result.
SweepRow sweep_row(const SweepColumns& columns, const SweepResult& result);

/// The order of all sweeps, whatever order was asked for: by model as people order names, then by
/// batch, resolution and dtype. Below zero where `a` comes first; 0: the same combination.
int compare_combinations(const SweepRow& a, const SweepRow& b);

/// "resnet50, batch 1, resolution 224, float32".
std::string combination_text(const SweepRow& row);

}  // namespace zoometer
