#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace zoometer {

/// Columns aligned with spaces. On a narrow terminal whole columns go, least important first.
class TextTable {
 public:
  /// `drop` 0 stays always; of the others the highest goes first.
  void column(std::string_view title, bool right = false, int drop = 0);
  /// One cell per column.
  void row(std::vector<std::string> cells);
  /// The table with its titles; `width` 0 is no limit. `bold` titles on a terminal.
  std::string text(int width, bool bold) const;

  /// The same for machines: RFC 4180, every column.
  std::string csv() const;

 private:
  struct Column {
    std::string title;
    bool right;
    int drop;
  };
  std::vector<std::size_t> shown(const std::vector<std::size_t>& widths, int width) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace zoometer
