#include "util/text_table.hpp"

#include <algorithm>
#include <utility>

#include "util/text.hpp"

namespace zoometer {
namespace {

constexpr std::string_view gap = "  ";

std::size_t total_width(const std::vector<std::size_t>& widths,
                        const std::vector<std::size_t>& shown) {
  std::size_t total = 0;
  for (const std::size_t column : shown) total += widths[column] + gap.size();
  return total == 0 ? 0 : total - gap.size();
}

}  // namespace

void TextTable::column(std::string_view title, bool right, int drop) {
  columns_.push_back({std::string(title), right, drop});
}

void TextTable::row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

std::vector<std::size_t> TextTable::shown(const std::vector<std::size_t>& widths, int width) const {
  std::vector<std::size_t> columns(columns_.size());
  for (std::size_t i = 0; i < columns.size(); ++i) columns[i] = i;
  while (width > 0 && total_width(widths, columns) > static_cast<std::size_t>(width)) {
    const auto first_to_go =
        std::max_element(columns.begin(), columns.end(), [&](std::size_t a, std::size_t b) {
          return columns_[a].drop < columns_[b].drop;
        });
    if (columns_[*first_to_go].drop == 0) break;
    columns.erase(first_to_go);
  }
  return columns;
}

std::string TextTable::text(int width, bool bold) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t widest = display_width(columns_[i].title);
    for (const auto& cells : rows_) widest = std::max(widest, display_width(cells[i]));
    widths.push_back(widest);
  }
  const std::vector<std::size_t> columns = shown(widths, width);

  std::string text;
  const auto line = [&](const auto& cell_of) {
    std::size_t pending = 0;  // spaces that are written only if text follows
    for (const std::size_t i : columns) {
      const std::string_view cell = cell_of(i);
      const std::size_t space = widths[i] - display_width(cell);
      if (i != columns.front()) pending += gap.size();
      if (columns_[i].right) pending += space;
      if (!cell.empty()) text.append(std::exchange(pending, 0), ' ').append(cell);
      if (!columns_[i].right) pending += space;
    }
  };
  if (bold) text += "\x1b[1m";
  line([&](std::size_t i) -> std::string_view { return columns_[i].title; });
  if (bold) text += "\x1b[0m";
  text += '\n';
  for (const auto& cells : rows_) {
    line([&](std::size_t i) -> std::string_view { return cells[i]; });
    text += '\n';
  }
  return text;
}

std::string TextTable::csv() const {
  std::string text;
  const auto line = [&](const auto& cell_of) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (i > 0) text += ',';
      text += csv_field(cell_of(i));
    }
    text += '\n';
  };
  line([&](std::size_t i) -> std::string_view { return columns_[i].title; });
  for (const auto& cells : rows_) line([&](std::size_t i) -> std::string_view { return cells[i]; });
  return text;
}

}  // namespace zoometer
