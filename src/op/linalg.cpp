#include "op/linalg.hpp"

#include <algorithm>

namespace zoometer {
namespace {

using namespace declaring;

// Leading terms of the operation counts in Appendix C of Blackford and Dongarra 1999,
// "Installation Guide for LAPACK" (LAPACK Working Note 41): an LU factorisation takes 2/3 n^3, a
// Cholesky factorisation 1/3 n^3, the inverse from LU factors 4/3 n^3, a triangular solution n^2.

constexpr Operand solve_inputs[] = {{"a", Role::data}, {"b", Role::data}};
constexpr std::string_view square_constraints[] = {"square matrices in the last two dimensions"};
constexpr std::string_view solve_constraints[] = {
    "square matrices in the last two dimensions of a",
    "as many rows in b, whose other dimensions broadcast"};

void require_square(const Inference& in) {
  const Shape& a = in.shape(0);
  in.require(a.rank() >= 2 && a.dim(-1) == a.dim(-2), 1);
}

void infer_square(Inference& in) {
  require_square(in);
  infer_same(in);
}

void infer_determinant(Inference& in) {
  require_square(in);
  Shape out = in.shape(0);
  out.erase(out.size() - 1);
  out.erase(out.size() - 1);
  in.output(out, in.dtype(0));
}

constexpr std::string_view qr_constraints[] = {"matrices in the last two dimensions"};

/// (..., m, n) -> Q (..., m, k) and R (..., k, n), where k is m in mode "complete" and else the
/// smaller of both; in mode "r" Q is empty.
void infer_qr(Inference& in) {
  const std::string_view mode = in.attrs<QrAttrs>().mode;
  const Shape& a = in.shape(0);
  in.require(a.rank() >= 2, 1);
  const std::int64_t inner = mode == "complete" ? a.dim(-2) : std::min(a.dim(-2), a.dim(-1));
  Shape q = a;
  q.set_dim(-1, inner);
  if (mode == "r") q = Shape{0};
  Shape r = a;
  r.set_dim(-2, inner);
  in.output(q, in.dtype(0));
  in.output(r, in.dtype(0));
}

void infer_solve(Inference& in) {
  require_square(in);
  Shape a = in.shape(0);
  const Shape& b = in.shape(1);
  in.require(b.rank() >= 2 && b.dim(-2) == a.dim(-1), 2);
  a.set_dim(-1, b.dim(-1));
  Shape out;
  in.require(broadcast(a, b, out), 2);
  in.output(out, in.dtype(0));
}

/// `Numerator` / 3 x n^3 for each matrix of an input.
template <std::int64_t Numerator>
std::int64_t cubes(const NodeView& node) {
  const std::int64_t n = node.in(0).dim(-1);
  return checked_mul(checked_mul(node.in_numel(0), n), Numerator) / 3;
}

template <std::int64_t Numerator>
Cost cost_cubes(const NodeView& node) {
  return {0, cubes<Numerator>(node)};
}

/// Householder's factorisation of m x n with k = min(m, n) takes 2 k (m n - k (m + n) / 2 + k^2 /
/// 3); to form the first q columns of Q takes as much with q instead of n.
Cost cost_qr(const NodeView& node) {
  const Shape& a = node.in(0);
  const std::string_view mode = node.attrs<QrAttrs>().mode;
  const std::int64_t m = a.dim(-2);
  const std::int64_t k = std::min(m, a.dim(-1));
  const auto reflections = [m, k](std::int64_t columns) {
    const std::int64_t whole = checked_mul(checked_mul(6, m), columns);
    const std::int64_t less = checked_mul(3, checked_mul(k, checked_add(m, columns)));
    const std::int64_t each = checked_add(whole - less, checked_mul(2, checked_mul(k, k)));
    return checked_mul(each, k) / 3;
  };
  std::int64_t flops = reflections(a.dim(-1));
  if (mode != "r") flops = checked_add(flops, reflections(mode == "complete" ? m : k));
  const std::int64_t elements = checked_mul(m, a.dim(-1));
  return {0, elements == 0 ? 0 : checked_mul(node.in_numel(0) / elements, flops)};
}

Cost cost_determinant(const NodeView& node) {
  const std::int64_t diagonals = checked_mul(node.out_numel(), node.in(0).dim(-1));
  return {0, checked_add(cubes<2>(node), diagonals)};
}

std::int64_t triangular(const NodeView& node) {
  return checked_mul(node.out_numel(), node.in(0).dim(-1));
}

Cost cost_solve(const NodeView& node) {
  return {0, checked_add(cubes<2>(node), checked_mul(2, triangular(node)))};
}

Cost cost_triangular(const NodeView& node) { return {0, triangular(node)}; }

/// `Products` of matrices as large as the input.
template <std::int64_t Products>
std::int64_t square_products(const NodeView& node, std::int64_t, std::int64_t) {
  return checked_mul(checked_mul(node.in_numel(0), node.in(0).dim(-1)), Products);
}

/// The matrix's gradient is the product of the right side's and the solution.
std::int64_t solution_macs(const NodeView& node, std::int64_t, std::int64_t wanted) {
  return checked_mul(triangular(node), wanted);
}

/// LU factors and their pivots, in 4 bytes each.
std::int64_t factors_bytes(const NodeView& node) {
  const std::int64_t columns = std::max<std::int64_t>(1, node.in(0).dim(-1));
  return checked_add(node.graph().bytes(node.input(0)), checked_mul(4, node.in_numel(0) / columns));
}

std::int64_t triangle_bytes(const NodeView& node) {
  return node.output_count() > 1 ? node.graph().bytes(node.output(1)) : 0;
}

constexpr Extra lu_factors{"its LU factors and pivots", factors_bytes};
constexpr Extra triangular_factor{"the triangular factor", triangle_bytes, 1};
constexpr Backward solves{.keeps = first | result, .factors = first, .macs = solution_macs};

constexpr OpDef of_square(std::string_view name, std::string_view summary, std::string_view formula,
                          const Backward& backward, void (*infer)(Inference&),
                          Cost (*cost)(const NodeView&)) {
  return {.name = name,
          .summary = summary,
          .formula = formula,
          .kind = OpKind::linear_algebra,
          .inputs = input_x,
          .constraints = square_constraints,
          .attrs = AttrType::of<NoAttrs>(),
          .backward = backward,
          .fusion = Fuse::alone,
          .memory = new_memory,
          .arithmetic = pairs,
          .infer = infer,
          .cost = cost};
}

constexpr OpDef solution(std::string_view name, std::string_view summary, std::string_view formula,
                         const Backward& backward, Cost (*cost)(const NodeView&)) {
  return {.name = name,
          .summary = summary,
          .formula = formula,
          .kind = OpKind::linear_algebra,
          .inputs = solve_inputs,
          .constraints = solve_constraints,
          .attrs = AttrType::of<NoAttrs>(),
          .backward = backward,
          .fusion = Fuse::alone,
          .memory = new_memory,
          .arithmetic = pairs,
          .infer = infer_solve,
          .cost = cost};
}

}  // namespace

constinit const OpDef inverse_op = of_square(
    "inverse", "The inverse of a matrix, by its LU factors.",
    "2 n^3 for each matrix of n rows, the leading term of LAPACK's getrf and getri (LAPACK Working "
    "Note 41, Appendix C)",
    {.keeps = result, .macs = square_products<2>}, infer_square, cost_cubes<6>);
constinit const OpDef determinant_op =
    of_square("determinant", "The determinant of a matrix, by its LU factors.",
              "2/3 n^3 for each matrix of n rows, the leading term of LAPACK's getrf (LAPACK "
              "Working Note 41, Appendix C), and n for the product of the diagonal",
              keeps(first | result).with(lu_factors), infer_determinant, cost_determinant);
constinit const OpDef qr_op = {
    .name = "qr",
    .summary = "The orthonormal and the triangular factor of a matrix.",
    .formula =
        "2 k (m n - k (m + n) / 2 + k^2 / 3) for m x n and k = min(m, n), and as much with the "
        "columns of Q instead of n to form Q",
    .kind = OpKind::linear_algebra,
    .inputs = input_x,
    .constraints = qr_constraints,
    .attrs = AttrType::of<QrAttrs>(),
    .backward = Backward{.keeps = result, .extra = &triangular_factor, .macs = square_products<2>},
    .fusion = Fuse::alone,
    .memory = new_memory,
    .arithmetic = pairs,
    .infer = infer_qr,
    .cost = cost_qr};
constinit const OpDef cholesky_op =
    of_square("cholesky", "The triangular factor of a positive definite matrix.",
              "1/3 n^3 for each matrix of n rows, the leading term of LAPACK's potrf (LAPACK "
              "Working Note 41, Appendix C)",
              {.keeps = result, .macs = square_products<1>}, infer_square, cost_cubes<1>);
constinit const OpDef solve_op =
    solution("solve", "The solution of linear equations, by LU factors.",
             "2/3 n^3 for each matrix of n rows and 2 n^2 for each column of b, the leading terms "
             "of LAPACK's getrf and getrs (LAPACK Working Note 41, Appendix C)",
             solves.with(lu_factors), cost_solve);
constinit const OpDef solve_triangular_op =
    solution("solve_triangular", "The solution of linear equations whose matrix is triangular.",
             "n^2 for each column of b and matrix of n rows, the leading term of BLAS's trsm "
             "(LAPACK Working Note 41, Appendix C)",
             solves, cost_triangular);

namespace {

constexpr const OpDef* ops[] = {&qr_op,       &inverse_op, &determinant_op,
                                &cholesky_op, &solve_op,   &solve_triangular_op};

}  // namespace

extern constinit const OpGroup linalg_ops = {"linear algebra",
                                             "Factors and solutions of dense matrices.", ops};

Tensor solve(const OpDef& op, Tensor a, Tensor b) { return apply(op, NoAttrs{}, a, b); }

}  // namespace zoometer
