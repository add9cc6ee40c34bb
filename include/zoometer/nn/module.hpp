#pragma once

#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "zoometer/ir/tensor.hpp"

namespace zoometer {

/// A named place in the model for a module that does not exist yet. A module is built from it.
struct Slot {
  Graph* graph = nullptr;   ///< where the module will be
  ModuleId parent = no_id;  ///< `no_id` for the outermost module
  std::string_view name;    ///< within the parent: "conv1"
};

/// The place of the outermost module.
inline Slot root_slot(Graph& graph) { return {&graph, no_id, {}}; }

/// Visits every tensor that a module returned, in order: a Tensor, a pair, a tuple, any range of
/// these, or a struct with a member `tensors()` that returns one of them.
template <class Visitor>
void for_each_tensor(const Tensor& tensor, const Visitor& visit) {
  visit(tensor);
}
/// The same for a value that contains tensors.
template <class T, class Visitor>
void for_each_tensor(const T& value, const Visitor& visit) {
  if constexpr (requires { value.tensors(); }) {
    for_each_tensor(value.tensors(), visit);
  } else if constexpr (
      requires { std::tuple_size<T>::value; } && !requires { value.begin(); }) {
    std::apply([&](const auto&... item) { (for_each_tensor(item, visit), ...); }, value);
  } else {
    for (const auto& item : value) for_each_tensor(item, visit);
  }
}

/// What every module has: its graph and its id there.
class ModuleBase {
 public:
  /// The graph that the module is part of.
  Graph& graph() const noexcept { return *graph_; }
  /// Its index in Graph::modules().
  ModuleId module_id() const noexcept { return id_; }
  /// False for a module that was left out, made by its default constructor.
  bool is_open() const noexcept { return graph_ != nullptr; }

  /// The place of a child. A literal is kept as it is; other text is copied into the graph.
  template <std::size_t N>
  Slot at(const char (&name)[N]) const noexcept {
    return {graph_, id_, {name, N - 1}};
  }
  /// The place of a child of that name.
  Slot at(const std::string& name) const { return {graph_, id_, graph_->arena().copy(name)}; }
  /// The place of a child named by its position: "0", "1", ...
  Slot at(std::size_t index) const {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, index).ptr;
    return {graph_, id_, graph_->arena().copy({digits, static_cast<std::size_t>(end - digits)})};
  }

  /// Declares a learnt tensor of the module, in float32.
  Tensor parameter(std::string_view name, const Shape& shape) const {
    return add(name, shape, DType::float32, ParameterKind::parameter);
  }
  /// Declares a tensor that is stored in the state dict, but not learnt.
  Tensor buffer(std::string_view name, const Shape& shape, DType dtype = DType::float32) const {
    return add(name, shape, dtype, ParameterKind::buffer);
  }
  /// Declares a buffer that the state dict leaves out (`persistent=False`).
  Tensor transient_buffer(std::string_view name, const Shape& shape,
                          DType dtype = DType::float32) const {
    return add(name, shape, dtype, ParameterKind::transient_buffer);
  }

 protected:
  /// A module that is left out.
  ModuleBase() = default;
  /// Opens the place: adds a module of that kind to the graph.
  ModuleBase(const Slot& slot, std::string_view kind)
      : graph_(slot.graph),
        id_(slot.graph->add_module(slot.parent, slot.name, kind)) {}

 private:
  Tensor add(std::string_view name, const Shape& shape, DType dtype, ParameterKind kind) const {
    return {graph_, graph_->add_parameter(id_, name, shape, dtype, kind)};
  }

  Graph* graph_ = nullptr;
  ModuleId id_ = no_id;
};

/// The call of a module: nodes that are appended during its lifetime belong to the module.
class CallScope {
 public:
  /// Begins the call.
  CallScope(Graph& graph, ModuleId module)
      : graph_(graph),
        outer_(graph.current_module()),
        call_(graph.begin_call(module)) {
    graph.set_current_module(module);
  }
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;
  /// Returns to the calling module.
  ~CallScope() { graph_.set_current_module(outer_); }

  /// Ends the call with what `forward` returned; without it the call stays open, as in an error.
  template <class Result>
  void finish(const Result& result) {
    if constexpr (std::is_same_v<Result, Tensor>) {
      graph_.end_call(call_, {&result.id, 1});
    } else {
      std::vector<ValueId> ids;
      for_each_tensor(result, [&](const Tensor& tensor) { ids.push_back(tensor.id); });
      graph_.end_call(call_, ids);
    }
  }

 private:
  Graph& graph_;
  ModuleId outer_;
  std::uint32_t call_;
};

/// The base of every module: `struct Block : Module<Block>` with `static constexpr auto kind` (the
/// class's name, as the module tree shows it), members that are modules or parameters in the order
/// of their registration, and `forward`. Construction declares, a call traces; both may happen
/// once, never, or (calls) often.
template <class Self>
class Module : public ModuleBase {
 public:
  /// A module that is left out.
  Module() = default;
  /// Opens the place.
  Module(const Slot& slot) : ModuleBase(slot, Self::kind) {}  // NOLINT: a slot becomes its module

  /// Calls the module: what `forward` appends belongs to it.
  template <class... Args>
  auto operator()(Args&&... args) const {
    CallScope scope(graph(), module_id());
    auto result = static_cast<const Self*>(this)->forward(std::forward<Args>(args)...);
    scope.finish(result);
    return result;
  }
};

/// A module of any type that maps one tensor to one tensor, stored in the graph's arena.
struct AnyModule {
  const void* module = nullptr;                            ///< in the graph's arena
  Tensor (*call)(const void* module, Tensor x) = nullptr;  ///< calls it

  /// Calls the module.
  Tensor operator()(Tensor x) const { return call(module, x); }
};

/// Builds a module whose type the model chooses while it is built.
template <class Child, class... Args>
AnyModule any_module(const Slot& slot, Args&&... args) {
  const Child* child = slot.graph->arena().make<Child>(slot, std::forward<Args>(args)...);
  return {child, [](const void* module, Tensor x) -> Tensor {
            return (*static_cast<const Child*>(module))(x);
          }};
}

/// torch.nn.Sequential: modules that are called in order. `Self` gives the kind, for named blocks.
template <class Self>
class SequentialOf : public Module<Self> {
 public:
  using Module<Self>::Module;

  /// Appends a child named by its position: `add<Conv2d>(in, out, {...})` style arguments follow.
  template <class Child, class... Args>
  Child& add(Args&&... args) {
    return add_at<Child>(this->at(first_position_ + children_.size()), std::forward<Args>(args)...);
  }
  /// Counts positions from `first` on, as a slice of a longer sequence keeps its names.
  void count_from(std::size_t first) noexcept { first_position_ = first; }
  /// Appends a child of that name.
  template <class Child, std::size_t N, class... Args>
  Child& add_named(const char (&name)[N], Args&&... args) {
    return add_at<Child>(this->at(name), std::forward<Args>(args)...);
  }
  /// Appends a child of that name.
  template <class Child, class... Args>
  Child& add_named(const std::string& name, Args&&... args) {
    return add_at<Child>(this->at(name), std::forward<Args>(args)...);
  }

  /// How many children there are.
  std::size_t size() const noexcept { return children_.size(); }
  /// A child, by its position from 0 on.
  const AnyModule& operator[](std::size_t index) const noexcept { return children_[index]; }

  /// The identity where the module was left out.
  Tensor operator()(Tensor x) const { return this->is_open() ? Module<Self>::operator()(x) : x; }

  /// Calls every child in order, each with the result of the child before it.
  Tensor forward(Tensor x) const {
    for (const AnyModule& child : children_) x = child(x);
    return x;
  }

 private:
  template <class Child, class... Args>
  Child& add_at(const Slot& slot, Args&&... args) {
    const AnyModule child = any_module<Child>(slot, std::forward<Args>(args)...);
    children_.push_back(this->graph().arena(), child);
    return *static_cast<Child*>(const_cast<void*>(child.module));
  }

  ArenaList<AnyModule> children_;
  std::size_t first_position_ = 0;
};

/// torch.nn.Sequential.
struct Sequential : SequentialOf<Sequential> {
  static constexpr auto kind = "Sequential";
  using SequentialOf::SequentialOf;
};

/// torch.nn.ModuleList of modules of one type; the list itself is never called.
template <class Child>
class ModuleList : public Module<ModuleList<Child>> {
 public:
  static constexpr auto kind = "ModuleList";
  using Module<ModuleList<Child>>::Module;

  /// Appends a child, named by its position.
  template <class... Args>
  Child& add(Args&&... args) {
    Arena& arena = this->graph().arena();
    auto* child = arena.make<Child>(this->at(children_.size()), std::forward<Args>(args)...);
    children_.push_back(arena, child);
    return *child;
  }
  /// How many children there are.
  std::size_t size() const noexcept { return children_.size(); }
  /// A child, by its position.
  const Child& operator[](std::size_t index) const noexcept { return *children_[index]; }

 private:
  ArenaList<Child*> children_;
};

}  // namespace zoometer
