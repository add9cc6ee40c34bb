#include "analysis/parameter_counts.hpp"

#include <vector>

#include "models/language/blocks.hpp"

namespace zoometer {
namespace {

constexpr std::string_view head_role = "head";

/// The role of what a class of modules owns.
struct KindRole {
  std::string_view kind;
  std::string_view role;
};

constexpr KindRole kind_roles[] = {
    {RMSNorm::kind, "norm"},
    {LayerNorm::kind, "norm"},
    {HeadNorm::kind, "norm"},
    {Embedding::kind, "embedding"},
    {Router::kind, "router"},
    {Experts::kind, "routed_experts"},
    {Attention::kind, "attention"},
    {LatentAttention::kind, "attention"},
    {CompressedAttention::kind, "attention"},
    {StateMixer::kind, "state_space"},
    {FeedForward::kind, "feed_forward"},
    {MixtureOfExperts::kind, "router"},
};

std::string_view role_of_kind(std::string_view kind) {
  for (const KindRole& row : kind_roles) {
    if (row.kind == kind) return row.role;
  }
  return {};
}

/// A network or an attention whose layers are those of a layer of the model.
std::string_view role_in_layer(const Graph& graph, ModuleId child) {
  return graph.modules()[child].name.starts_with("att") ? "attention" : "feed_forward";
}

/// By the innermost module that has a role; a feed-forward network of a mixture is shared.
std::string_view role_of(const Graph& graph, const Parameter& parameter) {
  std::string_view role;
  ModuleId child = no_id;
  for (ModuleId id = parameter.module; id != no_id; id = graph.modules()[id].parent) {
    const std::string_view kind = graph.modules()[id].kind;
    if (kind == "VisionTower") return "vision";
    if (kind == "AudioTower") return "audio";
    if (kind == "Talker") return "talker";
    if (kind == "Vocoder") return "vocoder";
    if (role.empty()) role = role_of_kind(kind);
    if (role.empty() && kind == TransformerLayer::kind && child != no_id)
      role = role_in_layer(graph, child);
    child = id;
    if (role == "feed_forward" && kind == MixtureOfExperts::kind) return "shared_experts";
  }
  const ModuleId owner = parameter.module;
  const bool is_outermost = owner < graph.modules().size() &&
                            graph.modules()[owner].parent != no_id &&
                            graph.modules()[graph.modules()[owner].parent].parent == no_id;
  if (role.empty() && is_outermost) return head_role;
  return role.empty() ? "other" : role;
}

/// How experts of a layer are used, by the value of their weights or biases.
struct Chosen {
  std::int64_t experts = 0;  ///< 0: not a parameter of experts
  std::int64_t chosen = 0;
};

/// What the nodes read: weights of experts, and the embedding that is the head, too.
struct Uses {
  std::vector<Chosen> chosen;      // by value
  std::vector<bool> is_embedding;  // by value
  std::vector<bool> is_factor;     // by value: of a linear layer
};

Uses uses_of(const Graph& graph) {
  const std::size_t count = graph.values().size();
  Uses uses{std::vector<Chosen>(count), std::vector<bool>(count), std::vector<bool>(count)};
  for (const Node& node : graph.nodes()) {
    const auto inputs = graph.inputs_of(node);
    if (node.op == &embedding_op) uses.is_embedding[inputs[0]] = true;
    if (node.op == &linear_op) uses.is_factor[inputs[1]] = true;
    if (node.op != &expert_linear_op) continue;
    const Chosen chosen{graph.shape(inputs[1]).dim(0), graph.shape(inputs[3]).dim(1)};
    for (const std::size_t operand : {1U, 2U}) {
      if (inputs[operand] != no_id) uses.chosen[inputs[operand]] = chosen;
    }
  }
  return uses;
}

}  // namespace

ParameterCounts count_parameters(const Graph& graph) {
  const Uses uses = uses_of(graph);
  ParameterCounts counts;
  for (const Parameter& parameter : graph.parameters()) {
    if (!is_in_state_dict(parameter.kind) || parameter.shared_with != no_id) continue;
    const std::int64_t elements = graph.numel(parameter.value);
    std::int64_t& of_type = counts.by_dtype[name_of(graph.dtype(parameter.value))];
    of_type = checked_add(of_type, elements);
    counts.bytes = checked_add(counts.bytes, graph.bytes(parameter.value));
    const Chosen& chosen = uses.chosen[parameter.value];
    const bool is_expert = chosen.experts > 0;
    const std::int64_t active =
        is_expert ? checked_mul(elements / chosen.experts, chosen.chosen) : elements;
    const bool is_only_embedding =
        uses.is_embedding[parameter.value] && !uses.is_factor[parameter.value];
    counts.unique = checked_add(counts.unique, elements);
    counts.active = checked_add(counts.active, active);
    if (!is_only_embedding)
      counts.active_without_embeddings = checked_add(counts.active_without_embeddings, active);
    std::int64_t& of_role =
        counts.by_role[is_expert ? "routed_experts" : role_of(graph, parameter)];
    of_role = checked_add(of_role, elements);
  }
  return counts;
}

}  // namespace zoometer
