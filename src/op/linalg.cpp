#include "op/linalg.hpp"

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
                         Cost (*cost)(const NodeView&)) {
  return {.name = name,
          .summary = summary,
          .formula = formula,
          .kind = OpKind::linear_algebra,
          .inputs = solve_inputs,
          .constraints = solve_constraints,
          .attrs = AttrType::of<NoAttrs>(),
          .backward = keeps(first | result),
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
    keeps(result), infer_square, cost_cubes<6>);
constinit const OpDef determinant_op =
    of_square("determinant", "The determinant of a matrix, by its LU factors.",
              "2/3 n^3 for each matrix of n rows, the leading term of LAPACK's getrf (LAPACK "
              "Working Note 41, Appendix C), and n for the product of the diagonal",
              keeps(first | result), infer_determinant, cost_determinant);
constinit const OpDef cholesky_op =
    of_square("cholesky", "The triangular factor of a positive definite matrix.",
              "1/3 n^3 for each matrix of n rows, the leading term of LAPACK's potrf (LAPACK "
              "Working Note 41, Appendix C)",
              keeps(result), infer_square, cost_cubes<1>);
constinit const OpDef solve_op =
    solution("solve", "The solution of linear equations, by LU factors.",
             "2/3 n^3 for each matrix of n rows and 2 n^2 for each column of b, the leading terms "
             "of LAPACK's getrf and getrs (LAPACK Working Note 41, Appendix C)",
             cost_solve);
constinit const OpDef solve_triangular_op =
    solution("solve_triangular", "The solution of linear equations whose matrix is triangular.",
             "n^2 for each column of b and matrix of n rows, the leading term of BLAS's trsm "
             "(LAPACK Working Note 41, Appendix C)",
             cost_triangular);

namespace {

constexpr const OpDef* ops[] = {&inverse_op, &determinant_op, &cholesky_op, &solve_op,
                                &solve_triangular_op};

}  // namespace

extern constinit const OpGroup linalg_ops = {"linear algebra",
                                             "Factors and solutions of dense matrices.", ops};

Tensor solve(const OpDef& op, Tensor a, Tensor b) { return apply(op, NoAttrs{}, a, b); }

}  // namespace zoometer
