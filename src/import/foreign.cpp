#include "import/foreign.hpp"

#include "util/text.hpp"

namespace zoometer {

void IgnoredSettings::add(std::string_view op, std::string_view name, std::string_view value) {
  constexpr std::size_t most_entries = 20;
  constexpr std::size_t longest_value = 60;
  value = value.substr(0, longest_value);
  for (Entry& entry : entries_) {
    if (entry.op != op || entry.name != name || entry.value != value) continue;
    ++entry.nodes;
    return;
  }
  if (entries_.size() == most_entries) {
    ++others_;
  } else {
    entries_.push_back({std::string(op), std::string(name), std::string(value), 1});
  }
}

std::vector<std::string> IgnoredSettings::notes() const {
  std::vector<std::string> notes;
  for (const Entry& entry : entries_) {
    notes.push_back(entry.op + " " + entry.name + "=" + entry.value +
                    " was not taken into account (" + counted(entry.nodes, "node") + ")");
  }
  if (others_ > 0)
    notes.push_back("and " + std::to_string(others_) + " more were not taken into account");
  return notes;
}

}  // namespace zoometer
