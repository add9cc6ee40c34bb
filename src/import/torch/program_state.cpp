#include "import/torch/program_state.hpp"

#include <algorithm>
#include <vector>

namespace zoometer {
namespace {

constexpr std::int64_t few_bits = 8;

bool is_packed(const Graph& graph, const Parameter& parameter) {
  const DType dtype = graph.value(parameter.value).dtype;
  return dtype != DType::boolean && dtype != DType::unknown && bits_of(dtype) <= few_bits;
}

class State {
 public:
  explicit State(Graph& graph)
      : graph_(graph),
        origin_(graph.values().size(), no_id),
        uses_(graph.parameters().size()) {
    for (const Parameter& parameter : graph.parameters())
      origin_[parameter.value] = graph.value(parameter.value).producer;
  }

  void find_uses() {
    for (const Node& node : graph_.nodes()) {
      const std::span<const ValueId> inputs = graph_.inputs_of(node);
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (inputs[i] != no_id && origin_[inputs[i]] != no_id) use(node, i, origin_[inputs[i]]);
      }
    }
  }

  void set_kinds() {
    for (ParameterId id = 0; id < uses_.size(); ++id) {
      const Parameter& parameter = graph_.parameters()[id];
      const Uses& uses = uses_[id];
      if (parameter.kind != ParameterKind::buffer) continue;
      if (uses.scales && !uses.multiplies && !uses.is_other)
        graph_.set_parameter_kind(id, ParameterKind::quantisation);
      if (uses.multiplies && is_packed(graph_, parameter))
        graph_.set_parameter_kind(id, ParameterKind::parameter);
    }
  }

  /// The scales of weights that PyTorch spells as parametrisations.
  void set_kinds_of_parts() {
    constexpr std::string_view part = "original";
    std::vector<bool> is_quantised(graph_.modules().size());
    for (const Parameter& parameter : graph_.parameters()) {
      if (parameter.name == "original0" && is_packed(graph_, parameter))
        is_quantised[parameter.module] = true;
    }
    for (ParameterId id = 0; id < uses_.size(); ++id) {
      const Parameter& parameter = graph_.parameters()[id];
      if (is_quantised[parameter.module] && parameter.name != "original0" &&
          parameter.name.starts_with(part) && is_below_parametrisations(parameter.module))
        graph_.set_parameter_kind(id, ParameterKind::quantisation);
    }
  }

 private:
  struct Uses {
    bool scales = false;      ///< is a scale or a zero point
    bool multiplies = false;  ///< is a factor of a product
    bool is_other = false;
  };

  /// What a node makes of a parameter's numbers is still the parameter: views, real numbers of its
  /// integers.
  void use(const Node& node, std::size_t input, ParameterId origin) {
    const OpDef& op = *node.op;
    const Role role = op.role_of(input);
    Uses& uses = uses_[origin];
    if (role == Role::quantisation || role == Role::zero_point) {
      uses.scales = true;
    } else if (op.kind == OpKind::product) {
      uses.multiplies = true;
    } else if (input == 0 && (op.kind == OpKind::movement || op.kind == OpKind::quantisation)) {
      for (ValueId i = 0; i < node.output_count; ++i) origin_[node.first_output + i] = origin;
    } else {
      uses.is_other = true;
    }
  }

  bool is_below_parametrisations(ModuleId module) const {
    const ModuleId parent = graph_.modules()[module].parent;
    return parent != no_id && graph_.modules()[parent].name == "parametrizations";
  }

  Graph& graph_;
  std::vector<ParameterId> origin_;  // by value
  std::vector<Uses> uses_;           // by parameter
};

}  // namespace

void find_quantised_state(Graph& graph) {
  const bool has_packed = std::ranges::any_of(
      graph.parameters(), [&](const Parameter& each) { return is_packed(graph, each); });
  if (!has_packed) return;
  State state(graph);
  state.find_uses();
  state.set_kinds();
  state.set_kinds_of_parts();
}

}  // namespace zoometer
