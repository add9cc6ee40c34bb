#include "zoometer/op/matmul.hpp"

#include <cmath>
#include <limits>

#include "export/onnx/export_rule.hpp"
#include "export/onnx/quantize.hpp"

namespace zoometer {
namespace {

/// Swaps the last two dimensions.
std::string transposed(OnnxStep& step, std::string_view x, std::int64_t rank) {
  Ints order;
  for (std::int64_t i = 0; i < rank; ++i) order.push_back(i);
  std::swap(order[static_cast<std::size_t>(rank - 1)], order[static_cast<std::size_t>(rank - 2)]);
  return step.add("Transpose", {x}, {{"perm", order}});
}

/// ONNX multiplies matrices of wide integers only.
void require_wide(const OnnxStep& step) {
  if (!is_floating(step.dtype()) && bits_of(step.dtype()) < 32)
    step.fail("on short integers has no ONNX equivalent");
}

/// An operand in the type of the result: under autocast, PyTorch's operands have several types.
std::string typed(OnnxStep& step, std::size_t input) {
  return step.cast(step.in(input), step.dtype(input), step.out_dtype());
}

void write_linear(OnnxStep& step) {
  if (is_quantised(step.dtype())) return write_integer_linear(step);
  require_wide(step);
  const std::string x = typed(step, 0);
  const std::string weight = typed(step, 1);
  if (step.shape(0).rank() == 2 && is_floating(step.out_dtype())) {
    std::vector<std::string> inputs{x, weight};
    if (step.has(2)) inputs.push_back(typed(step, 2));
    return step.make("Gemm", inputs, {{"transB", std::int64_t{1}}});
  }
  const std::string columns = transposed(step, weight, 2);
  if (!step.has(2)) return step.make("MatMul", {x, columns});
  const std::string product = step.add("MatMul", {x, columns});
  step.make("Add", {product, typed(step, 2)});
}

void write_matmul(OnnxStep& step) {
  require_wide(step);
  const DType common = promote(step.dtype(0), step.dtype(1));
  const std::string a = step.cast(step.in(0), step.dtype(0), common);
  const std::string b = step.cast(step.in(1), step.dtype(1), common);
  step.make("MatMul", {a, b});
}

void write_addmm(OnnxStep& step) {
  require_wide(step);
  const std::string a = typed(step, 1);
  const std::string b = typed(step, 2);
  if (is_floating(step.out_dtype())) return step.make("Gemm", {a, b, typed(step, 0)});
  // ONNX Runtime has no Gemm of integers.
  step.make("Add", {step.add("MatMul", {a, b}), typed(step, 0)});
}

void write_einsum(OnnxStep& step) {
  step.make("Einsum", step.inputs(), {{"equation", step.attrs<EinsumAttrs>().equation}});
}

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

/// softmax(query key^T scale + mask) value. `masks` gives the mask that the operator's attributes
/// make, or an empty name; `softcap` bounds the scores unless it is 0.
template <class Masks>
void write_products(OnnxStep& step, double declared_scale, double softcap, Masks masks) {
  const Shape& query = step.shape(0);
  const double scale =
      declared_scale != 0 ? declared_scale : 1 / std::sqrt(static_cast<double>(query.dim(-1)));
  const std::string scaled = step.add("Mul", {step.in(0), step.number(scale, step.dtype())});
  const std::string keys = transposed(step, shared_heads(step, 1), step.shape(1).rank());
  std::string scores = step.add("MatMul", {scaled, keys});
  if (softcap != 0) {
    const std::string bound = step.number(softcap, step.dtype());
    scores = step.add("Mul", {step.add("Tanh", {step.add("Div", {scores, bound})}), bound});
  }
  if (const std::string mask = masks(query.dim(-2), step.shape(1).dim(-2)); !mask.empty())
    scores = step.add("Add", {scores, step.cast(mask, DType::float32, step.dtype())});
  if (step.has(3) && step.dtype(3) == DType::boolean) {
    scores = step.add("Where", {step.in(3), scores, step.number(-infinity, step.dtype())});
  } else if (step.has(3)) {
    scores = step.add("Add", {scores, step.cast(step.in(3), step.dtype(3), step.dtype())});
  }
  const std::string weights = step.add("Softmax", {scores}, {{"axis", std::int64_t{-1}}});
  step.make_output(0, "MatMul", {weights, shared_heads(step, 2)});
  if (step.node().output_count() > 1) step.make_output(1, "Identity", {scores});
}

void write_attention(OnnxStep& step) {
  const auto& attrs = step.attrs<AttentionAttrs>();
  write_products(step, attrs.scale, 0, [&](std::int64_t queries, std::int64_t keys) {
    return attrs.is_causal ? causal_mask(step, queries, keys) : std::string();
  });
}

void write_cached_attention(OnnxStep& step) {
  const auto& attrs = step.attrs<CachedAttentionAttrs>();
  write_products(step, attrs.scale, attrs.softcap, [&](std::int64_t queries, std::int64_t keys) {
    return cache_mask(step, attrs, queries, keys);
  });
}

constexpr OnnxExportRule matmul_rules[] = {{&linear_op, {}, write_linear, on_integers},
                                           {&matmul_op, {}, write_matmul},
                                           {&bmm_op, {}, write_matmul},
                                           {&addmm_op, {}, write_addmm},
                                           {&einsum_op, {}, write_einsum},
                                           {&scaled_dot_product_attention_op, {}, write_attention},
                                           {&cached_attention_op, {}, write_cached_attention}};

}  // namespace

extern constinit const OnnxExportRules matmul_onnx_export_rules = {matmul_rules};

}  // namespace zoometer
