#include "util/expression.hpp"

#include <cmath>
#include <utility>

#include "util/expression_tokens.hpp"
#include "util/text.hpp"

namespace zoometer {
namespace {

using State = ExpressionValue::State;

ExpressionValue truth(bool holds) { return ExpressionValue::of(holds ? 1.0L : 0.0L); }

bool is_known(const ExpressionValue& value) { return value.state == State::known; }

/// The result of an operation with a value that is missing or pending.
ExpressionValue unknown(const ExpressionValue& a, const ExpressionValue& b) {
  const bool pending = a.state == State::pending || b.state == State::pending;
  return {pending ? State::pending : State::missing, 0, {}};
}

ExpressionValue both(const ExpressionValue& a, const ExpressionValue& b) {
  if (is_known(a) && a.number == 0) return a;
  if (is_known(b) && b.number == 0) return b;
  return is_known(a) && is_known(b) ? truth(true) : unknown(a, b);
}

ExpressionValue opposite(const ExpressionValue& a) {
  return is_known(a) ? truth(a.number == 0) : a;
}

ExpressionValue finite(long double number) {
  return std::isfinite(number) ? ExpressionValue::of(number) : ExpressionValue{};
}

bool matches(std::string_view pattern, std::string_view text) {
  return matches_wildcard(to_lower(pattern), to_lower(text));
}

}  // namespace

std::optional<std::size_t> Expression::lone_field() const noexcept {
  if (nodes_.size() != 1 || nodes_[0].operation != Operation::field) return std::nullopt;
  return fields_[0];
}

std::vector<LiteralComparison> Expression::literal_comparisons() const {
  std::vector<LiteralComparison> found;
  for (const Node& node : nodes_) {
    if (node.operation < Operation::equal || node.operation > Operation::unlike) continue;
    const Node* field = &nodes_[node.left];
    const Node* literal = &nodes_[node.right];
    if (field->operation != Operation::field) std::swap(field, literal);
    const bool is_literal =
        literal->operation == Operation::number || literal->operation == Operation::text;
    if (field->operation != Operation::field || !is_literal) continue;
    found.push_back(
        {fields_[field->left], node.operation >= Operation::like, literal->number, literal->text});
  }
  return found;
}

ExpressionValue Expression::run(std::span<const ExpressionValue> values) const {
  std::vector<ExpressionValue> results;
  results.reserve(nodes_.size());
  for (const Node& node : nodes_) {
    switch (node.operation) {
    case Operation::number: results.push_back(ExpressionValue::of(node.number)); continue;
    case Operation::text: results.push_back(ExpressionValue::of(node.text)); continue;
    case Operation::field: results.push_back(values[node.left]); continue;
    case Operation::nothing: results.emplace_back(); continue;
    default: break;
    }
    const ExpressionValue a = results[node.left];
    const ExpressionValue b = results[node.right];
    results.push_back(apply(node, a, b));
  }
  return results.back();
}

ExpressionValue Expression::apply(const Node& node, const ExpressionValue& a,
                                  const ExpressionValue& b) {
  switch (node.operation) {
  case Operation::logical_and: return both(a, b);
  case Operation::logical_or: return opposite(both(opposite(a), opposite(b)));
  case Operation::logical_not: return opposite(a);
  case Operation::is_nothing: return a.state == State::pending ? a : truth(!is_known(a));
  case Operation::is_something: return a.state == State::pending ? a : truth(is_known(a));
  default: break;
  }
  if (!is_known(a) || !is_known(b)) return unknown(a, b);
  const auto order = [&] {
    if (!node.is_text) return a.number < b.number ? -1 : (a.number > b.number ? 1 : 0);
    return natural_less(a.text, b.text) ? -1 : (natural_less(b.text, a.text) ? 1 : 0);
  };
  switch (node.operation) {
  case Operation::negate: return ExpressionValue::of(-a.number);
  case Operation::add: return finite(a.number + b.number);
  case Operation::subtract: return finite(a.number - b.number);
  case Operation::multiply: return finite(a.number * b.number);
  case Operation::divide: return finite(a.number / b.number);
  case Operation::equal: return truth(order() == 0);
  case Operation::unequal: return truth(order() != 0);
  case Operation::less: return truth(order() < 0);
  case Operation::less_equal: return truth(order() <= 0);
  case Operation::greater: return truth(order() > 0);
  case Operation::greater_equal: return truth(order() >= 0);
  case Operation::like: return truth(matches(b.text, a.text));
  case Operation::unlike: return truth(!matches(b.text, a.text));
  default: return {};
  }
}

ExpressionValue Expression::evaluate(std::span<const ExpressionValue> values) const {
  return run(values);
}

std::optional<bool> Expression::holds(std::span<const ExpressionValue> values) const {
  const ExpressionValue result = run(values);
  if (!is_known(result)) return std::nullopt;
  return result.number != 0;
}

}  // namespace zoometer
