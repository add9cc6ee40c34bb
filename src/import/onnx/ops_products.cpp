// Matrix products and what is made of them.
#include <algorithm>
#include <array>
#include <string>

#include "import/onnx/context.hpp"
#include "import/onnx/layers.hpp"
#include "op/indexing.hpp"
#include "op/linalg.hpp"
#include "zoometer/op/elementwise.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"
#include "zoometer/op/reduce.hpp"

namespace zoometer {
namespace {

OnnxOutcome emit_matmul(OnnxContext& context) {
  // A constant factor is learnt; a mask is added, so no elements need to be read to find out.
  const Tensor a = context.in(0, OnnxRole::weight);
  return context.out(matmul(a, context.in(1, OnnxRole::weight)));
}

}  // namespace

Tensor onnx_gemm(OnnxContext& context) {
  const double alpha = context.real("alpha", 1);
  const double beta = context.real("beta", 1);
  const bool flips_b = context.integer("transB", 0) != 0;
  context.require(context.rank(0) == 2 && context.rank(1) == 2, "matrices of rank 2");
  Tensor a = context.in(0);
  if (context.integer("transA", 0) != 0) a = transpose(a, 0, 1);
  const Tensor weight = context.in(1);
  const Tensor bias = context.optional_in(2);
  const std::int64_t columns = weight.dim(flips_b ? 0 : 1);
  const bool is_plain = alpha == 1 && (!bias || beta == 1);
  const bool is_vector = bias && bias.shape() == Shape{columns};
  if (is_plain && flips_b && (!bias || is_vector)) return linear(a, weight, bias);

  const Tensor b = flips_b ? transpose(weight, 0, 1) : weight;
  if (is_plain && bias) return addmm(bias, a, b);
  Tensor product = matmul(a, b);
  if (alpha != 1) product = product * alpha;
  if (!bias || beta == 0) return product;
  return product + (beta == 1 ? bias : bias * beta);
}

namespace {

OnnxOutcome emit_gemm(OnnxContext& context) { return context.out(onnx_gemm(context)); }

// -- Einsum -----------------------------------------------------------------------------------

struct Equation {
  std::vector<std::string> terms;
  std::string output;
};

/// Writes "..." as letters that are not in use, and the output where it is left out.
Equation written_out(const OnnxContext& context, std::string_view text) {
  std::string plain;
  for (const char c : text) {
    if (c != ' ') plain += c;
  }
  Equation equation;
  const std::size_t arrow = plain.find("->");
  std::string left = plain.substr(0, arrow);
  for (std::size_t start = 0;;) {
    const std::size_t comma = left.find(',', start);
    equation.terms.push_back(left.substr(start, comma - start));
    if (comma == std::string::npos) break;
    start = comma + 1;
  }
  context.require(equation.terms.size() == context.input_count(), "one term per input");

  std::string dots;  // the letters that stand for the dimensions of the ellipsis
  const auto is_free = [&](char c) { return plain.find(c) == std::string::npos; };
  std::string spare;
  for (char c = 'A'; c <= 'Z'; ++c) {
    if (is_free(c)) spare += c;
  }
  for (char c = 'a'; c <= 'z'; ++c) {
    if (is_free(c)) spare += c;
  }
  for (std::size_t i = 0; i < equation.terms.size(); ++i) {
    std::string& term = equation.terms[i];
    const std::size_t at = term.find("...");
    if (at == std::string::npos) continue;
    const std::int64_t count = context.rank(i) - static_cast<std::int64_t>(term.size()) + 3;
    context.require(count >= 0 && static_cast<std::size_t>(count) <= spare.size(),
                    "an ellipsis that fits the rank");
    const auto length = static_cast<std::size_t>(count);
    while (dots.size() < length) dots.insert(dots.begin(), spare[dots.size()]);
    term.replace(at, 3, dots.substr(dots.size() - length));
  }
  if (arrow != std::string::npos) {
    equation.output = plain.substr(arrow + 2);
    const std::size_t at = equation.output.find("...");
    if (at != std::string::npos) equation.output.replace(at, 3, dots);
    return equation;
  }
  // Left out: the ellipsis, then all labels that occur once, by alphabet.
  std::array<int, 128> counts{};
  for (const std::string& term : equation.terms) {
    for (const char c : term) ++counts[static_cast<unsigned char>(c) & 127U];
  }
  equation.output = dots;
  for (std::size_t c = 0; c < counts.size(); ++c) {
    const char label = static_cast<char>(c);
    if (counts[c] == 1 && dots.find(label) == std::string::npos) equation.output += label;
  }
  return equation;
}

/// A label twice in a term is a diagonal.
Tensor take_diagonals(Tensor x, std::string& term) {
  for (std::size_t i = 0; i < term.size(); ++i) {
    const std::size_t again = term.find(term[i], i + 1);
    if (again == std::string::npos) continue;
    const char label = term[i];
    x = apply(diagonal_op,
              DiagonalAttrs{0, static_cast<std::int64_t>(i), static_cast<std::int64_t>(again)}, x);
    term.erase(again, 1);
    term.erase(i, 1);
    term += label;
    i = static_cast<std::size_t>(-1);
  }
  return x;
}

/// The labels of two terms that later terms or the output need.
std::string kept_labels(const Equation& equation, const std::string& a, std::size_t next) {
  std::string needed = equation.output;
  for (std::size_t i = next + 1; i < equation.terms.size(); ++i) needed += equation.terms[i];
  std::string kept;
  for (const char c : a + equation.terms[next]) {
    if (needed.find(c) != std::string::npos && kept.find(c) == std::string::npos) kept += c;
  }
  return kept;
}

/// Dimensions of size 1 that meet longer ones go away first.
Tensor without_ones(Tensor x, std::string& term, Tensor other, const std::string& other_term) {
  for (std::size_t i = term.size(); i-- > 0;) {
    const std::size_t at = other_term.find(term[i]);
    if (at == std::string::npos || x.dim(static_cast<std::int64_t>(i)) != 1) continue;
    if (other.dim(static_cast<std::int64_t>(at)) == 1) continue;
    x = squeeze(x, static_cast<std::int64_t>(i));
    term.erase(i, 1);
  }
  return x;
}

OnnxOutcome emit_einsum(OnnxContext& context) {
  Equation equation = written_out(context, context.text("equation", ""));
  std::vector<Tensor> operands = context.all_inputs();
  context.require(operands.size() == equation.terms.size(), "one term per input");
  for (std::size_t i = 0; i < operands.size(); ++i) {
    context.require(static_cast<std::int64_t>(equation.terms[i].size()) == operands[i].rank(),
                    "one label per dimension");
    operands[i] = take_diagonals(operands[i], equation.terms[i]);
  }
  const auto kept = [&](const std::string& text) { return context.graph().arena().copy(text); };
  if (operands.size() == 1) {
    const Tensor none{operands[0].graph, no_id};
    return context.out(einsum(kept(equation.terms[0] + "->" + equation.output), operands[0], none));
  }
  Tensor result = operands[0];
  std::string term = equation.terms[0];
  for (std::size_t i = 1; i < operands.size(); ++i) {
    result = without_ones(result, term, operands[i], equation.terms[i]);
    operands[i] = without_ones(operands[i], equation.terms[i], result, term);
    const std::string output =
        i + 1 == operands.size() ? equation.output : kept_labels(equation, term, i);
    result = einsum(kept(term + "," + equation.terms[i] + "->" + output), result, operands[i]);
    term = output;
  }
  return context.out(result);
}

OnnxOutcome emit_determinant(OnnxContext& context) {
  return context.out(unary(determinant_op, context.in(0)));
}

using enum Meaning;

constexpr NoEffect gemm_no_effect[] = {{"broadcast", "the shape of C says it"}};

constexpr OnnxOperator products_rows[] = {
    {"Det", same_values, emit_determinant},
    {"Einsum", same_values, emit_einsum},
    {"Gemm",
     same_values,
     emit_gemm,
     {.fit = OnnxFit::product, .weights = {1, 2}, .no_effect = gemm_no_effect}},
    {"MatMul", same_values, emit_matmul, {.fit = OnnxFit::product}},
};

}  // namespace

extern constinit const OnnxOperators onnx_product_operators = {"", products_rows};

}  // namespace zoometer
