#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "util/text.hpp"
#include "zoometer/analysis/metrics.hpp"

namespace zoometer {

/// Escape sequences for text in a terminal; `plain` ends the others.
namespace terminal {
inline constexpr std::string_view bold = "\x1b[1m";
inline constexpr std::string_view dim = "\x1b[2m";
inline constexpr std::string_view red = "\x1b[31m";
inline constexpr std::string_view green = "\x1b[32m";
inline constexpr std::string_view yellow = "\x1b[33m";
inline constexpr std::string_view cyan = "\x1b[36m";
inline constexpr std::string_view plain = "\x1b[0m";
}  // namespace terminal

/// How far a figure can be relied on.
enum class Certainty : std::uint8_t {
  exact,
  bound,    ///< it depends on a size that is an upper bound
  assumed,  ///< it depends on a size that is not known
};
inline Certainty certainty_of(const Metrics& metrics) {
  if (metrics.assumed) return Certainty::assumed;
  return metrics.bounded ? Certainty::bound : Certainty::exact;
}
inline Certainty certainty_of_macs(const Metrics& metrics) {
  if (metrics.macs_assumed) return Certainty::assumed;
  return metrics.macs_bounded ? Certainty::bound : Certainty::exact;
}

/// Adds "≤" before a figure that is a bound, and "~" before one that is a guess.
inline std::string marked(std::string figure, Certainty certainty) {
  if (certainty == Certainty::exact) return figure;
  return (certainty == Certainty::bound ? "≤ " : "~ ") + figure;
}

/// The base of line-by-line writers: the text so far, in colour if wanted.
class TextLines {
 protected:
  explicit TextLines(bool colour = false) : colour_(colour) {}

  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }
  /// The same without trailing spaces.
  template <class... Args>
  void trimmed_line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    drop_spaces_at_end(text_);
    text_ += '\n';
  }
  /// The text in that style; unchanged without a style or without colour.
  std::string styled(std::string_view style, std::string_view text) const {
    if (!colour_ || style.empty()) return std::string(text);
    return std::string(style).append(text).append(terminal::plain);
  }

  std::string text_;

 private:
  bool colour_;
};

}  // namespace zoometer
