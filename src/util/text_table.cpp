#include "util/text_table.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>

#include "util/text.hpp"

namespace zoometer {
namespace {

constexpr std::string_view gap = "  ";

std::string_view without_indent(std::string_view cell) {
  cell.remove_prefix(std::min(cell.size(), cell.find_first_not_of(' ')));
  return cell;
}

std::string markdown_cell(std::string_view cell) {
  std::string text;
  for (const char c : without_indent(cell)) {
    if (c == '<') {
      text += "&lt;";
      continue;
    }
    if (std::string_view("\\|*_`[]~").find(c) != std::string_view::npos) text += '\\';
    text += c;
  }
  return text;
}

std::string html_cell(std::string_view cell) {
  std::string text;
  for (const char c : without_indent(cell)) {
    switch (c) {
    case '&': text += "&amp;"; break;
    case '<': text += "&lt;"; break;
    case '>': text += "&gt;"; break;
    case '"': text += "&quot;"; break;
    default: text += c;
    }
  }
  return text;
}

/// What pdflatex sets for a character that it would read otherwise, or that its usual fonts do not
/// have; empty for other characters.
std::string latex_character(std::uint32_t code) {
  switch (code) {
  case '\\': return "\\textbackslash{}";
  case '~': return "\\textasciitilde{}";
  case '^': return "\\textasciicircum{}";
  case '<': return "\\textless{}";
  case '>': return "\\textgreater{}";
  case '|': return "\\textbar{}";
  case '"': return "\\textquotedbl{}";
  case '[': return "{[}";
  case ']': return "{]}";
  case 0x2264: return "$\\leq$";
  case 0xb5: return "$\\mu$";
  case 0xd7: return "$\\times$";
  case 0xb1: return "$\\pm$";
  case 0x2212: return "$-$";
  default: break;
  }
  if (code < 0x80) {
    const char c = static_cast<char>(code);
    const bool is_special = std::string_view("{}$&#%_").find(c) != std::string_view::npos;
    return is_special ? std::string("\\") + c : std::string();
  }
  const bool is_western = code >= 0xc0 && code <= 0xff && code != 0xd0 && code != 0xde &&
                          code != 0xf0 && code != 0xfe && code != 0xf7;
  return is_western ? std::string() : fmt::format("U+{:04X}", code);
}

/// The code point that begins there, and its length in bytes. The text is UTF-8.
std::pair<std::uint32_t, std::size_t> code_at(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  std::uint32_t code = length == 1 ? first : first & (0x7fU >> length);
  for (std::size_t i = 1; i < length && i < text.size(); ++i)
    code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3fU);
  return {code, std::min(length, text.size())};
}

std::string latex_cell(std::string_view cell) {
  const std::string valid = to_utf8(without_indent(cell));
  std::string text;
  for (std::string_view rest = valid; !rest.empty();) {
    const auto [code, length] = code_at(rest);
    const std::string special = latex_character(code);
    text += special.empty() ? std::string(rest.substr(0, length)) : special;
    rest.remove_prefix(length);
  }
  return text;
}

/// The cells of a table that are longer, cut.
class Cells {
 public:
  std::string_view operator()(const std::string& cell) {
    return cell.size() <= longest_cell ? std::string_view(cell) : cut_.emplace_back(cut_cell(cell));
  }

 private:
  std::deque<std::string> cut_;
};

std::size_t total_width(const std::vector<std::size_t>& widths,
                        const std::vector<std::size_t>& shown) {
  std::size_t total = 0;
  for (const std::size_t column : shown) total += widths[column] + gap.size();
  return total == 0 ? 0 : total - gap.size();
}

/// The columns in as many tables as the width needs, each with the first column; in one where that
/// leaves no room for another.
std::vector<std::vector<std::size_t>> parts_of(const std::vector<std::size_t>& columns,
                                               const std::vector<std::size_t>& widths, int width) {
  const auto limit = static_cast<std::size_t>(std::max(width, 0));
  if (limit == 0 || columns.size() < 3 || total_width(widths, columns) <= limit) return {columns};
  if (widths[columns.front()] + gap.size() >= limit) return {columns};
  std::vector<std::vector<std::size_t>> parts;
  std::size_t used = 0;
  for (std::size_t i = 1; i < columns.size(); ++i) {
    const std::size_t wanted = gap.size() + widths[columns[i]];
    if (parts.empty() || used + wanted > limit) {
      parts.push_back({columns.front()});
      used = widths[columns.front()];
    }
    parts.back().push_back(columns[i]);
    used += wanted;
  }
  return parts;
}

}  // namespace

std::string cut_cell(std::string text) {
  if (text.size() <= longest_cell) return text;
  std::size_t end = longest_cell;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  text.resize(end);
  return text + "...";
}

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
    for (const auto& cells : rows_) {
      const std::string& cell = cells[i];
      widest = std::max(widest, display_width(cell.size() > longest_cell ? cut_cell(cell) : cell));
    }
    widths.push_back(widest);
  }
  std::string text;
  for (const std::vector<std::size_t>& part : parts_of(shown(widths, width), widths, width)) {
    if (!text.empty()) text += '\n';
    append_part(text, widths, part, bold);
  }
  return text;
}

void TextTable::append_part(std::string& text, const std::vector<std::size_t>& widths,
                            const std::vector<std::size_t>& columns, bool bold) const {
  Cells shown_cell;
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
    line([&](std::size_t i) -> std::string_view { return shown_cell(cells[i]); });
    text += '\n';
  }
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

std::string TextTable::markdown() const {
  std::string text = "|";
  for (const Column& column : columns_) text += " " + markdown_cell(column.title) + " |";
  text += "\n|";
  for (const Column& column : columns_) text += column.right ? "---:|" : ":---|";
  text += "\n";
  for (const auto& cells : rows_) {
    text += "|";
    for (const std::string& cell : cells) text += " " + markdown_cell(cell) + " |";
    text += "\n";
  }
  return text;
}

std::string TextTable::latex() const {
  std::string text = "% needs \\usepackage{booktabs}\n\\begin{tabular}{";
  for (const Column& column : columns_) text += column.right ? 'r' : 'l';
  text += "}\n\\toprule\n";
  const auto line = [&](const auto& cell_of) {
    for (std::size_t i = 0; i < columns_.size(); ++i)
      text += (i > 0 ? " & " : "") + latex_cell(cell_of(i));
    text += " \\\\\n";
  };
  line([&](std::size_t i) -> std::string_view { return columns_[i].title; });
  text += "\\midrule\n";
  for (const auto& cells : rows_) line([&](std::size_t i) -> std::string_view { return cells[i]; });
  return text + "\\bottomrule\n\\end{tabular}\n";
}

std::string TextTable::html() const {
  std::string text = "<table>\n<thead>\n<tr>";
  const auto line = [&](std::string_view tag, const auto& cell_of) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      text +=
          fmt::format("<{}{}>{}</{}>", tag, columns_[i].right ? " style=\"text-align:right\"" : "",
                      html_cell(cell_of(i)), tag);
    }
  };
  line("th", [&](std::size_t i) -> std::string_view { return columns_[i].title; });
  text += "</tr>\n</thead>\n<tbody>\n";
  for (const auto& cells : rows_) {
    text += "<tr>";
    line("td", [&](std::size_t i) -> std::string_view { return cells[i]; });
    text += "</tr>\n";
  }
  return text + "</tbody>\n</table>\n";
}

std::optional<std::string> TextTable::written_as(std::string_view format) const {
  if (format == "csv") return csv();
  if (format == "markdown") return markdown();
  if (format == "latex") return latex();
  if (format == "html-table") return html();
  return std::nullopt;
}

}  // namespace zoometer
