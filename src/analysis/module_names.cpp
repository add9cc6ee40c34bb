#include "analysis/module_names.hpp"

#include <algorithm>

#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::size_t most_alternatives = 64;
constexpr std::size_t most_steps = std::size_t{1} << 29;

std::vector<std::string_view> alternatives_of(std::string_view group) {
  if (group.starts_with("?:")) group.remove_prefix(2);
  std::vector<std::string_view> all;
  while (true) {
    const std::size_t bar = group.find('|');
    all.push_back(group.substr(0, bar));
    if (bar == std::string_view::npos) return all;
    group.remove_prefix(bar + 1);
  }
}

}  // namespace

void ModuleNames::spend(std::size_t steps) {
  spent_ += steps;
  if (spent_ <= most_steps) return;
  throw Error(ErrorCode::limit, "the quantisation's names of modules take too long to compare");
}

void ModuleNames::add(std::string_view name) {
  if (name.starts_with("re:")) {
    add_expression(name.substr(3));
  } else if (name.find('*') != std::string_view::npos) {
    patterns_.emplace_back(name);
  } else {
    paths_.emplace(name);
  }
}

/// Writes the alternatives of groups out: "a(b|c)d" as "abd" and "acd".
void ModuleNames::add_expression(std::string_view text) {
  constexpr std::size_t steps_of_byte = 8;
  std::vector<std::string> written(1);
  const auto append = [&](std::string_view part) {
    spend(steps_of_byte * written.size() * part.size());
    for (std::string& one : written) one.append(part);
  };
  for (std::string_view rest = text;;) {
    const std::size_t open = rest.find('(');
    const std::size_t close = open == std::string_view::npos ? open : rest.find(')', open);
    if (close == std::string_view::npos) {
      append(rest);
      break;
    }
    append(rest.substr(0, open));
    const auto alternatives = alternatives_of(rest.substr(open + 1, close - open - 1));
    rest.remove_prefix(close + 1);
    if (alternatives.size() == 1) {
      append(alternatives.front());
      continue;
    }
    if (written.size() * alternatives.size() > most_alternatives) {
      throw Error(ErrorCode::limit,
                  "the quantisation's expression " + escape_controls(text.substr(0, 80)),
                  {"at most 64 alternatives", "more"});
    }
    std::vector<std::string> longer;
    for (const std::string& one : written) {
      spend(steps_of_byte * one.size() * alternatives.size());
      for (const std::string_view alternative : alternatives)
        longer.push_back(one + std::string(alternative));
    }
    written = std::move(longer);
  }
  for (std::string& one : written) expressions_.push_back(std::move(one));
}

bool ModuleNames::has(const std::string& module) {
  const auto [entry, is_new] = known_.emplace(module, false);
  if (is_new) entry->second = is_listed(module);
  return entry->second;
}

bool ModuleNames::is_listed(std::string_view module) {
  if (has_path(module)) return true;
  for (const std::string& pattern : patterns_) {
    if (matches_pattern(module, pattern) || matches_pattern(module, pattern + ".*")) return true;
  }
  return std::ranges::any_of(expressions_, [&](const std::string& expression) {
    return matches_expression(module, expression);
  });
}

/// Whether some parts of the path, one after the other, are listed.
bool ModuleNames::has_path(std::string_view module) const {
  if (paths_.empty()) return false;
  for (std::size_t start = 0;;) {
    for (std::size_t end = start;;) {
      end = module.find('.', end);
      if (paths_.contains(module.substr(start, end - start))) return true;
      if (end == std::string_view::npos) break;
      ++end;
    }
    start = module.find('.', start);
    if (start == std::string_view::npos) return false;
    ++start;
  }
}

/// Whether a text is the pattern, in which `*` is any text.
bool ModuleNames::matches_pattern(std::string_view text, std::string_view pattern) {
  std::size_t at = 0;
  std::size_t in_pattern = 0;
  std::size_t star = std::string_view::npos;  // the last one, and what it stands for so far
  std::size_t star_end = 0;
  std::size_t steps = 1;
  for (; at < text.size(); ++steps) {
    if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
      star = in_pattern++;
      star_end = at;
    } else if (in_pattern < pattern.size() && pattern[in_pattern] == text[at]) {
      ++in_pattern;
      ++at;
    } else if (star != std::string_view::npos) {
      in_pattern = star + 1;
      at = ++star_end;
    } else {
      break;
    }
  }
  spend(steps + pattern.size());
  return at == text.size() && pattern.find_first_not_of('*', in_pattern) == std::string_view::npos;
}

/// The places in the text that the expression may have come to, one atom after the other.
bool ModuleNames::matches_expression(std::string_view text, std::string_view expression) {
  std::vector<char> at(text.size() + 1);
  std::vector<char> after(text.size() + 1);
  at[0] = 1;
  if (expression.starts_with('^')) expression.remove_prefix(1);
  while (!expression.empty()) {
    if (expression == "$") return at[text.size()] != 0;
    const bool is_escaped = expression.front() == '\\' && expression.size() > 1;
    const char atom = expression[is_escaped ? 1 : 0];
    const bool is_any = atom == '.' && !is_escaped;
    expression.remove_prefix(is_escaped ? 2 : 1);
    const char repeat = expression.empty() ? '\0' : expression.front();
    const bool repeats = repeat == '*' || repeat == '+';
    if (repeats) expression.remove_prefix(1);
    if (repeats && expression.starts_with('?')) expression.remove_prefix(1);
    spend(at.size());
    bool is_alive = false;
    for (std::size_t i = 0; i <= text.size(); ++i) {
      const bool was = i > 0 && (at[i - 1] != 0 || (repeats && after[i - 1] != 0));
      const bool is_here =
          (repeat == '*' && at[i] != 0) || (was && (is_any || text[i - 1] == atom));
      after[i] = is_here ? 1 : 0;
      is_alive = is_alive || is_here;
    }
    if (!is_alive) return false;
    at.swap(after);
  }
  return true;
}

}  // namespace zoometer
