// Losses and distances, by the formulas of PyTorch's documentation.
#include <algorithm>
#include <cmath>

#include "import/torch/aten_shared.hpp"
#include "import/torch/decompositions.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer::aten {
namespace {

Tensor absolute(Tensor x) { return zoometer::unary(abs_op, x); }

Tensor logarithm(Tensor x) { return zoometer::unary(log_op, x); }

/// max(x, 0).
Tensor hinge(Tensor x) { return zoometer::unary(relu_op, x); }

/// a where the condition holds, else 0.
Tensor where_or_0(AtenCall& call, Tensor condition, Tensor a) {
  return zoometer::where(condition, a, zoometer::full(call.graph(), {}, 0, a.dtype()));
}

/// 1 - x.
Tensor complement(Tensor x) { return zoometer::unary(neg_op, x) + 1; }

Reduction reduction_of(AtenCall& call) {
  switch (call.integer("reduction", 1)) {
  case 0: return Reduction::none;
  case 1: return Reduction::mean;
  case 2: return Reduction::sum;
  default: call.refuse("an unknown reduction");
  }
}

void output_loss(AtenCall& call, Tensor loss) { call.output(reduced(loss, reduction_of(call))); }

// -- of numbers ---------------------------------------------------------------------------------

void mse_loss(AtenCall& call) {
  const Tensor difference = call.tensor(0) - call.tensor(1);
  output_loss(call, difference * difference);
}

void l1_loss(AtenCall& call) { output_loss(call, absolute(call.tensor(0) - call.tensor(1))); }

/// A parabola below the limit and a line above it; the parabola is x^2 / 2 x `scale`.
Tensor parabola_and_line(Tensor x, double limit, double scale) {
  const Tensor size = absolute(x);
  const Tensor parabola = size * size * (0.5 * scale);
  const Tensor line = scale * limit == 1 ? size - 0.5 * limit : (size - 0.5 * limit) * limit;
  return zoometer::where(zoometer::binary(lt_op, size, limit), parabola, line);
}

void smooth_l1_loss(AtenCall& call) {
  const double beta = call.number("beta", 1);
  if (beta == 0) return l1_loss(call);
  output_loss(call, parabola_and_line(call.tensor(0) - call.tensor(1), beta, 1 / beta));
}

void huber_loss(AtenCall& call) {
  const double delta = call.number("delta", 1);
  output_loss(call, parabola_and_line(call.tensor(0) - call.tensor(1), delta, 1));
}

void soft_margin_loss(AtenCall& call) {
  const Tensor product = zoometer::unary(neg_op, call.tensor(0) * call.tensor(1));
  output_loss(call, zoometer::unary(log1p_op, zoometer::unary(exp_op, product)));
}

/// `alike` for a target of 1 and `apart` for one of -1, as PyTorch chooses: with two conditions.
Tensor by_sign(AtenCall& call, Tensor target, Tensor alike, Tensor apart) {
  const Tensor far = where_or_0(call, zoometer::binary(ne_op, target, 1.0), apart);
  return where_or_0(call, zoometer::binary(ne_op, target, -1.0), alike) + far;
}

void margin_ranking_loss(AtenCall& call) {
  const Tensor order = zoometer::unary(neg_op, call.tensor("target"));
  const Tensor difference = call.tensor(0) - call.tensor(1);
  output_loss(call, hinge(order * difference + call.number("margin", 0)));
}

void hinge_embedding_loss(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const Tensor apart = hinge(zoometer::unary(neg_op, x) + call.number("margin", 1));
  output_loss(call, by_sign(call, call.tensor(1), x, apart));
}

void poisson_nll_loss(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const Tensor target = call.tensor(1);
  const double eps = call.number("eps", 1e-8);
  Tensor loss = call.boolean("log_input", true) ? zoometer::unary(exp_op, x) - target * x
                                                : x - target * logarithm(x + eps);
  if (call.boolean("full", false)) {  // Stirling's approximation where the target is above 1
    const Tensor stirling =
        target * logarithm(target) - target + logarithm(target * 6.283185307179586) * 0.5;
    const Tensor counts = zoometer::binary(gt_op, target, 1.0);
    loss = loss + zoometer::where(counts, stirling, constant(call, 0));
  }
  output_loss(call, loss);
}

// -- of probabilities ---------------------------------------------------------------------------

void binary_cross_entropy(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const Tensor target = call.tensor(1);
  const Tensor of_one = target * logarithm(x);
  const Tensor of_zero = complement(target) * logarithm(complement(x));
  Tensor loss = zoometer::unary(neg_op, of_one + of_zero);
  if (call.has_tensor("weight")) loss = loss * call.tensor("weight");
  output_loss(call, loss);
}

void binary_cross_entropy_with_logits(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const Tensor target = call.tensor(1);
  Tensor likelihood = zoometer::unary(log_sigmoid_op, x);
  if (call.has_tensor("pos_weight"))
    likelihood = likelihood * ((call.tensor("pos_weight") - 1) * target + 1);
  Tensor loss = complement(target) * x - likelihood;
  if (call.has_tensor("weight")) loss = loss * call.tensor("weight");
  output_loss(call, loss);
}

void kl_div(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const Tensor target = call.tensor(1);
  const bool is_log = call.boolean("log_target", false);
  const Tensor weight = is_log ? zoometer::unary(exp_op, target) : target;
  output_loss(call, weight * ((is_log ? target : logarithm(target)) - x));
}

/// The loss of log-probabilities `x` for class indices.
Tensor likelihood_of(AtenCall& call, Tensor x) {
  const Tensor target = call.tensor("target");
  if (x.rank() < 1 || target.rank() != x.rank() - 1)
    call.refuse("a target whose rank is not one less than the input's");
  LikelihoodOptions options;
  options.reduction = reduction_of(call);
  options.ignored = call.integer("ignore_index", -100);
  const Tensor weight = call.optional_tensor("weight");
  const std::size_t first_node = call.graph().nodes().size();
  const Tensor loss = negative_likelihood(x, target, weight, options);
  // The kernel keeps one number besides: the sum of the weights.
  call.keeps(first_node, {x, target, weight}, bytes_of(1, x.dtype()));
  return loss;
}

/// The mean of the log-probabilities `x` over all classes, with the classes' weights: what label
/// smoothing adds.
Tensor even_likelihood(AtenCall& call, Tensor x, std::int64_t classes) {
  const Tensor target = call.tensor("target");
  const Tensor weight = call.optional_tensor("weight");
  if (weight) {
    Ints sizes = Ints::filled(static_cast<std::size_t>(x.rank()), 1);
    sizes[static_cast<std::size_t>(classes)] = weight.dim(0);
    x = x * zoometer::reshape(weight, sizes);
  }
  const Tensor sums = zoometer::unary(neg_op, zoometer::sum(x, {classes}));
  const double ignored = static_cast<double>(call.integer("ignore_index", -100));
  const Tensor counted = zoometer::binary(ne_op, target, ignored);
  const Tensor even = where_or_0(call, counted, sums);
  const Reduction reduction = reduction_of(call);
  if (reduction != Reduction::mean) return reduced(even, reduction);
  Tensor factors = zoometer::to(counted, x.dtype());
  if (weight) factors = factors * zoometer::index(weight, target);
  return zoometer::sum(even, {}) / zoometer::sum(factors, {});
}

// The second result of nll_loss_forward is the sum of the weights.
void nll_loss(AtenCall& call) { output_and_more(call, likelihood_of(call, call.tensor(0))); }

void cross_entropy_loss(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const Tensor target = call.tensor("target");
  if (x.rank() < 1) call.refuse("an input without classes");
  const std::int64_t classes = x.rank() == 1 ? 0 : 1;
  const Tensor likelihood = zoometer::log_softmax(x, classes);
  const double smoothing = call.number("label_smoothing", 0);
  if (target.shape() == x.shape()) {  // probabilities
    Tensor wanted = target;
    if (smoothing > 0) {
      const double share =
          smoothing / static_cast<double>(std::max<std::int64_t>(1, x.dim(classes)));
      wanted = wanted * (1 - smoothing) + share;
    }
    if (call.has_tensor("weight")) call.refuse("weights of classes that are probabilities");
    const Tensor products = likelihood * wanted;
    return output_loss(call, zoometer::unary(neg_op, zoometer::sum(products, {classes})));
  }
  Tensor loss = likelihood_of(call, likelihood);
  if (smoothing > 0) {
    const double share = smoothing / static_cast<double>(std::max<std::int64_t>(1, x.dim(classes)));
    loss = loss * (1 - smoothing) + even_likelihood(call, likelihood, classes) * share;
  }
  call.output(loss);
}

// -- distances ----------------------------------------------------------------------------------

Tensor length_by_parts(Tensor x, double order, bool keepdim) {
  if (order == 2) return reduce(norm_op, x, {-1}, keepdim);
  const Tensor size = absolute(x);
  if (std::isinf(order)) return reduce(amax_op, size, {-1}, keepdim);
  if (order == 1) return zoometer::sum(size, {-1}, keepdim);
  if (order == 0) return zoometer::sum(zoometer::binary(ne_op, size, 0.0), {-1}, keepdim);
  const Tensor powers = zoometer::sum(zoometer::binary(pow_op, size, order), {-1}, keepdim);
  return zoometer::binary(pow_op, powers, 1 / order);
}

/// The norm of that order along the last axis, in one kernel.
Tensor length_of(AtenCall& call, Tensor x, double order, bool keepdim = false) {
  const std::size_t first_node = call.graph().nodes().size();
  const Tensor length = length_by_parts(x, order, keepdim);
  call.keeps(first_node, {x, length});
  return length;
}

/// Euclidean distances by |a|^2 + |b|^2 - 2 a b: a (..., n, k), b (..., m, k) -> (..., n, m).
Tensor distances_by_product(Tensor a, Tensor b) {
  const auto squares = [](Tensor x) { return zoometer::sum(x * x, {-1}, true); };
  const Tensor product = zoometer::matmul(a, zoometer::transpose(b, -2, -1));
  const Tensor sums = squares(a) + zoometer::transpose(squares(b), -2, -1);
  return zoometer::unary(sqrt_op, hinge(product * -2 + sums));
}

void cdist(AtenCall& call) {
  const Tensor a = call.tensor(0);
  const Tensor b = call.tensor(1);
  if (a.rank() < 2 || b.rank() < 2) call.refuse("points of rank 1");
  const double order = call.number("p", 2);
  // PyTorch's modes: a product above 25 points (0), always (1) or never (2).
  constexpr std::int64_t many = 25;
  const std::int64_t mode = call.integer("compute_mode", 0);
  const bool by_product = mode == 1 || (mode == 0 && (a.dim(-2) > many || b.dim(-2) > many));
  if (order == 2 && by_product) return call.output(distances_by_product(a, b));
  const Tensor difference = zoometer::unsqueeze(a, -2) - zoometer::unsqueeze(b, -3);
  call.output(length_of(call, difference, order));
}

void euclidean_dist(AtenCall& call) {
  const Tensor a = call.tensor(0);
  const Tensor b = call.tensor(1);
  if (a.rank() < 2 || b.rank() < 2) call.refuse("points of rank 1");
  call.output(distances_by_product(a, b));
}

void pdist(AtenCall& call) {
  const Tensor x = call.tensor(0);
  if (x.rank() != 2) call.refuse("points of a rank other than 2");
  const std::int64_t n = x.dim(0);
  const std::int64_t pairs = checked_mul(n, std::max<std::int64_t>(0, n - 1)) / 2;
  const auto points = [&] {
    const Tensor which = zoometer::full(call.graph(), {pairs}, 0, DType::int64);
    return zoometer::index_select(x, 0, which);
  };
  const Tensor first = points();
  call.output(length_of(call, first - points(), call.number("p", 2)));
}

void pairwise_distance(AtenCall& call) {
  const Tensor difference = call.tensor(0) - call.tensor(1) + call.number("eps", 1e-6);
  call.output(length_of(call, difference, call.number("p", 2), call.boolean("keepdim", false)));
}

void dist(AtenCall& call) {
  const Tensor difference = call.tensor(0) - call.tensor(1);
  call.output(length_of(call, zoometer::reshape(difference, {-1}), call.number("p", 2)));
}

/// The scalar product of both tensors divided by their lengths, as PyTorch computes and keeps it.
void cosine_similarity(AtenCall& call) {
  const std::int64_t axis = call.integer("dim", 1);
  const double eps = call.number("eps", 1e-8);
  const auto direction = [&](Tensor x) {
    return x / zoometer::binary(maximum_op, reduce(norm_op, x, {axis}, true), eps);
  };
  const Tensor products = direction(call.tensor(0)) * direction(call.tensor(1));
  call.output(zoometer::sum(products, {axis}));
}

/// With the scalar product divided by the root of both sums of squares, as PyTorch computes it.
void cosine_embedding_loss(AtenCall& call) {
  const Tensor a = call.tensor(0);
  const Tensor b = call.tensor(1);
  const auto square = [](Tensor x) { return zoometer::sum(x * x, {-1}) + 1e-12; };
  const Tensor lengths = zoometer::unary(sqrt_op, square(a) * square(b));
  const Tensor similarity = zoometer::sum(a * b, {-1}) / lengths;
  const Tensor apart = hinge(similarity - call.number("margin", 0));
  output_loss(call, by_sign(call, call.tensor("target"), complement(similarity), apart));
}

void triplet_margin_loss(AtenCall& call) {
  const double order = call.number("p", 2);
  const double eps = call.number("eps", 1e-6);
  const auto distance = [&](Tensor a, Tensor b) { return length_of(call, a - b + eps, order); };
  const Tensor anchor = call.tensor("anchor");
  const Tensor positive = call.tensor("positive");
  const Tensor negative = call.tensor("negative");
  const Tensor near = distance(anchor, positive);
  Tensor far = distance(anchor, negative);
  if (call.boolean("swap", false))
    far = zoometer::binary(minimum_op, far, distance(positive, negative));
  output_loss(call, hinge(near - far + call.number("margin", 1)));
}

// -- the table ----------------------------------------------------------------------------------

constexpr NoEffect cross_entropy_no_effect[] = {
    {"ignore_index", "of class indices alone, where it is read"},
};

using declaring::all_operands;

constexpr AtenOperator loss_rows[] = {
    {"mse_loss", mse_loss, same_values, {}, first_two},
    {"l1_loss", l1_loss, same_values},
    {"smooth_l1_loss", smooth_l1_loss, same_values, {}, first_two},
    {"huber_loss", huber_loss, same_values, {}, first_two},
    {"soft_margin_loss", soft_margin_loss, same_values, {}, first_two},
    {"margin_ranking_loss", margin_ranking_loss, same_values},
    {"hinge_embedding_loss", hinge_embedding_loss, same_values},
    {"poisson_nll_loss", poisson_nll_loss, same_values},
    {"binary_cross_entropy", binary_cross_entropy, same_cost, {}, all_operands},
    {"binary_cross_entropy_with_logits",
     binary_cross_entropy_with_logits,
     same_values,
     {},
     all_operands},
    {"kl_div", kl_div, same_cost, {}, declaring::second},
    {"nll_loss nll_loss2d nll_loss2d_forward nll_loss_forward nll_loss_nd", nll_loss, same_values},
    {"cross_entropy_loss", cross_entropy_loss, same_values, cross_entropy_no_effect},
    {"_cdist_forward cdist", cdist, same_values, {}, first_two | declaring::result},
    {"_euclidean_dist", euclidean_dist, same_values, {}, first_two | declaring::result},
    {"_pdist_forward pdist", pdist, same_cost, {}, declaring::first | declaring::result},
    {"pairwise_distance", pairwise_distance, same_values},
    {"dist", dist, same_values, {}, first_two | declaring::result},
    {"cosine_similarity", cosine_similarity, same_values},
    {"cosine_embedding_loss", cosine_embedding_loss, same_values},
    {"triplet_margin_loss", triplet_margin_loss, same_values},
};

}  // namespace
}  // namespace zoometer::aten

namespace zoometer {

extern constinit const AtenOperators aten_loss_operators = {aten_names<aten::loss_rows>};

}  // namespace zoometer
