#include "import/entry.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "util/text.hpp"

namespace zoometer {

std::string entry_list(std::span<const std::string> names) {
  constexpr std::size_t most = 20;
  std::string list;
  for (const std::string& name : names.first(std::min(most, names.size())))
    list.append(list.empty() ? "" : ", ").append(escape_controls(to_utf8(name)));
  return names.size() > most ? list + ", ..." : list;
}

Error entry_error(std::string_view holder, std::string_view kind, std::string_view entry,
                  std::span<const std::string> names) {
  Error error = entry.empty()
                    ? Error(ErrorCode::usage, fmt::format("{} has several {}s", holder, kind))
                    : Error(ErrorCode::unknown_name,
                            fmt::format("{} has no {} {}", holder, kind, escape_controls(entry)));
  error.hint = "choose with --entry: " + entry_list(names);
  return error;
}

}  // namespace zoometer
