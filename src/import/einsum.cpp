#include "import/einsum.hpp"

#include <array>
#include <string>

#include "op/indexing.hpp"
#include "zoometer/op/matmul.hpp"
#include "zoometer/op/movement.hpp"

namespace zoometer {
namespace {

struct Term {
  Tensor tensor;
  std::string labels;
};

struct EinsumTerms {
  std::vector<Term> terms;
  std::string output;
};

/// Letters that the equation does not use.
std::string free_letters(const std::string& equation) {
  std::string letters;
  for (const char first : {'A', 'a'}) {
    for (char c = first; c < first + 26; ++c) {
      if (equation.find(c) == std::string::npos) letters += c;
    }
  }
  return letters;
}

/// Writes "..." as letters that are not in use; all letters of ellipses, in order.
std::string replace_ellipses(EinsumTerms& equation, const std::string& plain,
                             const EinsumReading& reading) {
  const std::string spare = free_letters(plain);
  std::string dots;
  for (Term& term : equation.terms) {
    const std::size_t at = term.labels.find("...");
    if (at == std::string::npos) continue;
    const std::int64_t count = term.tensor.rank() - std::ssize(term.labels) + 3;
    reading.require(count >= 0 && count <= std::ssize(spare), "an ellipsis that fits the rank");
    const auto length = static_cast<std::size_t>(count);
    while (dots.size() < length) dots.insert(dots.begin(), spare[dots.size()]);
    term.labels.replace(at, 3, dots.substr(dots.size() - length));
  }
  return dots;
}

EinsumTerms parse(const std::vector<Tensor>& operands, const EinsumReading& reading) {
  std::string plain;
  for (const char c : reading.equation) {
    if (c != ' ') plain += c;
  }
  EinsumTerms equation;
  const std::size_t arrow = plain.find("->");
  const std::string left = plain.substr(0, arrow);
  for (std::size_t start = 0;;) {
    const std::size_t comma = left.find(',', start);
    reading.require(equation.terms.size() < operands.size(), "one term per input");
    equation.terms.push_back({operands[equation.terms.size()], left.substr(start, comma - start)});
    if (comma == std::string::npos) break;
    start = comma + 1;
  }
  reading.require(equation.terms.size() == operands.size(), "one term per input");
  const std::string dots = replace_ellipses(equation, plain, reading);
  if (arrow != std::string::npos) {
    equation.output = plain.substr(arrow + 2);
    const std::size_t at = equation.output.find("...");
    if (at != std::string::npos) equation.output.replace(at, 3, dots);
    return equation;
  }
  // Left out: the ellipsis, then all labels that occur once, by alphabet.
  std::array<int, 128> counts{};
  for (const Term& term : equation.terms) {
    for (const char c : term.labels) ++counts[static_cast<unsigned char>(c) & 127U];
  }
  equation.output = dots;
  for (std::size_t c = 0; c < counts.size(); ++c) {
    const char label = static_cast<char>(c);
    if (counts[c] == 1 && dots.find(label) == std::string::npos) equation.output += label;
  }
  return equation;
}

/// A label twice in a term is a diagonal.
void take_diagonals(Term& term) {
  for (std::size_t i = 0; i < term.labels.size(); ++i) {
    const char label = term.labels[i];
    const std::size_t again = term.labels.find(label, i + 1);
    if (again == std::string::npos) continue;
    const DiagonalAttrs attrs{0, static_cast<std::int64_t>(i), static_cast<std::int64_t>(again)};
    term.tensor = apply(diagonal_op, attrs, term.tensor);
    term.labels.erase(again, 1);
    term.labels.erase(i, 1);
    term.labels += label;
    i = static_cast<std::size_t>(-1);
  }
}

/// Dimensions of size 1 that meet longer ones go away first.
void drop_ones(Term& term, const Term& other) {
  for (std::size_t i = term.labels.size(); i-- > 0;) {
    const std::size_t at = other.labels.find(term.labels[i]);
    if (at == std::string::npos || term.tensor.dim(static_cast<std::int64_t>(i)) != 1) continue;
    if (other.tensor.dim(static_cast<std::int64_t>(at)) == 1) continue;
    term.tensor = squeeze(term.tensor, static_cast<std::int64_t>(i));
    term.labels.erase(i, 1);
  }
}

/// The labels of two terms that the others or the output need.
std::string kept_labels(const EinsumTerms& others, const Term& a, const Term& b) {
  std::string needed = others.output;
  for (const Term& term : others.terms) needed += term.labels;
  std::string kept;
  for (const char c : a.labels + b.labels) {
    if (needed.find(c) != std::string::npos && kept.find(c) == std::string::npos) kept += c;
  }
  return kept;
}

Term take_term(EinsumTerms& equation, std::size_t place) {
  Term term = equation.terms[place];
  equation.terms.erase(equation.terms.begin() + static_cast<std::ptrdiff_t>(place));
  return term;
}

}  // namespace

Tensor read_einsum(std::vector<Tensor> operands, const EinsumReading& reading) {
  reading.require(!operands.empty(), "a tensor");
  for (const Tensor& operand : operands) reading.require(bool(operand), "tensors only");
  EinsumTerms equation = parse(operands, reading);
  for (Term& term : equation.terms) {
    reading.require(std::ssize(term.labels) == term.tensor.rank(), "one label per dimension");
    take_diagonals(term);
  }
  Graph& graph = *operands[0].graph;
  const auto apply_equation = [&](const std::string& text, Tensor a, Tensor b) {
    return einsum(graph.arena().copy(text), a, b);
  };
  if (equation.terms.size() == 1) {
    const Term& term = equation.terms[0];
    return apply_equation(term.labels + "->" + equation.output, term.tensor, {&graph, no_id});
  }
  for (std::size_t step = 0; equation.terms.size() > 1; ++step) {
    const bool has_path = 2 * step + 1 < reading.path.size();
    const std::int64_t first = has_path ? reading.path[2 * step] : 0;
    const std::int64_t second = has_path ? reading.path[2 * step + 1] : 1;
    const std::int64_t count = std::ssize(equation.terms);
    reading.require(first >= 0 && second >= 0 && first < count && second < count && first != second,
                    "a path of pairs of tensors");
    Term b = take_term(equation, static_cast<std::size_t>(std::max(first, second)));
    Term a = take_term(equation, static_cast<std::size_t>(std::min(first, second)));
    drop_ones(a, b);
    drop_ones(b, a);
    const std::string output =
        equation.terms.empty() ? equation.output : kept_labels(equation, a, b);
    Term product{apply_equation(a.labels + "," + b.labels + "->" + output, a.tensor, b.tensor),
                 output};
    const auto place = has_path ? equation.terms.end() : equation.terms.begin();
    equation.terms.insert(place, std::move(product));
  }
  return equation.terms[0].tensor;
}

}  // namespace zoometer
