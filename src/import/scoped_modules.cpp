#include "import/scoped_modules.hpp"

#include <algorithm>

#include "util/text.hpp"

namespace zoometer {

void ScopedModules::add_root(std::string_view name) {
  graph_.add_module(no_id, {}, name.empty() ? "main" : name);
  graph_.mark_without_class(0);
  root_call_ = graph_.begin_call(0);
}

void ScopedModules::finish(std::span<const ValueId> outputs) {
  close(0);
  graph_.end_call(root_call_, outputs);
}

void ScopedModules::open(const ModuleScope& scope) {
  const ModuleId parent = current();
  const auto found = children_.find({parent, scope.name});
  ModuleId module = found == children_.end() ? no_id : found->second;
  if (module == no_id) {
    const std::string_view kept = graph_.arena().copy(to_utf8(scope.name));
    const bool has_class = !scope.kind.empty();
    module = graph_.add_module(parent, kept,
                               has_class ? graph_.arena().copy(to_utf8(scope.kind)) : kept);
    if (!has_class) graph_.mark_without_class(module);
    children_.emplace(std::pair{parent, kept}, module);
  }
  open_.push_back({scope.text, module, graph_.begin_call(module)});
  graph_.set_current_module(module);
}

void ScopedModules::close(std::size_t depth) {
  while (open_.size() > depth) {
    const ValueId outputs[] = {last_};
    graph_.end_call(open_.back().call, std::span(outputs, last_ == no_id ? 0 : 1));
    open_.pop_back();
  }
  graph_.set_current_module(current());
}

void ScopedModules::descend(std::string_view name, std::string_view kind) {
  open({{}, name, kind});
  floors_.push_back(open_.size());
}

void ScopedModules::leave() {
  const std::size_t depth = floors_.back() - 1;
  floors_.pop_back();
  close(depth);
}

void ScopedModules::enter(std::span<const ModuleScope> path) {
  constexpr std::size_t deepest = 60;
  const std::size_t floor = floors_.empty() ? 0 : floors_.back();
  std::size_t depth = floor;
  for (const ModuleScope& scope : path.first(std::min(path.size(), deepest))) {
    if (depth < open_.size() && open_[depth].scope == scope.text) {
      ++depth;
      continue;
    }
    close(depth);
    open(scope);
    ++depth;
  }
  close(depth);
}

}  // namespace zoometer
