// Attention.
#include <algorithm>

#include "import/keras/call.hpp"
#include "op/mobile.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/reduce.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

constexpr std::string_view attention_unread =
    "dropout sliding_window flash_attention seed use_causal_mask query_shape key_shape value_shape";

/// x (..., in) with a kernel (in, heads, width) and a bias (heads, width), as a layer of its own
/// -> (..., heads, width).
Tensor project(KerasCall& call, std::string_view name, Tensor x, std::int64_t heads,
               std::int64_t width, bool has_bias) {
  const std::uint32_t opened = call.reader().open(name, "EinsumDense");
  const std::int64_t units = checked_mul(heads, width);
  const Tensor kernel = call.weight("kernel", {x.dim(-1), heads, width});
  const Tensor bias =
      has_bias ? reshape(call.weight("bias", {heads, width}), {units}) : call.none();
  Tensor result = keras_dense(x, reshape(kernel, {x.dim(-1), units}), bias);
  Ints sizes;
  for (std::int64_t i = 0; i + 1 < x.rank(); ++i) sizes.push_back(x.dim(i));
  sizes.push_back(heads);
  sizes.push_back(width);
  result = reshape(result, sizes);
  call.reader().close(opened, result);
  return result;
}

/// x (..., heads, width) with a kernel (heads, width, out...) -> (..., out...).
Tensor project_back(KerasCall& call, Tensor x, const Ints& out, bool has_bias) {
  const std::uint32_t opened = call.reader().open("attention_output", "EinsumDense");
  const std::int64_t heads = x.dim(-2), width = x.dim(-1);
  Shape sizes{heads, width};
  std::int64_t units = 1;
  for (const std::int64_t size : out) {
    call.require(size >= 1, "sizes of at least 1");
    sizes.push_back(size);
    units = checked_mul(units, size);
  }
  const std::int64_t in = checked_mul(heads, width);
  const Tensor kernel = call.weight("kernel", sizes);
  const Tensor bias = has_bias ? reshape(call.weight("bias", Shape(out)), {units}) : call.none();
  Ints rows;
  for (std::int64_t i = 0; i + 2 < x.rank(); ++i) rows.push_back(x.dim(i));
  Ints flat = rows;
  flat.push_back(in);
  Tensor result = keras_dense(reshape(x, flat), reshape(kernel, {in, units}), bias);
  for (const std::int64_t size : out) rows.push_back(size);
  if (out.size() != 1) result = reshape(result, rows);
  call.reader().close(opened, result);
  return result;
}

/// Which axes of (batch..., steps..., heads, width) are steps.
struct Steps {
  Ints order;         ///< the batch's axes, the heads, the steps' axes, the width
  std::size_t batch;  ///< how many are the batch's
};

Steps steps_of(KerasCall& call, std::int64_t rank, const Ints& axes) {
  Steps steps{};
  Ints inner;
  for (std::int64_t i = 0; i < rank - 2; ++i) {
    // Axes count those of the operand, which has one less.
    const bool is_step = axes.empty() ? i > 0 : std::ranges::any_of(axes, [&](std::int64_t axis) {
      return call.axis(axis, rank - 1) == i;
    });
    (is_step ? inner : steps.order).push_back(i);
  }
  steps.batch = steps.order.size();
  steps.order.push_back(rank - 2);
  for (const std::int64_t axis : inner) steps.order.push_back(axis);
  steps.order.push_back(rank - 1);
  return steps;
}

/// (batch..., steps..., heads, width) -> (batch..., heads, all steps, width).
Tensor heads_first(Tensor x, const Steps& steps) {
  const Tensor moved = name_axes(x, steps.order);
  Ints sizes;
  std::int64_t joined = 1;
  for (std::size_t i = 0; i < steps.order.size(); ++i) {
    const std::int64_t size = moved.shape()[i];
    const bool is_step = i > steps.batch && i + 1 < steps.order.size();
    if (is_step) joined = checked_mul(joined, size);
    if (i + 1 == steps.order.size()) sizes.push_back(joined);
    if (!is_step) sizes.push_back(size);
  }
  return sizes == static_cast<const Ints&>(moved.shape()) ? moved : reshape(moved, sizes);
}

/// And back, for as many steps as x (batch..., steps..., heads, width) has.
Tensor heads_last(Tensor found, Tensor x, const Steps& steps) {
  Ints sizes;
  for (const std::int64_t axis : steps.order) sizes.push_back(x.dim(axis));
  sizes[sizes.size() - 1] = found.dim(-1);
  const Tensor apart =
      sizes == static_cast<const Ints&>(found.shape()) ? found : reshape(found, sizes);
  Ints back = Ints::filled(steps.order.size(), 0);
  for (std::size_t i = 0; i < back.size(); ++i)
    back[static_cast<std::size_t>(steps.order[i])] = static_cast<std::int64_t>(i);
  return name_axes(apart, back);
}

/// A key or value with each head several times.
Tensor repeated_heads(Tensor x, std::int64_t times) {
  const Tensor wide = expand(unsqueeze(x, 2), {x.dim(0), x.dim(1), times, x.dim(2), x.dim(3)});
  return reshape(wide, {x.dim(0), checked_mul(x.dim(1), times), x.dim(2), x.dim(3)});
}

bool emit_multi_head(KerasCall& call) {
  const bool is_grouped = call.row().number == 1;
  const std::int64_t heads =
      call.integer(is_grouped ? std::initializer_list<std::string_view>{"num_query_heads"}
                              : std::initializer_list<std::string_view>{"num_heads"},
                   0);
  const std::int64_t key_heads = is_grouped ? call.integer({"num_key_value_heads"}, 0) : heads;
  const std::int64_t width = call.integer({"key_dim", "head_dim"}, 0);
  const std::int64_t value_width = is_grouped ? width : call.integer({"value_dim"}, width);
  const bool has_bias = call.flag({"use_bias"}, true);
  call.require(heads >= 1 && key_heads >= 1 && heads % key_heads == 0 && width >= 1 &&
                   value_width >= 1,
               "heads and their sizes");
  const Tensor query = call.named("query", 0);
  const Tensor value = call.named("value", 1);
  Tensor key = call.named("key", 2);
  call.require(query && value && query.rank() >= 3 && value.rank() >= 3, "a query and a value");
  if (!key) key = value;
  const Ints axes = call.list({"attention_axes"});
  const Tensor q = project(call, "query", query, heads, width, has_bias);
  const Tensor k = project(call, "key", key, key_heads, width, has_bias);
  const bool has_gate = call.flag({"use_gate"}, false);
  Tensor gate = call.none();
  if (has_gate && is_grouped) gate = project(call, "gate", query, heads, value_width, has_bias);
  const Tensor v = project(call, "value", value, key_heads, value_width, has_bias);
  if (has_gate && !is_grouped) gate = project(call, "gate", query, heads, value_width, has_bias);
  const Steps steps = steps_of(call, q.rank(), axes);
  call.require(k.rank() == q.rank() && v.rank() == q.rank(), "operands of one rank");
  const Tensor queries = heads_first(q, steps);
  Tensor keys = heads_first(k, steps);
  Tensor values = heads_first(v, steps);
  if (key_heads != heads) {
    call.require(keys.rank() == 4, "sequences");
    keys = repeated_heads(keys, heads / key_heads);
    values = repeated_heads(values, heads / key_heads);
  }
  AttentionAttrs attrs;
  attrs.is_causal = call.flag({"use_causal_mask"}, false);
  Tensor mask = call.named("attention_mask", call.input_count());
  if (mask && mask.rank() == 3) mask = unsqueeze(mask, 1);
  if (mask && mask.rank() != queries.rank()) mask = call.none();
  const Tensor found = scaled_dot_product_attention(queries, keys, values, mask, attrs);
  Tensor rows = heads_last(found, q, steps);
  if (gate) rows = rows * unary(sigmoid_op, gate);
  Ints out = is_grouped ? Ints{} : call.list({"output_shape"});
  if (out.empty()) out.push_back(query.dim(-1));
  call.out(project_back(call, rows, out, has_bias));
  if (call.flag({"return_attention_scores"}, false)) {
    const Tensor operands[] = {found};
    Ints sizes(queries.shape());
    sizes[sizes.size() - 1] = keys.dim(-2);
    call.out(rearrange(operands, {"scores", sizes}));
  }
  return true;
}

/// Luong's and Bahdanau's: operands are query, value and maybe key.
bool emit_attention(KerasCall& call) {
  const bool adds = call.row().number == 1 || call.text({"score_mode"}, "dot") == "concat";
  const Tensor query = call.in(0);
  const Tensor value = call.in(1);
  const Tensor key = call.input_count() > 2 ? call.in(2) : value;
  call.require(query.rank() == 3 && value.rank() == 3 && key.rank() == 3, "sequences");
  const bool has_scale = call.flag({"use_scale"}, adds && call.row().number == 1);
  if (!adds) {
    Tensor scaled = query;
    if (has_scale) scaled = query * call.weight("scale", Shape{});
    const Tensor result = scaled_dot_product_attention(scaled, key, value, call.none(), {});
    call.out(result);
    return true;
  }
  const Tensor sums = unsqueeze(query, 2) + unsqueeze(key, 1);
  Tensor scores = unary(tanh_op, sums);
  if (call.row().number == 1) {
    if (has_scale) scores = scores * call.weight("scale", {query.dim(2)});
  } else {
    if (has_scale) call.weight("scale", Shape{});
    scores = scores * call.weight("concat_score_weight", Shape{});
  }
  const Tensor weights = softmax(sum(scores, {3}), -1);
  return call.out(matmul(weights, value));
}

constexpr KerasOperator attention_rows[] = {
    {"MultiHeadAttention", emit_multi_head, 0, nullptr, attention_unread},
    {"GroupedQueryAttention", emit_multi_head, 1, nullptr, attention_unread},
    {"GroupQueryAttention", emit_multi_head, 1, nullptr, attention_unread},
    {"Attention", emit_attention, 0, nullptr, "dropout causal"},
    {"AdditiveAttention", emit_attention, 1, nullptr, "dropout causal"},
};

}  // namespace

extern constinit const KerasOperators keras_attention_operators = {attention_rows};

}  // namespace zoometer
