#include "import/weights/bare_graph.hpp"

#include "import/module_tree.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::size_t deepest = 100;

/// "a.b.weight": its module "a.b" and its own name.
struct Place {
  std::string_view module;
  std::string_view name;
};

/// A name with empty parts, or with a great many, is one of a tensor of the root.
Place place_of(std::string_view name) {
  std::size_t parts = 0;
  bool is_plain = !name.starts_with('.') && !name.ends_with('.');
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] != '.') continue;
    ++parts;
    is_plain = is_plain && name[i - (i > 0 ? 1 : 0)] != '.';
  }
  const std::size_t dot = name.rfind('.');
  if (!is_plain || parts > deepest || dot == std::string_view::npos) return {{}, name};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

ParameterKind kind_of(const StoredTensor& tensor) {
  switch (tensor.kind()) {
  case StoredKind::parameter: return ParameterKind::parameter;
  case StoredKind::quantisation: return ParameterKind::quantisation;
  case StoredKind::buffer: break;
  }
  return ParameterKind::buffer;
}

}  // namespace

void make_bare_graph(const StoredWeights& weights, Graph& graph) {
  ModuleTree tree(graph.arena());
  for (const StoredTensor& tensor : weights.tensors()) {
    if (tensor.is_known()) tree.declare(place_of(tensor.name).module, {});
  }
  tree.add_to(graph);
  for (const StoredTensor& tensor : weights.tensors()) {
    if (!tensor.is_known()) continue;
    const Place place = place_of(tensor.name);
    graph.add_parameter(tree.find(place.module), graph.arena().copy(place.name),
                        Shape(tensor.shape), tensor.type->dtype, kind_of(tensor));
  }
}

}  // namespace zoometer
