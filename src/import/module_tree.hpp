#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "util/seeded_hash.hpp"
#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// The modules that a program names, by path. They are collected before the graph gets them, since
/// the class of a module may come later than its path. The index of a module is its id in the
/// graph.
class ModuleTree {
 public:
  /// Texts are stored in that arena.
  explicit ModuleTree(Arena& arena);

  /// Declares a module and its ancestors. The first known class stays; it may be given with its
  /// packages ("torch.nn.modules.conv.Conv2d") or without, and is empty if unknown.
  ModuleId declare(std::string_view path, std::string_view type);

  /// The module of a declared path, or no_id.
  ModuleId find(std::string_view path) const noexcept;

  /// Adds all modules to a graph that has none.
  void add_to(Graph& graph) const;

 private:
  Arena& arena_;
  std::vector<ModuleInfo> modules_;
  std::vector<std::uint32_t> depths_;
  NameMap<ModuleId> by_path_;
};

/// The module calls around a node, from the outermost: the contents of `nn_module_stack`.
class ModuleScopes {
 public:
  /// One call. Two nodes are in the same call if their texts are equal, and all outer ones.
  struct Level {
    ModuleId module = 0;
    std::string_view text;
  };

  /// Reads "key,path,class;key,path,class". `stack` must outlive the scopes.
  std::uint32_t intern(std::string_view stack, ModuleTree& tree);
  std::span<const Level> levels(std::uint32_t scope) const noexcept;

 private:
  struct Run {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
  };
  void read(std::string_view stack, ModuleTree& tree);

  std::vector<Level> levels_;
  std::vector<Run> scopes_;
  NameMap<std::uint32_t> by_stack_;
  std::string path_;
};

}  // namespace zoometer
