// Layers of sequences beside attention: linear attention, causal convolutions with a state, caches
// of keys; and attention with graphs of its own.
#include <cmath>

#include "import/onnx/layers.hpp"
#include "import/onnx/reader.hpp"
#include "op/indexing.hpp"
#include "op/linear_attention.hpp"
#include "zoometer/op/conv.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer {
namespace {

OnnxOutcome emit_linear_attention(OnnxContext& context) {
  const std::int64_t heads = context.integer("q_num_heads", 1);
  const LinearAttentionAttrs attrs{
      heads, context.integer("kv_num_heads", heads),
      context.graph().arena().copy(context.text("update_rule", "gated_delta")),
      context.real("scale", 0)};
  LinearAttentionInputs inputs;
  inputs.query = context.in(0);
  inputs.key = context.in(1);
  inputs.value = context.in(2);
  inputs.state = context.optional_in(3);
  inputs.decay = context.optional_in(4);
  inputs.beta = context.optional_in(5);
  const Tensor result = linear_attention(inputs, attrs);
  context.out(0, result);
  return context.out(1, sibling_output(result, 1));
}

/// What a causal convolution's attributes say, those of ONNX Runtime included.
struct CausalConv {
  bool is_channels_last = false;
  bool is_state_channels_last = false;
  std::int64_t dilation = 1;
};

/// Earlier elements, or zeros, before those of the input; both (batch, channels, length).
Tensor with_earlier(OnnxContext& context, Tensor x, std::int64_t earlier, bool is_channels_last) {
  if (!context.has(3)) return pad_last(x, {earlier, 0});
  const Tensor state = context.in(3);
  context.require(state.rank() == 3, "a state of rank 3");
  return cat({is_channels_last ? transpose(state, 1, 2) : state, x}, 2);
}

/// A convolution of each channel, after the last elements of the step before.
OnnxOutcome emit_causal_conv(OnnxContext& context) {
  // Over several dimensions, or with the states between, as ONNX Runtime may write it.
  if (context.rank(0) != 3 || context.wants(2)) return OnnxOutcome::depends_on_data;
  const CausalConv conv{context.integer("channels_last", 0) != 0,
                        context.integer("state_channels_last", 0) != 0,
                        context.integer("dilation", 1)};
  Tensor x = context.in(0);
  const Tensor weight = context.in(1);
  constexpr std::int64_t most = std::int64_t{1} << 40;
  context.require(x.rank() == 3 && weight.rank() == 3 && weight.dim(1) == 1 && weight.dim(2) >= 1 &&
                      conv.dilation >= 1 && conv.dilation < most,
                  "an input of rank 3 and a weight (channels, 1, size)");
  if (conv.is_channels_last) x = transpose(x, 1, 2);
  const std::int64_t earlier = checked_mul(weight.dim(2) - 1, conv.dilation);
  const Tensor all = with_earlier(context, x, earlier, conv.is_state_channels_last);
  ConvAttrs attrs;
  attrs.stride = {1};
  attrs.padding = attrs.padding_end = {0};
  attrs.dilation = {conv.dilation};
  attrs.groups = weight.dim(0);
  Tensor result = convolution(all, weight, context.optional_in(2), attrs);
  const std::string_view activation = context.text("activation", "none");
  if (activation == "silu" || activation == "swish") result = unary(silu_op, result);
  context.out(0, conv.is_channels_last ? transpose(result, 1, 2) : result);
  const Tensor state = slice(all, 2, all.dim(2) - earlier, all.dim(2));
  context.out(1, conv.is_state_channels_last ? transpose(state, 1, 2) : state);
  return OnnxOutcome::done;
}

/// New keys or values in a cache of fixed length.
OnnxOutcome emit_tensor_scatter(OnnxContext& context) {
  const Tensor cache = context.in(0);
  const Tensor update = context.in(1);
  const std::int64_t axis = context.axis(context.integer("axis", -2), cache.rank());
  return context.out(tensor_scatter(cache, update, context.optional_in(2), axis));
}

/// The scores or the probabilities after a graph of the node's own, if it has one.
Tensor modified(OnnxContext& context, std::string_view name, Tensor x) {
  const OnnxAttribute* found = context.attribute(name);
  if (found == nullptr) return x;
  context.require(!found->graph.empty(), "graphs that modify scores");
  OnnxReader& reader = context.reader();
  OnnxValue input;
  input.kind = OnnxValue::Kind::tensor;
  input.id = x.id;
  const OnnxGraph body = reader.records().graph(found->graph);
  const std::vector<OnnxValue> outputs = reader.run_subgraph(body, context.frame(), {{input}});
  context.require(outputs.size() == 1, "one output of such a graph");
  return outputs[0].id != no_id ? Tensor{x.graph, outputs[0].id} : x;
}

/// Attention whose scores and probabilities the node's graphs modify: so both exist in memory.
OnnxOutcome emit_flex_attention(OnnxContext& context) {
  Tensor query = context.in(0);
  const Tensor key = context.in(1), value = context.in(2);
  context.require(query.rank() == 4 && key.rank() == 4 && value.rank() == 4 && key.dim(1) >= 1 &&
                      query.dim(1) % key.dim(1) == 0,
                  "operands of rank 4 and heads that the keys' divide");
  const double scale = context.real("scale", 0);
  const bool is_plain =
      context.attribute("score_mod") == nullptr && context.attribute("prob_mod") == nullptr;
  if (is_plain) {
    const Tensor none{&context.graph(), no_id};
    return context.out(scaled_dot_product_attention(query, key, value, none, {false, scale}));
  }
  const Shape sizes = query.shape();
  const std::int64_t rows = checked_mul(sizes[1] / key.dim(1), sizes[2]);
  query = reshape(query, {sizes[0], key.dim(1), rows, sizes[3]});  // heads that share a key
  const double factor =
      scale != 0 ? scale : 1 / std::sqrt(static_cast<double>(std::max<std::int64_t>(1, sizes[3])));
  Tensor scores = matmul(query * factor, transpose(key, -2, -1));
  scores = reshape(scores, {sizes[0], sizes[1], sizes[2], key.dim(2)});
  const Tensor weights = softmax(modified(context, "score_mod", scores), -1);
  const Tensor probabilities = modified(context, "prob_mod", weights);
  const Tensor grouped = reshape(probabilities, {sizes[0], key.dim(1), rows, key.dim(2)});
  const Tensor result = matmul(grouped, value);
  return context.out(reshape(result, {sizes[0], sizes[1], sizes[2], value.dim(3)}));
}

using enum Meaning;

constexpr NoEffect linear_no_effect[] = {
    {"chunk_size", "how a kernel divides the steps"},
    {"state_window", "which states are kept beside the last one"},
};

constexpr NoEffect causal_no_effect[] = {
    {"ndim=1", "the default"},
    {"state_window", "which states are kept beside the last one"},
    {"state_update_capacity", "read by other kernels"},
};

constexpr NoEffect scatter_no_effect[] = {
    {"mode", "which places are written"},
};

constexpr NoEffect flex_no_effect[] = {
    {"softmax_precision", "the precision on the way"},
};

constexpr OnnxOperator sequence_rows[] = {
    {"CausalConvWithState",
     same_values,
     emit_causal_conv,
     {.weights = {1, 2}, .no_effect = causal_no_effect}},
    {"LinearAttention", same_values, emit_linear_attention, {.no_effect = linear_no_effect}},
    {"TensorScatter",
     same_cost,
     emit_tensor_scatter,
     {.settings = {2}, .no_effect = scatter_no_effect}},
};

constexpr OnnxOperator microsoft_sequence_rows[] = {
    {"CausalConvWithState",
     same_values,
     emit_causal_conv,
     {.weights = {1, 2}, .no_effect = causal_no_effect}},
    {"LinearAttention", same_values, emit_linear_attention, {.no_effect = linear_no_effect}},
};

constexpr OnnxOperator preview_rows[] = {
    {"FlexAttention", same_values, emit_flex_attention, {.no_effect = flex_no_effect}},
};

}  // namespace

extern constinit const OnnxOperators onnx_sequence_operators = {"", sequence_rows};
extern constinit const OnnxOperators onnx_microsoft_sequence_operators = {"com.microsoft",
                                                                          microsoft_sequence_rows};
extern constinit const OnnxOperators onnx_preview_operators = {"ai.onnx.preview", preview_rows};

}  // namespace zoometer
