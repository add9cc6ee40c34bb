#include <cmath>
#include <functional>
#include <limits>

#include "export/onnx/export_rule.hpp"
#include "op/decoder_attention.hpp"
#include "op/language.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/rotary.hpp"

namespace zoometer {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// A mask (queries, keys) that is -infinity above the diagonal and 0 elsewhere.
std::string causal_mask(OnnxStep& step, std::int64_t queries, std::int64_t keys) {
  const std::string sizes = step.integers({queries, keys});
  const std::string zeros = step.add("ConstantOfShape", {sizes});
  const std::string ones = step.add("Add", {zeros, step.number(1)});
  const std::string below = step.add("Trilu", {ones}, {{"upper", std::int64_t{0}}});
  const std::string is_seen = step.add("Cast", {below}, {{"to", DType::boolean}});
  return step.add("Where", {is_seen, step.number(0), step.number(-infinity)});
}

/// The same for the keys that each query sees of a cache.
std::string cache_mask(OnnxStep& step, const CachedAttentionAttrs& attrs, std::int64_t queries,
                       std::int64_t keys) {
  const std::string zeros = step.add("ConstantOfShape", {step.integers({queries, keys})});
  std::string seen = step.add("Add", {zeros, step.number(1)});
  const std::int64_t right = attrs.is_causal ? 0 : attrs.right_window;
  if (right >= 0) {
    const std::string last = step.integer(attrs.past + right);
    seen = step.add("Trilu", {seen, last}, {{"upper", std::int64_t{0}}});
  }
  if (attrs.left_window >= 0) {
    const std::string first = step.integer(attrs.past - attrs.left_window);
    seen = step.add("Trilu", {seen, first}, {{"upper", std::int64_t{1}}});
  }
  const std::string is_seen = step.add("Cast", {seen}, {{"to", DType::boolean}});
  return step.add("Where", {is_seen, step.number(0), step.number(-infinity)});
}

/// Keys or values (..., heads, length, features), each head as often as several of the query share
/// it.
std::string shared_heads(OnnxStep& step, std::size_t input) {
  const Shape& x = step.shape(input);
  if (x.rank() < 3 || step.shape(0).rank() < 3) return step.in(input);
  const std::int64_t heads = x.dim(-3);
  const std::int64_t wanted = step.shape(0).dim(-3);
  if (heads <= 1 || heads == wanted || wanted % heads != 0) return step.in(input);
  Ints grouped = x;
  grouped.insert(static_cast<std::size_t>(x.rank() - 2), wanted / heads);
  Ints joined = x;
  joined[static_cast<std::size_t>(x.rank() - 3)] = wanted;
  const std::string apart = step.unsqueeze(step.in(input), x.rank() - 2);
  return step.reshape(step.add("Expand", {apart, step.integers(grouped)}), joined);
}

/// What an attention does besides its products.
struct AttentionParts {
  double scale = 0;                        ///< 0: one over the root of the query's features
  double softcap = 0;                      ///< bounds the scores; 0: nothing does
  std::function<std::string()> mask = {};  ///< writes that of the attributes, in float32; or none
  std::size_t added = 3;     ///< the operand that is added to the scores, or says which ones count
  std::size_t sinks = none;  ///< the operand with a score of each head that no value belongs to
  static constexpr std::size_t none = SIZE_MAX;
};

/// The softmax of scores (N, heads, queries, keys), in which a score of each head may take part.
std::string softmax_with_sinks(OnnxStep& step, std::string_view scores, std::size_t sinks) {
  const auto softmax = [&](std::string_view x) {
    return step.add("Softmax", {x}, {{"axis", std::int64_t{-1}}});
  };
  if (sinks == AttentionParts::none || !step.has(sinks)) return softmax(scores);
  const Shape& query = step.shape(0);
  const std::int64_t keys = step.shape(1).dim(-2);
  const std::string one = step.reshape(step.in(sinks), {1, query.dim(1), 1, 1});
  const std::string each =
      step.add("Expand", {one, step.integers({query.dim(0), query.dim(1), query.dim(2), 1})});
  const std::string all = step.add("Concat", {scores, each}, {{"axis", std::int64_t{-1}}});
  return step.slice(softmax(all), 3, 0, keys);
}

/// softmax(query key^T scale + mask) value.
void write_products(OnnxStep& step, const AttentionParts& parts) {
  const Shape& query = step.shape(0);
  const auto features = static_cast<double>(query.dim(-1));
  const double scale = parts.scale != 0 ? parts.scale : 1 / std::sqrt(features);
  const std::string scaled = step.add("Mul", {step.in(0), step.number(scale, step.dtype())});
  const std::string keys = step.transposed(shared_heads(step, 1), step.shape(1).rank());
  std::string scores = step.add("MatMul", {scaled, keys});
  if (parts.softcap != 0) {
    const std::string bound = step.number(parts.softcap, step.dtype());
    scores = step.add("Mul", {step.add("Tanh", {step.add("Div", {scores, bound})}), bound});
  }
  if (parts.mask)
    scores = step.add("Add", {scores, step.cast(parts.mask(), DType::float32, step.dtype())});
  if (step.has(parts.added) && step.dtype(parts.added) == DType::boolean) {
    const std::string hidden = step.number(-infinity, step.dtype());
    scores = step.add("Where", {step.in(parts.added), scores, hidden});
  } else if (step.has(parts.added)) {
    const std::string added = step.in(parts.added);
    scores = step.add("Add", {scores, step.cast(added, step.dtype(parts.added), step.dtype())});
  }
  const std::string weights = softmax_with_sinks(step, scores, parts.sinks);
  step.make_output(0, "MatMul", {weights, shared_heads(step, 2)});
  if (step.node().output_count() > 1) step.make_output(1, "Identity", {scores});
}

void write_attention(OnnxStep& step) {
  const auto& attrs = step.attrs<AttentionAttrs>();
  AttentionParts parts{.scale = attrs.scale};
  if (attrs.is_causal)
    parts.mask = [&] { return causal_mask(step, step.shape(0).dim(-2), step.shape(1).dim(-2)); };
  write_products(step, parts);
}

void write_cached_attention(OnnxStep& step) {
  const auto& attrs = step.attrs<CachedAttentionAttrs>();
  const auto mask = [&] {
    return cache_mask(step, attrs, step.shape(0).dim(-2), step.shape(1).dim(-2));
  };
  write_products(step, {.scale = attrs.scale, .softcap = attrs.softcap, .mask = mask});
}

// -- language models ------------------------------------------------------------------------------

/// Places first to first + count - 1 of a sequence: (count, 1), or (count).
std::string places(OnnxStep& step, std::int64_t first, std::int64_t count, bool is_column) {
  const std::string all =
      step.add("Range", {step.integer(first), step.integer(first + count), step.integer(1)});
  return is_column ? step.unsqueeze(all, 1) : all;
}

/// The keys that each query sees: none after it, and of those before it the ones in its window or
/// chunk.
std::string seen_mask(OnnxStep& step, const DecoderAttentionAttrs& attrs) {
  const std::int64_t queries = step.shape(0).dim(-2);
  const std::int64_t keys = step.shape(1).dim(-2);
  const std::string query = places(step, attrs.past, queries, true);
  const std::string key = places(step, attrs.past + queries - keys, keys, false);
  std::string seen = step.add("LessOrEqual", {key, query});
  if (attrs.window > 0) {
    const std::string apart = step.add("Sub", {query, key});
    const std::string is_near = step.add("Less", {apart, step.integer(attrs.window)});
    seen = step.add("And", {seen, is_near});
  }
  if (attrs.chunk > 0) {
    const std::string chunk = step.integer(attrs.chunk);
    const std::string of_query = step.add("Div", {query, chunk});
    const std::string is_same = step.add("Equal", {of_query, step.add("Div", {key, chunk})});
    seen = step.add("And", {seen, is_same});
  }
  return step.add("Where", {seen, step.number(0), step.number(-infinity)});
}

void write_decoder_attention(OnnxStep& step) {
  const auto& attrs = step.attrs<DecoderAttentionAttrs>();
  if (attrs.selected > 0) step.fail("over keys that an index selects has no ONNX equivalent");
  if (attrs.stride > 1) step.fail("over keys of several tokens has no ONNX equivalent");
  const auto mask = [&] { return seen_mask(step, attrs); };
  write_products(step, {.scale = attrs.scale, .mask = mask, .added = 4, .sinks = 3});
}

/// Each token with the matrices of its experts, which are gathered: as much as a step reads.
void write_expert_linear(OnnxStep& step) {
  const Shape& x = step.shape(0);
  const std::string& experts = step.in(3);  // (tokens, chosen)
  const std::string own = step.add("Gather", {step.in(1), experts});
  const bool is_transposed = step.attrs<ExpertLinearAttrs>().transposed;
  const std::string matrices = is_transposed ? own : step.transposed(own, 4);
  const std::int64_t rows = x.rank() == 2 ? 1 : x.dim(1);
  const std::string tokens = step.reshape(step.in(0), {x.dim(0), rows, 1, x.dim(-1)});
  const std::string product = step.add("MatMul", {tokens, matrices});  // (tokens, chosen, 1, out)
  const std::string sizes = step.integers(step.node().out());
  if (!step.has(2)) return step.make("Reshape", {product, sizes});
  const std::string y = step.add("Reshape", {product, sizes});
  step.make("Add", {y, step.add("Gather", {step.in(2), experts})});
}

/// A table (..., places, features / 2) for x (N, heads, places, features): a table for each
/// sequence has no dimension of heads.
std::string table_for(OnnxStep& step, std::size_t input) {
  const Shape& table = step.shape(input);
  const bool lacks_heads = table.rank() == 3 && step.shape(0).rank() == 4 && table.dim(0) > 1;
  return lacks_heads ? step.unsqueeze(step.in(input), 1) : step.in(input);
}

void write_rotary_embedding(OnnxStep& step) {
  if (step.has(3)) step.fail("with positions of each row has no equivalent in basic operators");
  const Shape& x = step.shape(0);
  const std::int64_t half = x.dim(-1) / 2;
  const std::int64_t last = x.rank() - 1;
  if (step.shape(1).dim(-1) != half)
    step.fail("with tables of another width has no ONNX equivalent");
  const std::string cosines = step.cast(table_for(step, 1), step.dtype(1), step.dtype());
  const std::string sines = step.cast(table_for(step, 2), step.dtype(2), step.dtype());
  const bool is_paired = step.attrs<RotaryAttrs>().interleaved;
  const std::string first = is_paired ? step.slice(step.in(0), last, 0, x.dim(-1), 2)
                                      : step.slice(step.in(0), last, 0, half);
  const std::string second = is_paired ? step.slice(step.in(0), last, 1, x.dim(-1), 2)
                                       : step.slice(step.in(0), last, half, x.dim(-1));
  std::string left =
      step.add("Sub", {step.add("Mul", {first, cosines}), step.add("Mul", {second, sines})});
  std::string right =
      step.add("Add", {step.add("Mul", {second, cosines}), step.add("Mul", {first, sines})});
  if (!is_paired) return step.make("Concat", {left, right}, {{"axis", std::int64_t{-1}}});
  left = step.unsqueeze(left, x.rank());
  right = step.unsqueeze(right, x.rank());
  const std::string pairs = step.add("Concat", {left, right}, {{"axis", std::int64_t{-1}}});
  step.make("Reshape", {pairs, step.integers(x)});
}

constexpr OnnxExportRule attention_rules[] = {
    {&scaled_dot_product_attention_op, {}, write_attention},
    {&cached_attention_op, {}, write_cached_attention},
    {&decoder_attention_op, {}, write_decoder_attention},
    {&expert_linear_op, {}, write_expert_linear},
    {&rotary_embedding_op, {}, write_rotary_embedding}};

}  // namespace

extern constinit const OnnxExportRules attention_onnx_export_rules = {attention_rules};

}  // namespace zoometer
