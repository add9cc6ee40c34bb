#include "models/language/blocks.hpp"

// Recurrent layers that are no state-space models; those are in states.cpp.

namespace zoometer {

// Peng and others: RWKV, 2023.

void StateMixer::declare_rwkv4(std::int64_t features) {
  decay = parameter("time_decay", {plan.inner});
  skip = parameter("time_first", {plan.inner});
  mix_key = parameter("time_mix_key", {1, 1, features});
  mix_value = parameter("time_mix_value", {1, 1, features});
  mix_receptance = parameter("time_mix_receptance", {1, 1, features});
  key = linear_layer(at("key"), features, plan.inner, false);
  value = linear_layer(at("value"), features, plan.inner, false);
  query = linear_layer(at("receptance"), features, plan.inner, false);
  out = linear_layer(at("output"), plan.inner, features, false);
}

Tensor StateMixer::token_before(Tensor x, PassageContext& context) const {
  const std::int64_t length = x.dim(1);
  const Tensor past = context.past("shift", {x.dim(0), 1, x.dim(2)});
  if (past.id == no_id) return pad_last(slice(x, 1, 0, length - 1), {0, 0, 1, 0});
  return length > 1 ? cat({past, slice(x, 1, 0, length - 1)}, 1) : past;
}

/// Each token is mixed with the one before it.
Tensor StateMixer::run_rwkv4(Tensor x, PassageContext& context) const {
  const Tensor before = token_before(x, context);
  const Tensor step = x - before;
  const Tensor k = key(before + step * mix_key);
  const Tensor v = value(before + step * mix_value);
  const Tensor r = unary(sigmoid_op, query(before + step * mix_receptance));
  const Tensor y =
      scanned({k, v, decay, skip}, {"rwkv", checked_mul(3, plan.inner), plan.inner}, context);
  return out(r * y);
}

// Peng and others: Eagle and Finch, 2024: a matrix for each head, and a gate.

void StateMixer::declare_rwkv5(std::int64_t features) {
  decay = parameter("time_decay", {plan.heads, plan.head});
  skip = parameter("time_faaaa", {plan.heads, plan.head});
  mix_gate = parameter("time_mix_gate", {1, 1, features});
  mix_key = parameter("time_mix_key", {1, 1, features});
  mix_value = parameter("time_mix_value", {1, 1, features});
  mix_receptance = parameter("time_mix_receptance", {1, 1, features});
  key = linear_layer(at("key"), features, plan.inner, false);
  value = linear_layer(at("value"), features, plan.inner, false);
  query = linear_layer(at("receptance"), features, plan.inner, false);
  gate_up = linear_layer(at("gate"), features, plan.inner, false);
  out = linear_layer(at("output"), plan.inner, features, false);
  norm = any_module<LayerNorm>(at("ln_x"), plan.inner);
}

Tensor StateMixer::run_rwkv5(Tensor x, PassageContext& context) const {
  const Tensor before = token_before(x, context);
  const Tensor step = x - before;
  const Tensor k = key(before + step * mix_key);
  const Tensor v = value(before + step * mix_value);
  const Tensor r = query(before + step * mix_receptance);
  const Tensor gate = unary(silu_op, gate_up(before + step * mix_gate));
  const Tensor y =
      scanned({r, k, v, decay, skip},
              {"linear", product(plan.heads, plan.head, plan.head), plan.inner}, context);
  return out(norm(y) * gate);
}

// De and others: Griffin, 2024. Gates in blocks, one for each head.

void StateMixer::declare_gated_recurrence(std::int64_t features) {
  require_size("channels of a convolution", plan.inner);
  in = linear_layer(at("linear_y"), features, plan.inner, true);
  second_in = linear_layer(at("linear_x"), features, plan.inner, true);
  out = linear_layer(at("linear_out"), plan.inner, features, true);
  convolution =
      any_module<Conv1d>(at("conv_1d"), plan.inner, plan.inner,
                         ConvOptions{.kernel = plan.kernel, .groups = plan.inner, .bias = true});
  decay = parameter("rg_lru.recurrent_param", {plan.inner});
  input_gate = parameter("rg_lru.input_gate_weight", {plan.heads, plan.head, plan.head});
  input_gate_bias = parameter("rg_lru.input_gate_bias", {plan.heads, plan.head});
  recurrent_gate = parameter("rg_lru.recurrent_gate_weight", {plan.heads, plan.head, plan.head});
  recurrent_gate_bias = parameter("rg_lru.recurrent_gate_bias", {plan.heads, plan.head});
}

Tensor StateMixer::run_gated_recurrence(Tensor x, PassageContext& context) const {
  const Tensor y = gelu(in(x));
  const Tensor u = convolved(convolution, second_in(x), "convolution", context);
  const Tensor heads = unsqueeze(in_heads(u, plan.heads), 3);
  const auto gated = [&](Tensor weight, Tensor bias) {
    return unary(sigmoid_op, squeeze(matmul(heads, weight), 3) + bias);
  };
  const Tensor a = gated(input_gate, input_gate_bias);
  const Tensor b = gated(recurrent_gate, recurrent_gate_bias);
  const Tensor state = scanned({u, a, b, decay}, {"linear", plan.inner, plan.inner}, context);
  return out(state * y);
}

// MiniMax-01, 2025: linear attention with a fixed decay of each head.

void StateMixer::declare_decayed(std::int64_t features) {
  const std::int64_t inner = checked_mul(plan.heads, plan.head);
  in = linear_layer(at("qkv_proj"), features, checked_mul(3, inner), false);
  norm = any_module<RMSNorm>(at("norm"), inner);
  gate_up = linear_layer(at("output_gate"), features, inner, false);
  out = linear_layer(at("out_proj"), inner, features, false);
}

Tensor StateMixer::run_decayed(Tensor x, PassageContext& context) const {
  const std::int64_t inner = plan.heads * plan.head;
  const Tensor u = unary(silu_op, in(x));
  const Tensor y =
      scanned({u}, {"linear", product(plan.heads, plan.head, plan.head), inner}, context);
  return out(norm(y) * unary(sigmoid_op, gate_up(x)));
}

}  // namespace zoometer
