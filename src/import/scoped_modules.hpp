#pragma once

#include <map>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// One part of the path that a format gives its operations. Texts live as long as the file.
struct ModuleScope {
  std::string_view text;  ///< parts with equal texts are the same call
  std::string_view name;  ///< of the module
  std::string_view kind;  ///< its class; empty: not known
};

/// Modules of a format that has no calls of modules but paths in the names of its operations: a
/// module is open from the first operation with its path to the last of a run.
class ScopedModules {
 public:
  explicit ScopedModules(Graph& graph) : graph_(graph) {}

  void add_root(std::string_view name);
  /// Goes to the module of a path, below the one that `descend` opened.
  void enter(std::span<const ModuleScope> path);
  /// Goes to a module below the one that is open, and stays there at least until `leave`.
  void descend(std::string_view name, std::string_view kind);
  void leave();
  /// A node made that value.
  void made(ValueId value) noexcept { last_ = value; }
  /// Values from that one on are no more.
  void forget(ValueId first) noexcept { last_ = last_ != no_id && last_ >= first ? no_id : last_; }
  /// Ends all calls; `outputs` are what the model returns.
  void finish(std::span<const ValueId> outputs);
  ModuleId current() const noexcept { return open_.empty() ? 0 : open_.back().module; }
  /// How many modules are open below the root.
  std::size_t depth() const noexcept { return open_.size(); }

 private:
  struct Level {
    std::string_view scope;
    ModuleId module;
    std::uint32_t call;
  };
  void close(std::size_t depth);
  void open(const ModuleScope& scope);

  Graph& graph_;
  std::vector<Level> open_;
  std::vector<std::size_t> floors_;
  std::map<std::pair<ModuleId, std::string_view>, ModuleId> children_;
  ValueId last_ = no_id;
  std::uint32_t root_call_ = 0;
};

}  // namespace zoometer
