#include "import/foreign.hpp"

#include <algorithm>
#include <functional>

#include "util/text.hpp"

namespace zoometer {

void IgnoredSettings::add(std::string_view op, std::string_view name, std::string_view value) {
  constexpr std::size_t most_entries = 20;
  constexpr std::size_t most_others = 1000;
  constexpr std::size_t longest_text = 60;  // checkpoints copy the entries
  name = name.substr(0, longest_text);
  value = value.substr(0, longest_text);
  for (Entry& entry : entries_) {
    if (entry.op != op || entry.name != name || entry.value != value) continue;
    ++entry.nodes;
    return;
  }
  if (entries_.size() < most_entries) {
    entries_.push_back({std::string(op), std::string(name), std::string(value), 1});
    return;
  }
  std::string text(op);
  text.append(" ").append(name).append("=").append(value);
  const std::size_t hash = std::hash<std::string>{}(text);
  if (others_.size() < most_others && std::ranges::find(others_, hash) == others_.end())
    others_.push_back(hash);
}

std::vector<std::string> IgnoredSettings::notes() const {
  std::vector<std::string> notes;
  for (const Entry& entry : entries_) {
    notes.push_back(entry.op + " " + entry.name + "=" + entry.value +
                    " was not taken into account (" + counted(entry.nodes, "node") + ")");
  }
  if (!others_.empty())
    notes.push_back("and " + std::to_string(others_.size()) + " more were not taken into account");
  return notes;
}

}  // namespace zoometer
