#include "import/module_tree.hpp"

#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::uint32_t deepest = 100;

/// "torch.nn.modules.conv.Conv2d" -> "Conv2d"; older releases wrote "<class 'a.B'>".
std::string_view class_name(std::string_view type) noexcept {
  constexpr std::string_view prefix = "<class '";
  if (type.starts_with(prefix) && type.ends_with("'>"))
    type = type.substr(prefix.size(), type.size() - prefix.size() - 2);
  return type.substr(type.rfind('.') + 1);
}

/// A path as `named_modules()` has it. A repeated call adds "@1"; torch 2.1 wrote the expression:
/// "L['self'].layer1", "getattr(L['self'].layer1, '0')", "L['self'].heads['a']".
void normalise(std::string_view path, std::string& result) {
  result.clear();
  constexpr std::string_view root = "L['self']";
  std::size_t wrappers = 0;
  while (path.starts_with("getattr(")) {
    path.remove_prefix(8);
    ++wrappers;
  }
  if (path.starts_with(root)) path.remove_prefix(root.size());
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (c == '@') {
      while (i + 1 < path.size() && path[i + 1] >= '0' && path[i + 1] <= '9') ++i;
    } else if (c == '[' || (c == ',' && wrappers > 0)) {
      result += '.';
    } else if (c != ']' && c != '\'' && c != '"' && (wrappers == 0 || (c != ')' && c != ' '))) {
      result += c;
    }
  }
  if (result.starts_with('.')) result.erase(0, 1);
}

bool is_plain(std::string_view path) noexcept {
  return path.find_first_of("@'\"[(") == std::string_view::npos;
}

}  // namespace

ModuleTree::ModuleTree(Arena& arena) : arena_(arena) {
  modules_.push_back({{}, {}, no_id});
  depths_.push_back(0);
  by_path_.emplace(std::string_view(), ModuleId{0});
}

ModuleId ModuleTree::find(std::string_view path) const noexcept {
  const auto found = by_path_.find(path);
  return found == by_path_.end() ? no_id : found->second;
}

ModuleId ModuleTree::declare(std::string_view path, std::string_view type) {
  const std::string_view kind = class_name(type);
  ModuleId id = find(path);
  if (id == no_id) {
    const std::string_view kept = arena_.copy(path);
    // Add missing ancestors, from the outermost.
    std::size_t end = 0;
    ModuleId parent = 0;
    do {
      end = kept.find('.', end);
      const std::string_view prefix = kept.substr(0, end);
      id = find(prefix);
      if (id == no_id) {
        if (depths_[parent] == deepest)
          throw Error(ErrorCode::limit, "the modules are nested too deeply",
                      {"at most " + std::to_string(deepest) + " levels", std::string(path)});
        id = static_cast<ModuleId>(modules_.size());
        modules_.push_back({prefix.substr(prefix.rfind('.') + 1), {}, parent});
        depths_.push_back(depths_[parent] + 1);
        by_path_.emplace(prefix, id);
      }
      parent = id;
    } while (end++ != std::string_view::npos);
  }
  if (modules_[id].kind.empty() && !kind.empty()) modules_[id].kind = arena_.copy(kind);
  return id;
}

void ModuleTree::add_to(Graph& graph) const {
  for (const ModuleInfo& module : modules_) {
    graph.add_module(module.parent, module.name, module.kind.empty() ? "Module" : module.kind);
  }
}

std::uint32_t ModuleScopes::intern(std::string_view stack, ModuleTree& tree) {
  const auto [entry, is_new] = by_stack_.emplace(stack, static_cast<std::uint32_t>(scopes_.size()));
  if (is_new) read(stack, tree);
  return entry->second;
}

void ModuleScopes::read(std::string_view stack, ModuleTree& tree) {
  Run run{static_cast<std::uint32_t>(levels_.size()), 0};
  while (!stack.empty()) {
    const std::size_t end = stack.find(';');
    const std::string_view text = stack.substr(0, end);
    stack.remove_prefix(end == std::string_view::npos ? stack.size() : end + 1);
    const std::size_t first = text.find(',');
    const std::size_t last = text.rfind(',');
    if (first == last) continue;
    std::string_view path = text.substr(first + 1, last - first - 1);
    if (!is_plain(path)) {
      normalise(path, path_);
      path = path_;
    }
    if (run.count == deepest)
      throw Error(ErrorCode::limit, "the module calls are nested too deeply",
                  {"at most " + std::to_string(deepest) + " levels", "more"});
    levels_.push_back({tree.declare(path, text.substr(last + 1)), text});
    ++run.count;
  }
  scopes_.push_back(run);
}

std::span<const ModuleScopes::Level> ModuleScopes::levels(std::uint32_t scope) const noexcept {
  const Run& run = scopes_[scope];
  return std::span(levels_).subspan(run.first, run.count);
}

}  // namespace zoometer
