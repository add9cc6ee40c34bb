#include "models/language/blocks.hpp"

namespace zoometer {
namespace {

/// A convolution of each channel over time: (channels, 1, kernel).
AnyModule channel_convolution(const Slot& slot, std::int64_t channels, std::int64_t kernel,
                              bool has_bias) {
  require_size("channels of a convolution", channels);
  return any_module<Conv1d>(slot, channels, channels,
                            ConvOptions{.kernel = kernel, .groups = channels, .bias = has_bias});
}

/// RMS over the last dimension, a weight of its own shape.
AnyModule rms(const Slot& slot, std::int64_t features) {
  return any_module<RMSNorm>(slot, features);
}

std::int64_t times(std::int64_t a, std::int64_t b) { return checked_mul(a, b); }

/// Channels of mamba2's convolution: x, and b and c of each group.
std::int64_t mamba2_channels(const StatePlan& plan) {
  return checked_add(plan.inner, product(2, plan.groups, plan.state));
}

/// Channels of query, key and value of the delta rule.
std::int64_t delta_channels(const StatePlan& plan) {
  return checked_add(product(2, plan.key_heads, plan.key_head), times(plan.heads, plan.head));
}

}  // namespace

StateMixer::StateMixer(const Slot& slot, const StatePlan& made, std::int64_t features)
    : Module(slot),
      plan(made) {
  const bool has_heads =
      plan.kind == StatePlan::Kind::delta || plan.kind == StatePlan::Kind::kimi_delta ||
      plan.kind == StatePlan::Kind::rwkv5 || plan.kind == StatePlan::Kind::decayed;
  if (has_heads) require_size("heads of a state", plan.heads);
  switch (plan.kind) {
  case StatePlan::Kind::mamba1: declare_mamba1(features); break;
  case StatePlan::Kind::mamba2: declare_mamba2(features); break;
  case StatePlan::Kind::delta: declare_delta(features); break;
  case StatePlan::Kind::kimi_delta: declare_kimi_delta(features); break;
  case StatePlan::Kind::short_convolution: declare_short_convolution(features); break;
  case StatePlan::Kind::rwkv4: declare_rwkv4(features); break;
  case StatePlan::Kind::rwkv5: declare_rwkv5(features); break;
  case StatePlan::Kind::gated_recurrence: declare_gated_recurrence(features); break;
  case StatePlan::Kind::decayed: declare_decayed(features); break;
  }
}

Tensor StateMixer::forward(Tensor x, PassageContext& context) const {
  switch (plan.kind) {
  case StatePlan::Kind::mamba1: return run_mamba1(x, context);
  case StatePlan::Kind::mamba2: return run_mamba2(x, context);
  case StatePlan::Kind::delta: return run_delta(x, context);
  case StatePlan::Kind::kimi_delta: return run_kimi_delta(x, context);
  case StatePlan::Kind::short_convolution: return run_short_convolution(x, context);
  case StatePlan::Kind::rwkv4: return run_rwkv4(x, context);
  case StatePlan::Kind::rwkv5: return run_rwkv5(x, context);
  case StatePlan::Kind::gated_recurrence: return run_gated_recurrence(x, context);
  case StatePlan::Kind::decayed: return run_decayed(x, context);
  }
  return x;
}

/// x (N, L, channels) -> the same; the last inputs of earlier tokens come before it.
Tensor StateMixer::convolved(const AnyModule& layer, Tensor x, std::string_view name,
                             PassageContext& context) const {
  x = transpose(x, 1, 2);
  const std::int64_t before = plan.kernel - 1;
  if (before > 0) {
    const Tensor past = context.past(name, {x.dim(0), x.dim(1), before});
    x = past.id == no_id ? pad_last(x, {before, 0}) : cat({past, x}, 2);
  }
  return unary(silu_op, transpose(layer(x), 1, 2));
}

Tensor StateMixer::scanned(std::initializer_list<Tensor> inputs, const StateScanAttrs& attrs,
                           PassageContext& context) const {
  std::vector<Tensor> all(inputs);
  const std::string_view name = attrs.rule == "linear" ? "sum_state" : "state";
  const Tensor past = context.past(name, {all.front().dim(0), attrs.state});
  if (past.id != no_id) all.push_back(past);
  return state_scan(all, attrs);
}

// Gu, Dao: Mamba, 2023.

void StateMixer::declare_mamba1(std::int64_t features) {
  in = linear_layer(at("in_proj"), features, times(2, plan.inner), plan.bias);
  convolution = channel_convolution(at("conv1d"), plan.inner, plan.kernel, plan.convolution_bias);
  parameters_in =
      linear_layer(at("x_proj"), plan.inner, checked_add(plan.rank, times(2, plan.state)), false);
  time_step = linear_layer(at("dt_proj"), plan.rank, plan.inner, true);
  decay = parameter("A_log", {plan.inner, plan.state});
  skip = parameter("D", {plan.inner});
  out = linear_layer(at("out_proj"), plan.inner, features, plan.bias);
  if (!plan.has_norm) return;
  step_norm = rms(at("dt_layernorm"), plan.rank);
  b_norm = rms(at("b_layernorm"), plan.state);
  c_norm = rms(at("c_layernorm"), plan.state);
}

Tensor StateMixer::run_mamba1(Tensor x, PassageContext& context) const {
  const Chunks halves = chunk(in(x), 2, -1);
  const Tensor u = convolved(convolution, halves[0], "convolution", context);
  const Tensor parameters = parameters_in(u);
  const std::int64_t b_end = plan.rank + plan.state;
  const Tensor step =
      unary(softplus_op, time_step(apply_if(step_norm, slice(parameters, -1, 0, plan.rank))));
  const Tensor b = apply_if(b_norm, slice(parameters, -1, plan.rank, b_end));
  const Tensor c = apply_if(c_norm, slice(parameters, -1, b_end, b_end + plan.state));
  const Tensor y = scanned({u, step, b, c, decay, skip},
                           {"mamba1", times(plan.inner, plan.state), plan.inner}, context);
  return out(y * unary(silu_op, halves[1]));
}

// Dao, Gu: Transformers are SSMs, 2024.

void StateMixer::declare_mamba2(std::int64_t features) {
  const std::int64_t channels = mamba2_channels(plan);
  in = linear_layer(*this, "in_proj", features,
                    checked_add(checked_add(plan.inner, channels), plan.heads), plan.bias,
                    plan.adapters);
  convolution = channel_convolution(at("conv1d"), channels, plan.kernel, plan.convolution_bias);
  time_bias = parameter("dt_bias", {plan.heads});
  decay = parameter("A_log", {plan.heads});
  skip = parameter("D", {plan.heads});
  if (plan.has_norm) norm = rms(at("norm"), plan.inner);
  out = linear_layer(*this, "out_proj", plan.inner, features, plan.output_bias, plan.adapters);
}

Tensor StateMixer::run_mamba2(Tensor x, PassageContext& context) const {
  const std::int64_t end = plan.inner + mamba2_channels(plan);
  const Tensor all = in(x);
  const Tensor gate = unary(silu_op, slice(all, -1, 0, plan.inner));
  const Tensor u = convolved(convolution, slice(all, -1, plan.inner, end), "convolution", context);
  const Tensor step = unary(softplus_op, slice(all, -1, end, all.dim(-1)) + time_bias);
  const Tensor y = scanned({u, step, decay, skip},
                           {"mamba2", times(plan.inner, plan.state), plan.inner}, context);
  return out(apply_if(norm, y * gate));
}

// Yang and others: Gated delta networks, 2024.

void StateMixer::declare_delta(std::int64_t features) {
  if (plan.is_separate) return declare_separate_delta(features);
  const std::int64_t values = times(plan.heads, plan.head);
  const std::int64_t channels = delta_channels(plan);
  if (plan.is_fused) {
    in = linear_layer(*this, "in_proj_qkvz", features, checked_add(channels, values), false,
                      plan.adapters);
    third_in =
        linear_layer(*this, "in_proj_ba", features, times(2, plan.heads), false, plan.adapters);
  } else {
    in = linear_layer(*this, "in_proj_qkv", features, channels, false, plan.adapters);
    second_in = linear_layer(*this, "in_proj_z", features, values, false, plan.adapters);
    third_in = linear_layer(*this, "in_proj_b", features, plan.heads, false, plan.adapters);
    fourth_in = linear_layer(*this, "in_proj_a", features, plan.heads, false, plan.adapters);
  }
  convolution = channel_convolution(at("conv1d"), channels, plan.kernel, false);
  time_bias = parameter("dt_bias", {plan.heads});
  decay = parameter("A_log", {plan.heads});
  norm = rms(at("norm"), plan.head);
  out = linear_layer(*this, "out_proj", values, features, false, plan.adapters);
}

Tensor StateMixer::run_delta(Tensor x, PassageContext& context) const {
  if (plan.is_separate) return run_separate_delta(x, context);
  const std::int64_t values = plan.heads * plan.head;
  const std::int64_t channels = delta_channels(plan);
  Tensor mixed = in(x);
  Tensor rates = third_in(x);
  Tensor gate, steps;
  if (plan.is_fused) {
    gate = slice(mixed, -1, channels, channels + values);
    mixed = slice(mixed, -1, 0, channels);
    steps = slice(rates, -1, plan.heads, 2 * plan.heads);
    rates = slice(rates, -1, 0, plan.heads);
  } else {
    gate = second_in(x);
    steps = fourth_in(x);
  }
  const Tensor u = convolved(convolution, mixed, "convolution", context);
  const Tensor step = unary(exp_op, decay) * unary(softplus_op, steps + time_bias);
  const Tensor y =
      scanned({u, unary(sigmoid_op, rates), step},
              {"delta", product(plan.heads, plan.head, plan.key_head), values}, context);
  const Tensor scaled = norm(in_heads(y, plan.heads)) * unary(silu_op, in_heads(gate, plan.heads));
  return out(reshape(scaled, {x.dim(0), x.dim(1), values}));
}

/// The same, each part with a layer and a convolution of its own.
void StateMixer::declare_separate_delta(std::int64_t features) {
  const std::int64_t keys = times(plan.key_heads, plan.key_head);
  const std::int64_t values = times(plan.heads, plan.head);
  query = linear_layer(at("q_proj"), features, keys, false);
  key = linear_layer(at("k_proj"), features, keys, false);
  value = linear_layer(at("v_proj"), features, values, false);
  fourth_in = linear_layer(at("a_proj"), features, plan.heads, false);
  third_in = linear_layer(at("b_proj"), features, plan.heads, false);
  second_in = linear_layer(at("g_proj"), features, values, false);
  query_convolution = channel_convolution(at("q_conv1d"), keys, plan.kernel, false);
  key_convolution = channel_convolution(at("k_conv1d"), keys, plan.kernel, false);
  value_convolution = channel_convolution(at("v_conv1d"), values, plan.kernel, false);
  decay = parameter("A_log", {plan.heads});
  time_bias = parameter("dt_bias", {plan.heads});
  norm = rms(at("o_norm"), plan.head);
  out = linear_layer(at("o_proj"), values, features, false);
}

Tensor StateMixer::run_separate_delta(Tensor x, PassageContext& context) const {
  const std::int64_t values = plan.heads * plan.head;
  const Tensor q = convolved(query_convolution, query(x), "query_convolution", context);
  const Tensor k = convolved(key_convolution, key(x), "key_convolution", context);
  const Tensor v = convolved(value_convolution, value(x), "value_convolution", context);
  const Tensor step = unary(exp_op, decay) * unary(softplus_op, fourth_in(x) + time_bias);
  const Tensor y =
      scanned({q, k, v, unary(sigmoid_op, third_in(x)), step},
              {"delta", product(plan.heads, plan.head, plan.key_head), values}, context);
  const Tensor gate = unary(silu_op, in_heads(second_in(x), plan.heads));
  return out(reshape(norm(in_heads(y, plan.heads)) * gate, {x.dim(0), x.dim(1), values}));
}

// Kimi Linear, 2025.

void StateMixer::declare_kimi_delta(std::int64_t features) {
  const std::int64_t inner = times(plan.heads, plan.head);
  query = linear_layer(at("q_proj"), features, inner, false);
  key = linear_layer(at("k_proj"), features, inner, false);
  value = linear_layer(at("v_proj"), features, inner, false);
  query_convolution = channel_convolution(at("q_conv1d"), inner, plan.kernel, false);
  key_convolution = channel_convolution(at("k_conv1d"), inner, plan.kernel, false);
  value_convolution = channel_convolution(at("v_conv1d"), inner, plan.kernel, false);
  if (plan.has_full_rank) {
    decay = parameter("A_log", {plan.heads});
    decay_up = linear_layer(at("f_proj"), features, inner, false);
    gate_up = linear_layer(at("g_proj"), features, inner, false);
  } else {
    decay = parameter("A_log", plan.shares_decay ? Shape{plan.head} : Shape{1, 1, plan.heads, 1});
    decay_down = linear_layer(at("f_a_proj"), features, plan.head, false);
    decay_up = linear_layer(at("f_b_proj"), plan.head, inner, false);
    if (!plan.has_full_gate) gate_down = linear_layer(at("g_a_proj"), features, plan.head, false);
    gate_up = plan.has_full_gate ? linear_layer(at("g_proj"), features, inner, false)
                                 : linear_layer(at("g_b_proj"), plan.head, inner, false);
  }
  time_bias = parameter("dt_bias", {inner});
  rate = linear_layer(at("b_proj"), features, plan.heads, false);
  norm = rms(at("o_norm"), plan.head);
  out = linear_layer(place(*this, plan.output), inner, features, false);
}

Tensor StateMixer::run_kimi_delta(Tensor x, PassageContext& context) const {
  const std::int64_t inner = plan.heads * plan.head;
  const Tensor q = convolved(query_convolution, query(x), "query_convolution", context);
  const Tensor k = convolved(key_convolution, key(x), "key_convolution", context);
  const Tensor v = convolved(value_convolution, value(x), "value_convolution", context);
  const Tensor step = unary(softplus_op, decay_up(apply_if(decay_down, x)) + time_bias);
  const Tensor rates = unary(sigmoid_op, rate(x));
  const Tensor y = scanned({q, k, v, step, decay, rates},
                           {"delta", product(plan.heads, plan.head, plan.head), inner}, context);
  const Tensor gate = unary(sigmoid_op, gate_up(apply_if(gate_down, x)));
  return out(reshape(norm(in_heads(y, plan.heads)), {x.dim(0), x.dim(1), inner}) * gate);
}

// LFM2: a convolution between two gates.

void StateMixer::declare_short_convolution(std::int64_t features) {
  in = linear_layer(at("in_proj"), features, times(3, features), plan.bias);
  convolution = channel_convolution(at("conv"), features, plan.kernel, plan.convolution_bias);
  out = linear_layer(at("out_proj"), features, features, plan.bias);
}

Tensor StateMixer::run_short_convolution(Tensor x, PassageContext& context) const {
  const Chunks parts = chunk(in(x), 3, -1);
  const Tensor y = convolved(convolution, parts[0] * parts[2], "convolution", context);
  return out(parts[1] * y);
}

}  // namespace zoometer
