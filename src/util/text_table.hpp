#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zoometer {

/// Names come from files. A longer one would make every row as long: tables cut it, and lists do
/// not align what follows it.
inline constexpr std::size_t longest_cell = 1000;

/// The text, or its first part and "...".
std::string cut_cell(std::string text);

/// A table with columns aligned by spaces. On a narrow terminal, the least important columns are
/// left out; those that still have no room follow below, beside the first column again.
class TextTable {
 public:
  /// Columns with `drop` 0 always stay; of the others, the highest is left out first.
  void column(std::string_view title, bool right = false, int drop = 0);
  /// Adds a row with one cell per column.
  void row(std::vector<std::string> cells);
  /// The table with titles, in bold if `bold`. `width` 0: no limit.
  std::string text(int width, bool bold) const;

  /// All columns as CSV (RFC 4180).
  std::string csv() const;
  /// All columns as a table of GitHub's Markdown, of LaTeX with booktabs, or of HTML; cells are
  /// escaped.
  std::string markdown() const;
  std::string latex() const;
  std::string html() const;
  /// The table in one of these formats: "csv", "markdown", "latex" or "html-table"; nothing for
  /// others.
  std::optional<std::string> written_as(std::string_view format) const;

 private:
  struct Column {
    std::string title;
    bool right;
    int drop;
  };
  std::vector<std::size_t> shown(const std::vector<std::size_t>& widths, int width) const;
  void append_part(std::string& text, const std::vector<std::size_t>& widths,
                   const std::vector<std::size_t>& columns, bool bold) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace zoometer
