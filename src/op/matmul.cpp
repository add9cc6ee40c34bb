#include "zoometer/op/matmul.hpp"

#include <array>
#include <vector>

namespace zoometer {
namespace {

using namespace declaring;

constexpr Operand linear_inputs[] = {
    {"x", Role::data}, {"weight", Role::weight}, {"bias", Role::bias}};
constexpr std::string_view linear_constraints[] = {
    "x of rank 1 or more and a weight of rank 2",
    "a last dimension of x as long as the weight's second",
    "a bias of one element per output feature"};
constexpr Operand pair_inputs[] = {{"a", Role::data}, {"b", Role::data}};
constexpr std::string_view matmul_constraints[] = {
    "operands of rank 1 or more", "a last dimension of a as long as the second last of b",
    "leading dimensions that broadcast"};
constexpr std::string_view bmm_constraints[] = {"operands of rank 3",
                                                "as many matrices in a as in b",
                                                "a last dimension of a as long as the second of b"};
constexpr Operand addmm_inputs[] = {{"bias", Role::bias}, {"a", Role::data}, {"b", Role::data}};
constexpr std::string_view addmm_constraints[] = {
    "matrices of rank 2", "a second dimension of a as long as the first of b",
    "a bias that broadcasts to the product"};
constexpr std::string_view einsum_constraints[] = {
    "an equation with letters, commas and an arrow, one term per operand",
    "one label per dimension of each operand, none twice within a term",
    "equal sizes of equal labels", "output labels that occur in an operand"};
constexpr Operand grouped_inputs[] = {
    {"rows", Role::data}, {"matrices", Role::weight}, {"ends", Role::indices}};
constexpr std::string_view grouped_constraints[] = {"rows of rank 2 and matrices of rank 3",
                                                    "rows as long as each matrix has rows",
                                                    "one end for each matrix"};
constexpr Operand attention_inputs[] = {
    {"query", Role::data}, {"key", Role::data}, {"value", Role::data}, {"mask", Role::mask}};
constexpr std::string_view attention_constraints[] = {
    "query, key and value of equal rank of at least 2",
    "a query and a key with last dimensions of equal length", "as many keys as values"};
constexpr std::string_view cached_attention_constraints[] = {
    "query, key and value of equal rank of at least 2",
    "a query and a key with last dimensions of equal length", "as many keys as values",
    "0 to 2^40 keys before that of the first query", "windows of at least 0, or -1 for none"};
constexpr std::int64_t longest = std::int64_t{1} << 40;

void infer_linear(Inference& in) {
  const Shape& x = in.shape(0);
  const Shape& weight = in.shape(1);
  in.require(x.rank() >= 1 && weight.rank() == 2, 1);
  in.require(x.dim(-1) == weight.dim(1), 2);
  if (in.has(2)) in.require(in.shape(2).rank() == 1 && in.shape(2).dim(0) == weight.dim(0), 3);
  Shape out = x;
  out.set_dim(-1, weight.dim(0));
  in.output(out, in.dtype(0));
}

Cost cost_linear(const NodeView& node) {
  return {checked_mul(node.out_numel(), node.in(1).dim(1)), node.has(2) ? node.out_numel() : 0};
}

Shape leading(const Shape& shape) {
  return Shape(std::span<const std::int64_t>(shape).first(shape.size() > 2 ? shape.size() - 2 : 0));
}

void infer_matmul(Inference& in) {
  const Shape& a = in.shape(0);
  const Shape& b = in.shape(1);
  in.require(a.rank() >= 1 && b.rank() >= 1, 1);
  in.require(a.dim(-1) == b.dim(b.rank() == 1 ? -1 : -2), 2);
  Shape out;
  in.require(broadcast(leading(a), leading(b), out), 3);
  if (a.rank() > 1) out.push_back(a.dim(-2));
  if (b.rank() > 1) out.push_back(b.dim(-1));
  in.output(out, promote(in.dtype(0), in.dtype(1)));
}

void infer_bmm(Inference& in) {
  const Shape& a = in.shape(0);
  const Shape& b = in.shape(1);
  in.require(a.rank() == 3 && b.rank() == 3, 1);
  in.require(a.dim(0) == b.dim(0), 2);
  in.require(a.dim(2) == b.dim(1), 3);
  in.output({a.dim(0), a.dim(1), b.dim(2)}, in.dtype(0));
}

void infer_addmm(Inference& in) {
  const Shape& a = in.shape(1);
  const Shape& b = in.shape(2);
  in.require(a.rank() == 2 && b.rank() == 2, 1);
  in.require(a.dim(1) == b.dim(0), 2);
  const Shape product{a.dim(0), b.dim(1)};
  Shape out;
  in.require(broadcast(in.shape(0), product, out) && out == product, 3);
  in.output(out, in.dtype(1));
}

template <std::size_t First>
Cost cost_product(const NodeView& node) {
  return {checked_mul(node.out_numel(), node.in(First).dim(-1)), First == 1 ? node.out_numel() : 0};
}

/// The labels of an equation's terms and of its output.
struct Equation {
  std::vector<std::string_view> terms;
  std::string_view output;
  bool has_output = false;
};

Equation split(std::string_view text) {
  Equation equation;
  const std::size_t arrow = text.find("->");
  equation.has_output = arrow != std::string_view::npos;
  if (equation.has_output) equation.output = text.substr(arrow + 2);
  std::string_view rest = text.substr(0, arrow);
  for (;;) {
    const std::size_t comma = rest.find(',');
    equation.terms.push_back(rest.substr(0, comma));
    if (comma == std::string_view::npos) return equation;
    rest.remove_prefix(comma + 1);
  }
}

constexpr bool is_label(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

using LabelSizes = std::array<std::int64_t, 128>;  // -1: the label does not occur

void bind_labels(const Inference& in, std::string_view term, const Shape& shape,
                 LabelSizes& sizes) {
  std::array<bool, 128> seen{};
  std::int64_t position = 0;
  for (const char c : term) {
    if (c == ' ') continue;
    in.require(is_label(c), 1);
    const auto label = static_cast<std::size_t>(static_cast<unsigned char>(c));
    in.require(position < shape.rank() && !seen[label], 2);
    seen[label] = true;
    const std::int64_t size = shape.dim(position++);
    in.require(sizes[label] == -1 || sizes[label] == size, 3);
    sizes[label] = size;
  }
  in.require(position == shape.rank(), 2);
}

void infer_einsum(Inference& in) {
  const Equation equation = split(in.attrs<EinsumAttrs>().equation);
  in.require(equation.has_output && equation.terms.size() == in.input_count(), 1);
  LabelSizes sizes;
  sizes.fill(-1);
  for (std::size_t i = 0; i < in.input_count(); ++i) {
    bind_labels(in, equation.terms[i], in.shape(i), sizes);
  }
  Shape out;
  for (const char c : equation.output) {
    if (c == ' ') continue;
    in.require(is_label(c) && sizes[static_cast<std::size_t>(c)] != -1, 4);
    out.push_back(sizes[static_cast<std::size_t>(c)]);
  }
  in.output(out, in.dtype(0));
}

Cost cost_einsum(const NodeView& node) {
  const Equation equation = split(node.attrs<EinsumAttrs>().equation);
  LabelSizes sizes;
  sizes.fill(1);
  for (std::size_t i = 0; i < node.input_count(); ++i) {
    std::int64_t position = 0;
    for (const char c : equation.terms[i]) {
      if (c != ' ') sizes[static_cast<std::size_t>(c)] = node.in(i).dim(position++);
    }
  }
  std::int64_t all = 1;
  for (const std::int64_t size : sizes) all = checked_mul(all, size);
  return node.input_count() > 1 ? Cost{all, 0} : Cost{0, all};
}

void infer_attention(Inference& in) {
  const Shape& query = in.shape(0);
  const Shape& key = in.shape(1);
  const Shape& value = in.shape(2);
  in.require(query.rank() >= 2 && key.rank() == query.rank() && value.rank() == query.rank(), 1);
  in.require(query.dim(-1) == key.dim(-1), 2);
  in.require(key.dim(-2) == value.dim(-2), 3);
  Shape out = query;
  out.set_dim(-1, value.dim(-1));
  in.output(out, in.dtype(0));
}

/// The query's rows of all batches and heads.
std::int64_t query_rows(const NodeView& node) {
  return node.in_numel(0) / std::max<std::int64_t>(1, node.in(0).dim(-1));
}

/// What is multiplied for each score: the query with the key, and the score with the value.
std::int64_t macs_per_score(const NodeView& node) {
  return checked_add(node.in(0).dim(-1), node.in(2).dim(-1));
}

/// Of `queries` rows, the first at place `past`: the sum of min(place + 1, most) over the rows,
/// which is how many keys each sees if it sees none after its place.
std::int64_t keys_up_to_places(std::int64_t queries, std::int64_t past, std::int64_t most) {
  const std::int64_t growing = std::clamp<std::int64_t>(most - past - 1, 0, queries);
  const std::int64_t triangle = checked_mul(growing, growing - 1) / 2;
  return checked_add(checked_add(checked_mul(growing, past + 1), triangle),
                     checked_mul(queries - growing, most));
}

Cost cost_attention(const NodeView& node) {
  const std::int64_t keys = node.in(1).dim(-2);
  const std::int64_t scores = checked_mul(query_rows(node), keys);
  Cost cost{checked_mul(scores, macs_per_score(node)), checked_mul(scores, node.has(3) ? 7 : 6)};
  const std::int64_t queries = node.in(0).dim(-2);
  if (node.attrs<AttentionAttrs>().is_causal && queries > 0) {
    const std::int64_t heads = query_rows(node) / queries;
    const std::int64_t seen = checked_mul(heads, keys_up_to_places(queries, 0, keys));
    cost.hidden = checked_mul(scores - seen, macs_per_score(node));
  }
  return cost;
}

void infer_cached_attention(Inference& in) {
  infer_attention(in);
  const auto& attrs = in.attrs<CachedAttentionAttrs>();
  in.require(attrs.past >= 0 && attrs.past < longest, 4);
  in.require(attrs.left_window >= -1 && attrs.right_window >= -1, 5);
}

/// The scores of one head: those of the whole product, and those that a causal mask leaves.
struct Scores {
  std::int64_t all = 0;
  std::int64_t seen = 0;
};

/// Query i, at place p = past + i, sees the keys p - left to p + right of 0 to keys - 1. The whole
/// product under a causal mask is of as many keys for each query as the window is long.
Scores scores_of(const CachedAttentionAttrs& attrs, std::int64_t queries, std::int64_t keys) {
  const std::int64_t left = attrs.left_window < 0 ? longest : std::min(attrs.left_window, longest);
  const bool is_open = attrs.right_window < 0 && !attrs.is_causal;
  const std::int64_t right = is_open           ? longest
                             : attrs.is_causal ? 0
                                               : std::min(attrs.right_window, longest);
  const auto up_to = [&](std::int64_t edge) {  // keys that are not after place edge + i, summed up
    if (edge >= 0) return keys_up_to_places(queries, edge, keys);
    return keys_up_to_places(std::max<std::int64_t>(0, checked_add(queries, edge)), 0, keys);
  };
  const std::int64_t seen = up_to(attrs.past + right) - up_to(attrs.past - left - 1);
  return {attrs.is_causal ? checked_mul(queries, std::min(keys, left + 1)) : seen, seen};
}

Cost cost_cached_attention(const NodeView& node) {
  const auto& attrs = node.attrs<CachedAttentionAttrs>();
  const std::int64_t queries = node.in(0).dim(-2);
  if (queries == 0) return {};
  const std::int64_t heads = query_rows(node) / queries;
  const Scores scores = scores_of(attrs, queries, node.in(1).dim(-2));
  const std::int64_t all = checked_mul(heads, scores.all);
  const std::int64_t hidden = all - checked_mul(heads, scores.seen);
  const std::int64_t others = (node.has(3) ? 7 : 6) + (attrs.softcap != 0 ? 3 : 0);
  return {checked_mul(all, macs_per_score(node)), checked_mul(all, others),
          checked_mul(hidden, macs_per_score(node))};
}

/// Query rows x keys; a fused kernel needs none.
std::int64_t score_matrix(const NodeView& node) {
  return checked_mul(query_rows(node), node.in(1).dim(-2));
}

/// Its two products have four factors, of which query and key make up the first two.
std::int64_t attention_backward_macs(const NodeView&, std::int64_t forward, std::int64_t) {
  return checked_mul(2, forward);
}

std::int64_t logsumexp_bytes(const NodeView& node) {
  return bytes_of(query_rows(node), DType::float32);
}

constexpr Extra logsumexp_of_rows{"one number for each row of scores, in float32", logsumexp_bytes};

constexpr Backward attention_backward{.keeps = first | second | third | fourth | result,
                                      .factors = first | second | third,
                                      .extra = &logsumexp_of_rows,
                                      .macs = attention_backward_macs};

void infer_grouped_matmul(Inference& in) {
  const Shape& rows = in.shape(0);
  const Shape& matrices = in.shape(1);
  in.require(rows.rank() == 2 && matrices.rank() == 3, 1);
  in.require(rows.dim(1) == matrices.dim(1), 2);
  in.require(in.shape(2) == Shape{matrices.dim(0)}, 3);
  in.output({rows.dim(0), matrices.dim(2)}, in.dtype(0));
}

std::int64_t count_matrices(const NodeView& node) { return node.in(1).dim(0); }

}  // namespace

constinit const OpDef linear_op = {.name = "linear",
                                   .summary = "x times the transposed weight, plus a bias.",
                                   .formula = "2 x MACs + 1 per output element for the bias; "
                                              "MACs = output elements x input features",
                                   .kind = OpKind::product,
                                   .inputs = linear_inputs,
                                   .constraints = linear_constraints,
                                   .attrs = AttrType::of<NoAttrs>(),
                                   .backward = keeps_factors(),
                                   .fusion = Fuse::leads,
                                   .memory = new_memory,
                                   .arithmetic = additions,
                                   .infer = infer_linear,
                                   .cost = cost_linear};

constinit const OpDef matmul_op = {.name = "matmul",
                                   .summary = "Matrix product over the last two dimensions.",
                                   .formula =
                                       "2 x MACs; MACs = output elements x length of the products",
                                   .kind = OpKind::product,
                                   .inputs = pair_inputs,
                                   .constraints = matmul_constraints,
                                   .attrs = AttrType::of<NoAttrs>(),
                                   .backward = keeps_factors(),
                                   .fusion = Fuse::absorbs,
                                   .memory = new_memory,
                                   .arithmetic = additions,
                                   .infer = infer_matmul,
                                   .cost = cost_product<0>};

constinit const OpDef bmm_op = {.name = "bmm",
                                .summary = "Matrix products of two batches.",
                                .formula =
                                    "2 x MACs; MACs = output elements x length of the products",
                                .kind = OpKind::product,
                                .inputs = pair_inputs,
                                .constraints = bmm_constraints,
                                .attrs = AttrType::of<NoAttrs>(),
                                .backward = keeps_factors(),
                                .fusion = Fuse::absorbs,
                                .memory = new_memory,
                                .arithmetic = additions,
                                .infer = infer_bmm,
                                .cost = cost_product<0>};

constinit const OpDef addmm_op = {.name = "addmm",
                                  .summary = "Matrix product plus a bias.",
                                  .formula = "2 x MACs + 1 per output element; "
                                             "MACs = output elements x length of the products",
                                  .kind = OpKind::product,
                                  .inputs = addmm_inputs,
                                  .constraints = addmm_constraints,
                                  .attrs = AttrType::of<NoAttrs>(),
                                  .backward = keeps_factors(second | third),
                                  .fusion = Fuse::leads,
                                  .memory = new_memory,
                                  .arithmetic = additions,
                                  .infer = infer_addmm,
                                  .cost = cost_product<1>};

constinit const OpDef grouped_matmul_op = {
    .name = "grouped_matmul",
    .summary = "Rows, each times the matrix of its group, as in a mixture of experts.",
    .formula = "2 x MACs, however rows fall into groups; MACs = output elements x length of a row",
    .kind = OpKind::product,
    .inputs = grouped_inputs,
    .constraints = grouped_constraints,
    .attrs = AttrType::of<NoAttrs>(),
    .backward = keeps_factors(),
    .fusion = Fuse::leads,
    .memory = Memory{.by_expert = second, .experts = count_matrices},
    .arithmetic = additions,
    .infer = infer_grouped_matmul,
    .cost = cost_product<0>};

constinit const OpDef einsum_op = {
    .name = "einsum",
    .summary = "Sum of products over labelled dimensions.",
    .formula =
        "2 x MACs with two operands, else 1 per element; MACs = product of all labels' sizes",
    .kind = OpKind::product,
    .inputs = pair_inputs,
    .constraints = einsum_constraints,
    .attrs = AttrType::of<EinsumAttrs>(),
    .backward = keeps_factors(all_operands),
    .fusion = Fuse::absorbs,
    .memory = new_memory,
    .arithmetic = additions,
    .infer = infer_einsum,
    .cost = cost_einsum};

constinit const OpDef scaled_dot_product_attention_op = {
    .name = "scaled_dot_product_attention",
    .summary = "softmax(query x key^T / sqrt(E) + mask) x value.",
    .formula = "2 x MACs + 6 per score (scale and softmax), +1 with a mask; "
               "MACs = scores x (query features + value features), also where a causal mask hides "
               "some",
    .kind = OpKind::attention,
    .inputs = attention_inputs,
    .constraints = attention_constraints,
    .attrs = AttrType::of<AttentionAttrs>(),
    .backward = attention_backward,
    .fusion = Fuse::leads,
    .memory = Memory{.workspace = score_matrix},
    .arithmetic = real_arithmetic,
    .infer = infer_attention,
    .cost = cost_attention};

constinit const OpDef cached_attention_op = {
    .name = "cached_attention",
    .summary = "The same where the first query follows `past` keys, and each query sees the keys "
               "in a window around its own place.",
    .formula = "2 x MACs + 6 per score (scale and softmax), +1 with a mask, +3 with a bound "
               "(quotient, tanh, product); MACs = scores within the window x (query features + "
               "value features)",
    .kind = OpKind::attention,
    .inputs = attention_inputs,
    .constraints = cached_attention_constraints,
    .attrs = AttrType::of<CachedAttentionAttrs>(),
    .backward = attention_backward,
    .fusion = Fuse::leads,
    .memory = Memory{.workspace = score_matrix},
    .arithmetic = real_arithmetic,
    .infer = infer_cached_attention,
    .cost = cost_cached_attention};

namespace {

constexpr const OpDef* ops[] = {&linear_op,
                                &matmul_op,
                                &bmm_op,
                                &addmm_op,
                                &einsum_op,
                                &scaled_dot_product_attention_op,
                                &cached_attention_op,
                                &grouped_matmul_op};

}  // namespace

extern constinit const OpGroup matmul_ops = {"products",
                                             "Matrix products and operators made of them.", ops};

Tensor linear(Tensor x, Tensor weight, Tensor bias) {
  return bias ? apply(linear_op, NoAttrs{}, x, weight, bias)
              : apply(linear_op, NoAttrs{}, x, weight);
}

Tensor matmul(Tensor a, Tensor b) { return apply(matmul_op, NoAttrs{}, a, b); }

Tensor bmm(Tensor a, Tensor b) { return apply(bmm_op, NoAttrs{}, a, b); }

Tensor addmm(Tensor bias, Tensor a, Tensor b) { return apply(addmm_op, NoAttrs{}, bias, a, b); }

Tensor grouped_matmul(Tensor rows, Tensor matrices, Tensor ends) {
  return apply(grouped_matmul_op, NoAttrs{}, rows, matrices, ends);
}

Tensor einsum(std::string_view equation, Tensor a, Tensor b) {
  const EinsumAttrs attrs{equation};
  return b ? apply(einsum_op, attrs, a, b) : apply(einsum_op, attrs, a);
}

Tensor scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor mask,
                                    const AttentionAttrs& attrs) {
  return mask ? apply(scaled_dot_product_attention_op, attrs, query, key, value, mask)
              : apply(scaled_dot_product_attention_op, attrs, query, key, value);
}

Tensor cached_attention(Tensor query, Tensor key, Tensor value, Tensor mask,
                        const CachedAttentionAttrs& attrs) {
  return mask ? apply(cached_attention_op, attrs, query, key, value, mask)
              : apply(cached_attention_op, attrs, query, key, value);
}

}  // namespace zoometer
