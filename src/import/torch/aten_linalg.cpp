// Further products, norms of matrices, and linear algebra.
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "import/torch/aten_shared.hpp"
#include "op/linalg.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer::aten {
namespace {

void require_vectors(AtenCall& call, Tensor a, Tensor b) {
  if (a.rank() != 1 || b.rank() != 1) call.refuse("vectors of a rank other than 1");
}

// -- products -----------------------------------------------------------------------------------

void addbmm(AtenCall& call) {
  const Tensor products = zoometer::bmm(call.tensor("batch1"), call.tensor("batch2"));
  call.output(biased(call, zoometer::sum(products, {0})));
}

void addr(AtenCall& call) {
  const Tensor a = call.tensor("vec1");
  const Tensor b = call.tensor("vec2");
  require_vectors(call, a, b);
  call.output(biased(call, outer_product(a, b)));
}

void addmm_activation(AtenCall& call) {
  const Tensor product = zoometer::matmul(call.tensor("mat1"), call.tensor("mat2"));
  const Tensor sum = biased(call, product);
  call.output(call.boolean("use_gelu", false) ? zoometer::gelu(sum, true)
                                              : zoometer::unary(relu_op, sum));
}

void inner(AtenCall& call) {
  const Tensor a = call.tensor(0);
  const Tensor b = call.tensor(1);
  if (a.rank() == 0 || b.rank() == 0) return call.output(a * b);
  if (b.rank() == 1) return call.output(zoometer::matmul(a, b));
  if (b.rank() != 2) call.refuse("an inner product with a rank above 2");
  call.output(zoometer::matmul(a, zoometer::transpose(b, 0, 1)));
}

void vecdot(AtenCall& call) {
  call.output(zoometer::sum(call.tensor(0) * call.tensor(1), {call.integer("dim", -1)}));
}

void tensordot(AtenCall& call) {
  const Tensor a = call.tensor(0);
  const Tensor b = call.tensor(1);
  const auto from = call.integers("dims_self");
  const auto to = call.integers("dims_other");
  if (from.size() != to.size()) call.refuse("different numbers of axes");
  // A letter for each axis of a and b; summed axes have the same letter in both.
  std::string left, right, result;
  for (std::int64_t i = 0; i < a.rank(); ++i) left += static_cast<char>('a' + i);
  for (std::int64_t i = 0; i < b.rank(); ++i) right += static_cast<char>('A' + i);
  std::string kept_left = left, kept_right = right;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto first = static_cast<std::size_t>(axis_within(call, from[i], a.rank()));
    const auto second = static_cast<std::size_t>(axis_within(call, to[i], b.rank()));
    const char letter = left[first];
    std::erase(kept_left, letter);
    std::erase(kept_right, right[second]);
    right[second] = letter;
  }
  result.append(left).append(",").append(right).append("->");
  result.append(kept_left).append(kept_right);
  call.output(zoometer::einsum(call.graph().arena().copy(result), a, b));
}

void kron(AtenCall& call) {
  const Tensor a = call.tensor(0);
  const Tensor b = call.tensor(1);
  const std::int64_t rank = std::max(a.rank(), b.rank());
  if (rank > 4) call.refuse("a Kronecker product of more than four axes");
  // Axes of a and b alternate.
  Ints left, right, sizes;
  for (std::int64_t i = 0; i < rank; ++i) {
    const std::int64_t in_a = i + a.rank() - rank;
    const std::int64_t in_b = i + b.rank() - rank;
    const std::int64_t first = in_a < 0 ? 1 : a.dim(in_a);
    const std::int64_t second = in_b < 0 ? 1 : b.dim(in_b);
    left.push_back(first);
    left.push_back(1);
    right.push_back(1);
    right.push_back(second);
    sizes.push_back(checked_mul(first, second));
  }
  call.output(zoometer::reshape(zoometer::reshape(a, left) * zoometer::reshape(b, right), sizes));
}

void cross(AtenCall& call) {
  const Tensor a = call.tensor(0);
  const Tensor b = call.tensor(1);
  std::int64_t axis = call.integer("dim", -1);
  for (std::int64_t i = 0; call.name() == "cross" && !call.has("dim") && i < a.rank(); ++i) {
    if (a.dim(i) != 3) continue;
    axis = i;
    break;
  }
  const auto turned = [&](Tensor x, std::int64_t steps) {
    return zoometer::roll(x, {steps}, {axis});
  };
  call.output(turned(a, 2) * turned(b, 1) - turned(a, 1) * turned(b, 2));
}

void bilinear(AtenCall& call) {
  const Tensor a = call.tensor(0);
  const Tensor b = call.tensor(1);
  const Tensor weight = call.tensor("weight");
  if (weight.rank() != 3 || a.rank() < 1 || b.rank() != a.rank())
    call.refuse("inputs of different ranks, or a weight of a rank other than 3");
  Ints sizes(std::span<const std::int64_t>(a.shape()).first(a.shape().size() - 1));
  sizes.push_back(weight.dim(0));
  const auto rows = [](Tensor x) { return zoometer::reshape(x, {-1, x.dim(-1)}); };
  const Tensor half = zoometer::einsum("ni,oij->noj", rows(a), weight);
  const Tensor both = zoometer::einsum("noj,nj->no", half, rows(b));
  const Tensor result = zoometer::reshape(both, sizes);
  const Tensor bias = call.optional_tensor("bias");
  call.output(bias ? result + bias : result);
}

// -- chains of products -------------------------------------------------------------------------

constexpr std::size_t longest_chain = 32;

/// The cheapest order in which to multiply matrices, as torch.linalg.multi_dot finds it.
class Chain {
 public:
  explicit Chain(std::vector<Tensor> matrices) : matrices_(std::move(matrices)) {
    for (std::size_t length = 1; length < matrices_.size(); ++length) {
      for (std::size_t i = 0; i + length < matrices_.size(); ++i) split(i, i + length);
    }
  }

  Tensor product() const { return product(0, matrices_.size() - 1); }

 private:
  void split(std::size_t first, std::size_t last) {
    std::int64_t best = -1;
    for (std::size_t at = first; at < last; ++at) {
      const std::int64_t own =
          zoometer::product(matrices_[first].dim(0), matrices_[at].dim(1), matrices_[last].dim(1));
      const std::int64_t parts = checked_add(costs_[first][at], costs_[at + 1][last]);
      const std::int64_t cost = checked_add(own, parts);
      if (best >= 0 && cost >= best) continue;
      best = cost;
      splits_[first][last] = at;
    }
    costs_[first][last] = best;
  }

  Tensor product(std::size_t first, std::size_t last) const {
    if (first == last) return matrices_[first];
    const std::size_t at = splits_[first][last];
    const Tensor left = product(first, at);
    return zoometer::matmul(left, product(at + 1, last));
  }

  using Row = std::array<std::int64_t, longest_chain>;
  std::vector<Tensor> matrices_;
  std::array<Row, longest_chain> costs_{};
  std::array<std::array<std::size_t, longest_chain>, longest_chain> splits_{};
};

void multi_dot(AtenCall& call) {
  std::vector<Tensor> matrices = whole_list(call, call.has("matrices") ? "matrices" : "tensors");
  if (matrices.empty() || matrices.size() > longest_chain)
    call.refuse("a chain of no or of more than 32 matrices");
  // The ends of a chain may be vectors.
  const bool first = matrices.front().rank() == 1;
  const bool last = matrices.back().rank() == 1;
  if (first) matrices.front() = zoometer::unsqueeze(matrices.front(), 0);
  if (last) matrices.back() = zoometer::unsqueeze(matrices.back(), 1);
  for (const Tensor& matrix : matrices) {
    if (matrix.rank() != 2) call.refuse("a chain of other than matrices");
  }
  Tensor result = Chain(std::move(matrices)).product();
  if (last) result = zoometer::squeeze(result, 1);
  call.output(first ? zoometer::squeeze(result, 0) : result);
}

void matrix_power(AtenCall& call) {
  Tensor power = call.tensor(0);
  std::int64_t exponent = call.integer("n");
  if (exponent < 1) call.refuse("a power of less than 1");
  Tensor result{&call.graph(), no_id};
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 == 1) result = result ? zoometer::matmul(result, power) : power;
    if (exponent > 1) power = zoometer::matmul(power, power);
  }
  call.output(result);
}

void qr(AtenCall& call) {
  const std::string_view asked = call.text("mode", "reduced");
  for (const std::string_view mode : {"reduced", "complete", "r"}) {
    if (asked == mode) return call.outputs(apply(qr_op, QrAttrs{mode}, call.tensor(0)), 2);
  }
  call.refuse("an unknown mode");
}

// -- norms --------------------------------------------------------------------------------------

/// The norm of matrices of the order that the call asks for. Norms of singular values are refused.
Tensor matrix_norm_of(AtenCall& call, Tensor x, const Ints& dims, bool keepdim) {
  if (dims.size() != 2 || x.rank() < 2) call.refuse("a norm of other than matrices");
  const Argument* order = call.find("ord");
  const bool is_text = order != nullptr && order->kind == Argument::Kind::text;
  if (order == nullptr || (is_text && order->text == "fro"))
    return reduce(norm_op, x, dims, keepdim);
  const double number = is_text ? 2 : call.number("ord");
  if (std::abs(number) != 1 && !std::isinf(number)) call.refuse("a norm of singular values");
  // The largest or smallest sum of absolute values in a column (order 1) or row (infinity).
  const std::size_t summed = std::isinf(number) ? 1 : 0;
  const Tensor sums = zoometer::sum(zoometer::unary(abs_op, x), {dims[summed]}, true);
  const Tensor found = reduce(number > 0 ? amax_op : amin_op, sums, {dims[1 - summed]}, true);
  if (keepdim) return found;
  Ints sizes;
  for (std::int64_t i = 0; i < x.rank(); ++i) {
    const bool gone =
        i == dims[0] || i == dims[1] || i - x.rank() == dims[0] || i - x.rank() == dims[1];
    if (!gone) sizes.push_back(x.dim(i));
  }
  return zoometer::reshape(found, sizes);
}

void matrix_norm(AtenCall& call) {
  const Ints dims = call.has("dim") ? Ints(call.integers("dim")) : Ints{-2, -1};
  call.output(matrix_norm_of(call, call.tensor(0), dims, call.boolean("keepdim", false)));
}

void linalg_norm(AtenCall& call) {
  const Tensor x = call.tensor(0);
  const auto dims = call.integers("dim");
  const bool of_matrix = dims.size() == 2 || (dims.empty() && x.rank() == 2 && call.has("ord"));
  if (of_matrix) return matrix_norm(call);
  apply_reduction(call, norm_op);
}

/// The norm over all axes except one; over all axes with -1.
Tensor norm_except(AtenCall& call, Tensor x, std::int64_t dim) {
  if (dim == -1) return reduce(norm_op, x, {});
  if (dim < 0 || dim >= x.rank()) call.refuse("an axis beyond the rank");
  Ints dims;
  for (std::int64_t i = 0; i < x.rank(); ++i) {
    if (i != dim) dims.push_back(i);
  }
  return dims.empty() ? zoometer::unary(abs_op, x) : reduce(norm_op, x, dims, true);
}

void norm_except_dim(AtenCall& call) {
  call.output(norm_except(call, call.tensor(0), call.integer("dim", 0)));
}

void weight_norm(AtenCall& call) {
  const Tensor direction = call.tensor(0);
  const Tensor norm = norm_except(call, direction, call.integer("dim", 0));
  call.output(direction * (call.tensor(1) / norm));
  if (call.name() == "_weight_norm_interface") call.output(norm);
}

// -- factors and solutions ----------------------------------------------------------------------

// Some have further results (LU factors, pivots, an error code), which the factorisation gives.
void inverse(AtenCall& call) { output_and_more(call, zoometer::unary(inverse_op, call.tensor(0))); }

void determinant(AtenCall& call) {
  output_and_more(call, zoometer::unary(determinant_op, call.tensor(0)));
}

void cholesky(AtenCall& call) {
  output_and_more(call, zoometer::unary(cholesky_op, call.tensor(0)));
}

void log_determinant(AtenCall& call) {
  const Tensor value = zoometer::unary(determinant_op, call.tensor(0));
  if (call.name() == "logdet") return call.output(zoometer::unary(log_op, value));
  const Tensor sign = zoometer::unary(sign_op, value);
  call.output(sign);
  call.output(zoometer::unary(log_op, zoometer::unary(abs_op, value)));
}

Tensor transposed(Tensor x) { return zoometer::transpose(x, -2, -1); }

/// X of A X = B, or of X A = B: the transposed solution of the transposed equations.
Tensor solution(AtenCall& call, const OpDef& op, Tensor a, Tensor b) {
  if (a.rank() < 2 || b.rank() < 1) call.refuse("a matrix of a rank other than 2 or more");
  if (!call.boolean("left", true))
    return transposed(zoometer::solve(op, transposed(a), transposed(b)));
  const bool is_vector = b.rank() == 1 || (b.rank() + 1 == a.rank() && b.dim(-1) == a.dim(-1));
  if (!is_vector) return zoometer::solve(op, a, b);
  return zoometer::squeeze(zoometer::solve(op, a, zoometer::unsqueeze(b, -1)), -1);
}

void linalg_solve(AtenCall& call) {
  call.output(solution(call, solve_op, call.tensor(0), call.tensor(1)));
}

void linalg_solve_triangular(AtenCall& call) {
  call.output(solution(call, solve_triangular_op, call.tensor(0), call.tensor(1)));
}

void triangular_solve(AtenCall& call) {
  const Tensor a = call.tensor("A");
  call.output(solution(call, solve_triangular_op, a, call.tensor(0)));
  if (call.uses(1)) call.output(zoometer::clone(a));
}

void cholesky_solve(AtenCall& call) {
  const Tensor factor = call.tensor(1);
  if (factor.rank() < 2) call.refuse("a matrix of a rank other than 2 or more");
  const Tensor half = zoometer::solve(solve_triangular_op, factor, call.tensor(0));
  call.output(zoometer::solve(solve_triangular_op, transposed(factor), half));
}

// -- the table ----------------------------------------------------------------------------------

constexpr NoEffect matrix_norm_no_effect[] = {
    {"ord=2", "the default"},
    {"p=2", "the default"},
};

constexpr NoEffect norm_except_dim_no_effect[] = {
    {"pow=2", "the default"},
};

constexpr NoEffect factor_no_effect[] = {
    {"upper", "both triangles cost the same"},
    {"check_errors", "checks of the input are not counted"},
};

constexpr NoEffect triangular_no_effect[] = {
    {"upper", "both triangles cost the same"},
    {"transpose", "both triangles cost the same"},
    {"unitriangular=False", "the default"},
};

constexpr AtenOperator linalg_rows[] = {
    {"linalg_qr", qr, same_values},
    {"addbmm", addbmm, same_values},
    {"addr", addr, same_values},
    {"_addmm_activation", addmm_activation, same_values},
    {"inner", inner, same_values},
    {"linalg_vecdot", vecdot, same_values},
    {"tensordot", tensordot, same_values},
    {"kron", kron, same_values},
    {"cross linalg_cross", cross, same_values, {}, declaring::first | declaring::second},
    {"bilinear", bilinear, same_values},
    {"chain_matmul linalg_multi_dot", multi_dot, same_values},
    {"linalg_matrix_power matrix_power", matrix_power, same_values},
    {"linalg_matrix_norm", matrix_norm, same_values},
    {"linalg_norm", linalg_norm, same_values, matrix_norm_no_effect},
    {"norm_except_dim", norm_except_dim, same_values, norm_except_dim_no_effect},
    {"_weight_norm _weight_norm_interface", weight_norm, same_values},
    {"inverse linalg_inv linalg_inv_ex", inverse, same_values, factor_no_effect},
    {"_linalg_det det linalg_det", determinant, same_values},
    {"cholesky linalg_cholesky linalg_cholesky_ex", cholesky, same_values, factor_no_effect},
    {"_linalg_slogdet linalg_slogdet logdet slogdet", log_determinant, same_values},
    {"_linalg_solve_ex linalg_solve linalg_solve_ex", linalg_solve, same_values, factor_no_effect},
    {"linalg_solve_triangular", linalg_solve_triangular, same_values, triangular_no_effect},
    {"triangular_solve", triangular_solve, same_values, triangular_no_effect},
    {"cholesky_solve", cholesky_solve, same_values, factor_no_effect},
};

}  // namespace
}  // namespace zoometer::aten

namespace zoometer {

extern constinit const AtenOperators aten_linalg_operators = {aten_names<aten::linalg_rows>};

}  // namespace zoometer
