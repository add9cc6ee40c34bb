#include "models/language/blocks.hpp"
#include "models/language/split.hpp"
#include "zoometer/util/checked.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {

void FeedForward::declare(const ModuleBase& owner, std::int64_t features, std::int64_t outputs) {
  require_size("the width of a feed-forward network", plan.width);
  const auto layer = [&](std::string_view name, std::int64_t in, std::int64_t out, bool bias) {
    return linear_layer(owner, name, in, out, bias, plan.adapters, plan.is_transposed);
  };
  if (!plan.fused.empty()) {
    fused = layer(plan.fused, features, checked_mul(2, plan.width), plan.bias);
  } else {
    if (!plan.gate.empty()) gate = layer(plan.gate, features, plan.width, plan.bias);
    up = layer(plan.up, features, plan.width, plan.bias);
  }
  if (!plan.norm.empty()) norm = any_module<RMSNorm>(place(owner, plan.norm), plan.width);
  down = layer(plan.down, plan.width, outputs, plan.down_bias);
  if (plan.learns_activation) {
    owner.parameter("act_fn.alpha_p", {1});
    owner.parameter("act_fn.alpha_n", {1});
    owner.buffer("act_fn.beta", {});
    owner.buffer("act_fn.eps", {});
  }
  if (!plan.has_receptance) return;
  mix_up = owner.parameter("time_mix_key", {1, 1, features});
  mix_receptance = owner.parameter("time_mix_receptance", {1, 1, features});
  receptance = linear_layer(owner.at("receptance"), features, features, false);
}

Tensor FeedForward::forward(Tensor x) const {
  Tensor y;
  if (is_there(receptance)) {
    y = down(activate(plan.activation, up(x * mix_up)));
    return y * unary(sigmoid_op, receptance(x * mix_receptance));
  }
  if (is_there(fused)) {
    const Chunks halves = chunk(fused(x), 2, -1);
    y = activate(plan.activation, halves[0]) * halves[1];
  } else if (is_there(gate)) {
    const Tensor factor = activate(plan.activation, gate(x));
    y = factor * up(x);
  } else {
    y = activate(plan.activation, up(x));
  }
  return down(apply_if(norm, y));
}

void Experts::declare(const ModuleBase& owner, std::int64_t features) {
  require_size("the width of experts", plan.width);
  require_size("experts", plan.experts);
  const std::int64_t width = plan.width;
  const std::int64_t wide = checked_mul(2, width);
  const std::int64_t first = plan.gate.empty() ? width : wide;
  switch (plan.layout) {
  case ExpertsPlan::Layout::split:
  case ExpertsPlan::Layout::parts:
    if (!plan.gate.empty()) gate = matrices(owner, plan.gate, width, features);
    up = matrices(owner, plan.up, width, features);
    down = matrices(owner, plan.down, features, width);
    break;
  case ExpertsPlan::Layout::fused:
    gate_up = owner.parameter("gate_up_proj", {plan.experts, first, features});
    down = owner.parameter("down_proj", {plan.experts, features, width});
    break;
  case ExpertsPlan::Layout::fused_transposed:
    gate_up = owner.parameter("gate_up_proj", {plan.experts, features, first});
    if (plan.bias) gate_up_bias = owner.parameter("gate_up_proj_bias", {plan.experts, first});
    down = owner.parameter("down_proj", {plan.experts, width, features});
    if (plan.bias) down_bias = owner.parameter("down_proj_bias", {plan.experts, features});
    break;
  case ExpertsPlan::Layout::granite:
    gate_up = owner.parameter("input_linear.weight", {plan.experts, first, features});
    down = owner.parameter("output_linear.weight", {plan.experts, features, width});
    break;
  }
}

Tensor Experts::matrices(const ModuleBase& owner, std::string_view name, std::int64_t out,
                         std::int64_t in) const {
  const bool is_each = plan.layout == ExpertsPlan::Layout::split;
  const std::string path = (is_each ? "*." : "") + std::string(name) + ".weight";
  return owner.parameter(owner.graph().arena().copy(path), {plan.experts, out, in});
}

Tensor Experts::forward(Tensor x, Tensor experts) const {
  const ExpertLinearAttrs attrs{plan.layout == ExpertsPlan::Layout::fused_transposed};
  Tensor y;
  if (gate_up.id != no_id) {
    y = expert_linear(x, gate_up, gate_up_bias, experts, attrs);
    if (!plan.gate.empty()) {
      const Chunks halves = chunk(y, 2, -1);
      y = activate(plan.activation, halves[0]) * halves[1];
    } else {
      y = activate(plan.activation, y);
    }
  } else if (gate.id != no_id) {
    const Tensor factor = activate(plan.activation, expert_linear(x, gate, {}, experts));
    y = factor * expert_linear(x, up, {}, experts);
  } else {
    y = activate(plan.activation, expert_linear(x, up, {}, experts));
  }
  return expert_linear(y, down, down_bias, experts, attrs);
}

Router::Router(const Slot& slot, const ExpertsPlan& plan, std::int64_t features) : Module(slot) {
  const std::int64_t all = checked_add(plan.experts, plan.idle_experts);
  weight = parameter("weight", {all, features});
  if (plan.router_bias) bias = parameter("bias", {all});
  if (plan.hashed_tokens > 0)
    table = buffer("tid2eid", {plan.hashed_tokens, plan.chosen}, DType::int64);
  else if (!plan.router_correction.empty())
    correction = plan.learns_correction ? parameter(plan.router_correction, {all})
                                        : buffer(plan.router_correction, {all});
}

Tensor Router::forward(Tensor x) const {
  const Tensor scores = linear(x, weight, bias);
  if (correction.id == no_id) return softmax(scores, -1);
  return unary(sigmoid_op, scores) + correction;
}

void MixtureOfExperts::declare(const ModuleBase& owner, std::int64_t features) {
  router = any_module<Router>(place(owner, plan.router), plan, features);
  if (!plan.correction.empty()) {
    const Shape all{checked_add(plan.experts, plan.idle_experts)};
    correction = plan.learns_correction ? owner.parameter(plan.correction, all)
                                        : owner.buffer(plan.correction, all);
  }
  const std::int64_t inner = plan.latent > 0 ? plan.latent : features;
  Arena& arena = owner.graph().arena();
  experts = plan.list.empty() ? arena.make<Experts>(owner, plan, inner)
                              : arena.make<Experts>(place(owner, plan.list), plan, inner);
  if (plan.latent > 0) {
    latent_down = linear_layer(place(owner, plan.latent_down), features, plan.latent, false);
    latent_up = linear_layer(place(owner, plan.latent_up), plan.latent, features, false);
    if (!plan.latent_norm.empty())
      latent_norm = any_module<RMSNorm>(place(owner, plan.latent_norm), plan.latent);
  }
  if (!plan.shared.empty())
    shared = any_module<FeedForward>(place(owner, plan.shared), plan.shared_plan, features);
  if (!plan.shared_gate.empty())
    shared_gate = linear_layer(place(owner, plan.shared_gate), features, 1, false);
  if (!plan.norm_after.empty())
    norm_after = any_module<RMSNorm>(place(owner, plan.norm_after), features);
}

Tensor MixtureOfExperts::forward(Tensor x) const {
  const std::int64_t features = x.dim(-1);
  const std::int64_t tokens = checked_mul(x.dim(0), x.dim(1));
  const Tensor rows = reshape(x, {tokens, features});
  Tensor scores = router(rows);
  if (correction.id != no_id) scores = scores + correction;
  const Selection chosen = topk(scores, plan.chosen);
  const Tensor inner = apply_if(latent_down, rows);
  Tensor y = experts->is_open() ? (*experts)(inner, chosen.indices)
                                : experts->forward(inner, chosen.indices);
  y = apply_if(latent_norm, sum(y * unsqueeze(chosen.values, -1), {1}));
  y = apply_if(latent_up, y);
  y = reshape(y, {x.dim(0), x.dim(1), features});
  if (!is_there(shared)) return apply_if(norm_after, y);
  Tensor beside = shared(x);
  if (is_there(shared_gate)) beside = beside * unary(sigmoid_op, shared_gate(x));
  return apply_if(norm_after, y + beside);
}

bool is_split(const Graph& graph, const Parameter& parameter) noexcept {
  const std::string_view kind = graph.modules()[parameter.module].kind;
  return parameter.name.find('*') != std::string_view::npos &&
         (kind == Experts::kind || kind == HeadNorm::kind);
}

void check_split(const Graph& graph) {
  constexpr std::int64_t most = std::int64_t{1} << 19;
  std::int64_t count = 0;
  for (const Parameter& parameter : graph.parameters()) {
    if (is_split(graph, parameter)) count = checked_add(count, graph.shape(parameter.value).dim(0));
  }
  if (count > most) {
    throw Error(ErrorCode::limit, "tensors of experts",
                {"at most " + std::to_string(most), std::to_string(count)});
  }
}

}  // namespace zoometer
