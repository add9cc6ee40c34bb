#include "analysis/model_weights.hpp"

#include <algorithm>
#include <charconv>

#include "models/language/blocks.hpp"
#include "zoometer/op/matmul.hpp"

namespace zoometer {
namespace {

constexpr std::string_view tower_names[] = {"visual",      "vision",     "audio",
                                            "multi_modal", "multimodal", "mm_projector"};

/// How nodes read a value.
struct ValueUse {
  bool is_factor = false;      ///< of a linear layer
  bool is_of_experts = false;  ///< matrices of expert_linear
  bool is_transposed = false;  ///< these, (experts, in, out)
};

std::vector<ValueUse> value_uses(const Graph& graph) {
  std::vector<ValueUse> uses(graph.values().size());
  for (const Node& node : graph.nodes()) {
    const auto inputs = graph.inputs_of(node);
    if (node.op == &linear_op) uses[inputs[1]].is_factor = true;
    if (node.op != &expert_linear_op) continue;
    uses[inputs[1]].is_of_experts = true;
    uses[inputs[1]].is_transposed = static_cast<const ExpertLinearAttrs*>(node.attrs)->transposed;
  }
  return uses;
}

/// The first part of a path that is a number: "model.layers.12.mlp" -> 12.
std::int64_t layer_of(std::string_view path) {
  while (!path.empty()) {
    const std::size_t dot = path.find('.');
    const std::string_view part = path.substr(0, dot);
    std::int64_t number = 0;
    const auto [end, problem] = std::from_chars(part.data(), part.data() + part.size(), number);
    if (problem == std::errc() && end == part.data() + part.size()) return number;
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return -1;
}

bool is_in_tower(std::string_view path) {
  return std::ranges::any_of(tower_names, [&](std::string_view name) {
    return path.find(name) != std::string_view::npos;
  });
}

bool is_below_router(const Graph& graph, ModuleId id) {
  for (; id != no_id; id = graph.modules()[id].parent) {
    if (graph.modules()[id].kind == Router::kind) return true;
  }
  return false;
}

class WeightReader {
 public:
  explicit WeightReader(const Graph& graph) : graph_(graph), uses_(value_uses(graph)) {}

  ModelWeight read(const Parameter& parameter) const {
    const Shape& shape = graph_.shape(parameter.value);
    ModelWeight weight;
    weight.path = graph_.parameter_path(parameter);
    weight.elements = graph_.numel(parameter.value);
    weight.rank = shape.rank();
    weight.layer = layer_of(weight.path);
    weight.value = parameter.value;
    weight.dtype = graph_.dtype(parameter.value);
    weight.is_parameter = parameter.kind == ParameterKind::parameter;
    weight.is_tower = is_in_tower(weight.path);
    if (weight.is_tower || parameter.name.starts_with("lora_")) return weight;
    // Layers that are only declared have no nodes that read them.
    const bool is_of_experts =
        uses_[parameter.value].is_of_experts ||
        (shape.rank() == 3 && graph_.modules()[parameter.module].kind == Experts::kind);
    if (is_of_experts) {
      const bool is_transposed = uses_[parameter.value].is_transposed;
      weight.kind = WeightKind::expert;
      weight.matrices = shape.dim(0);
      weight.rows = shape.dim(is_transposed ? 2 : 1);
      weight.columns = shape.dim(is_transposed ? 1 : 2);
    } else if (shape.rank() == 2) {
      read_matrix(parameter, shape, weight);
    }
    return weight;
  }

 private:
  void read_matrix(const Parameter& parameter, const Shape& shape, ModelWeight& weight) const {
    const ModuleInfo& owner = graph_.modules()[parameter.module];
    const bool is_transposed = owner.kind == TransposedLinear::kind;
    weight.rows = shape.dim(is_transposed ? 1 : 0);
    weight.columns = shape.dim(is_transposed ? 0 : 1);
    if (owner.kind == Embedding::kind) {
      // A table of learnt positions is no embedding of tokens: formats leave it as it is.
      weight.kind = is_positions(owner.name) ? WeightKind::other : WeightKind::embedding;
      weight.is_tied = uses_[parameter.value].is_factor;
    } else if (is_below_router(graph_, parameter.module)) {
      weight.kind = WeightKind::router;
    } else if (owner.kind == Linear::kind || is_transposed || parameter.name == "wo_a.weight") {
      const bool is_outermost = weight.layer < 0 && (owner.parent == 0 || is_head(owner.name));
      weight.kind = is_outermost       ? WeightKind::head
                    : weight.rows == 1 ? WeightKind::router
                                       : WeightKind::linear;
    }
  }
  static bool is_head(std::string_view name) {
    return name == "lm_head" || name == "output_layer" || name == "embed_out";
  }
  static bool is_positions(std::string_view name) {
    return name == "wpe" || name.find("position") != std::string_view::npos;
  }

  const Graph& graph_;
  std::vector<ValueUse> uses_;
};

}  // namespace

std::vector<ModelWeight> model_weights(const Graph& graph) {
  const WeightReader reader(graph);
  std::vector<ModelWeight> weights;
  for (const ParameterId id : graph.parameters_in_order()) {
    const Parameter& parameter = graph.parameters()[id];
    if (is_in_state_dict(parameter.kind) && parameter.shared_with == no_id)
      weights.push_back(reader.read(parameter));
  }
  return weights;
}

}  // namespace zoometer
