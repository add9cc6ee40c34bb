#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "zoometer/ir/graph.hpp"

// What importers share that translate the operators of another framework.

namespace zoometer {

/// What the nodes that replace a foreign operator have in common with it, as far as arguments
/// without effect on cost are left out or have their defaults.
enum class Meaning : std::uint8_t {
  same_values,  ///< they compute the operator's values, up to rounding
  same_cost,    ///< they stand in for it: as many operations and bytes, other values
};

/// An argument that no cost depends on, so that a translation need not read it.
struct NoEffect {
  std::string_view what;  ///< "momentum", or "training=False": that value alone
  std::string_view why;
  bool changes_values = false;  ///< the nodes cost the same and then compute something else
};

/// How many settings are noted one by one.
inline constexpr std::size_t most_ignored_notes = 20;

/// "Resize antialias=1 was not taken into account (2 nodes)".
std::string ignored_note(std::string_view setting, std::size_t nodes);

/// "and 3 more were not taken into account", after the settings that are noted one by one.
std::string more_ignored_note(std::string_view count);

/// What a file asks for and no translation reads.
class IgnoredSettings {
 public:
  /// A node of `op` gives `name` that value.
  void add(std::string_view op, std::string_view name, std::string_view value);
  /// A note for each operator, name and value, with the number of nodes: at most 20, and one that
  /// counts the rest.
  std::vector<std::string> notes() const;

 private:
  struct Entry {
    std::string op, name, value;
    std::size_t nodes = 0;
  };

  std::vector<Entry> entries_;
  std::vector<std::size_t> others_;  ///< hashes of the settings that have no entry, each once
};

/// How often each name occurs.
using NameCounts = std::map<std::string, std::size_t, std::less<>>;

/// "3 Conv, 1 Softmax", cut after 2,000 bytes; "none" without names.
std::string names_with_counts(const NameCounts& counts);

/// Sizes that were inferred beside those that a file states.
class StatedSizes {
 public:
  void compare(bool is_same) noexcept {
    ++compared_;
    if (!is_same) ++differing_;
  }
  /// How many agree; nothing where none was compared.
  std::optional<std::string> note() const;

 private:
  std::size_t compared_ = 0;
  std::size_t differing_ = 0;
};

/// Operators that do not fit their operands, and so count as unknown.
class Misfits {
 public:
  /// `place` says which operator of its kind it is: "at byte 304".
  void add(std::string_view kind, std::string_view place, std::string_view why);
  /// A note for each kind, with the place of the first one and the number of the others.
  std::vector<std::string> notes() const;

 private:
  struct Kind {
    std::string first;
    std::set<std::string, std::less<>> places;
  };

  std::map<std::string, Kind> kinds_;
};

/// Lets the first of a reshape's fixed sizes grow with an operand of so many elements, which are a
/// multiple of them: another batch than the file's. Whether it did. Throws Error{overflow}.
bool grow_with_operand(std::int64_t elements, std::vector<std::int64_t>& target);

/// "2 batch norms and 1 dropout run in training mode: ...", or nothing. Batch norms without running
/// statistics are not meant: they always take those of their input.
std::optional<std::string> training_note(const Graph& graph);

}  // namespace zoometer
