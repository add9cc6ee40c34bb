#include <algorithm>
#include <utility>

#include "util/expression.hpp"
#include "util/expression_tokens.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {

/// Parses an expression, from the operators that bind least to those that bind most.
class ExpressionParser {
 public:
  ExpressionParser(std::string_view text, std::span<const ExpressionField> fields,
                   std::string_view option, const ChooseField& choose)
      : text_(text),
        fields_(fields),
        option_(option),
        choose_(choose),
        tokens_(text, option) {}

  void parse(Expression& expression);

 private:
  using Type = Expression::Type;
  using Operation = Expression::Operation;

  static constexpr std::size_t longest = 4096;
  static constexpr int deepest = 100;

  using Kind = ExpressionToken::Kind;

  /// A parsed part of the expression.
  struct Part {
    std::uint32_t node = 0;
    Type type = Type::nothing;
    TextRange range;
    std::size_t field = ExpressionField::none;  ///< if it is only a field
    bool is_signed = false;                     ///< a number with a sign: +5
    bool is_comparison = false;
  };

  struct Infix {
    std::string_view symbol;
    int power;
    Operation operation;
  };
  static constexpr int or_power = 1, and_power = 2, not_power = 3, comparison_power = 4,
                       sum_power = 5, product_power = 6, sign_power = 7;
  static constexpr Infix infixes[] = {
      {"or", or_power, Operation::logical_or},
      {"||", or_power, Operation::logical_or},
      {"and", and_power, Operation::logical_and},
      {"&&", and_power, Operation::logical_and},
      {"==", comparison_power, Operation::equal},
      {"=", comparison_power, Operation::equal},
      {"!=", comparison_power, Operation::unequal},
      {"<=", comparison_power, Operation::less_equal},
      {"<", comparison_power, Operation::less},
      {">=", comparison_power, Operation::greater_equal},
      {">", comparison_power, Operation::greater},
      {"~", comparison_power, Operation::like},
      {"!~", comparison_power, Operation::unlike},
      {"in", comparison_power, Operation::equal},
      {"not", comparison_power, Operation::unequal},  // "not in"
      {"+", sum_power, Operation::add},
      {"-", sum_power, Operation::subtract},
      {"*", product_power, Operation::multiply},
      {"/", product_power, Operation::divide},
  };

  // -- structure
  Part parse_part(int power);
  Part parse_prefix();
  Part parse_field();
  Part parse_parentheses();
  Part parse_infix(const Infix& infix, Part left);
  Part parse_comparison(const Infix& infix, Part left);
  Part parse_list(Operation operation, Part left);
  const Infix* infix_at_token() const noexcept;

  // -- meaning
  std::uint32_t add(Expression::Node node);
  Part make(Operation operation, const Part& left, const Part& right, Type type, bool is_text);
  Part make_arithmetic(const Infix& infix, const Part& left, const Part& right, TextRange sign);
  Part make_comparison(Operation operation, Part left, Part right, TextRange sign);
  Part field_part(std::size_t field, TextRange range);
  void compare_literal(Part& figure, Part& literal);
  void require(const Part& part, Type type, std::string_view expected) const;
  void collect_fields();

  std::string_view text_;
  std::span<const ExpressionField> fields_;
  std::string_view option_;
  const ChooseField& choose_;
  ExpressionTokens tokens_;
  int depth_ = 0;
  Expression* expression_ = nullptr;
};

void ExpressionParser::parse(Expression& expression) {
  if (text_.size() > longest) {
    throw Error(ErrorCode::limit, std::string(option_),
                {"at most " + std::to_string(longest) + " bytes", std::to_string(text_.size())});
  }
  expression_ = &expression;
  expression.text_ = std::string(text_);
  tokens_.advance();
  if (tokens_.current().kind == Kind::end)
    tokens_.fail("empty expression", tokens_.current().range, "as in macs < 1G");
  const Part whole = parse_part(0);
  if (tokens_.current().kind != Kind::end) tokens_.fail_unexpected("an operator or the end");
  if (whole.type == Type::nothing) tokens_.fail("none must be compared with a figure", whole.range);
  expression.result_ = whole.type;
  collect_fields();
}

/// Parses operators that bind more tightly than `power`.
ExpressionParser::Part ExpressionParser::parse_part(int power) {
  if (++depth_ > deepest) {
    tokens_.fail("nested more than " + std::to_string(deepest) + " deep", tokens_.current().range);
  }
  Part part = parse_prefix();
  for (const Infix* infix = infix_at_token(); infix != nullptr && infix->power > power;
       infix = infix_at_token()) {
    part = parse_infix(*infix, part);
  }
  --depth_;
  return part;
}

const ExpressionParser::Infix* ExpressionParser::infix_at_token() const noexcept {
  for (const Infix& infix : infixes) {
    if (tokens_.is(infix.symbol)) return &infix;
  }
  return nullptr;
}

ExpressionParser::Part ExpressionParser::parse_prefix() {
  const ExpressionToken token = tokens_.current();
  if (tokens_.take("not") || tokens_.take("!")) {
    const Part operand = parse_part(not_power);
    require(operand, Type::truth, "a condition");
    Part part = make(Operation::logical_not, operand, operand, Type::truth, false);
    part.range.begin = token.range.begin;
    return part;
  }
  if (tokens_.take("-") || tokens_.take("+")) {
    const bool is_literal = tokens_.current().kind == Kind::number;
    Part part = parse_part(sign_power);
    if (part.type != Type::fraction) require(part, Type::number, "a number");
    if (token.text == "-") {
      const Type type = part.type;
      part = make(Operation::negate, part, part, type, false);
    }
    part.range.begin = token.range.begin;
    part.field = ExpressionField::none;
    part.is_signed = is_literal;
    return part;
  }
  if (tokens_.is("(")) return parse_parentheses();
  switch (token.kind) {
  case Kind::number:
    tokens_.advance();
    return {add({Operation::number, false, 0, 0, token.number, {}}),
            token.is_percent ? Type::fraction : Type::number, token.range};
  case Kind::text:
    tokens_.advance();
    return {add({Operation::text, false, 0, 0, 0, token.text}), Type::text, token.range};
  case Kind::name: return parse_field();
  default: tokens_.fail_unexpected("a figure, a number or a text in quotes");
  }
}

ExpressionParser::Part ExpressionParser::parse_parentheses() {
  const TextRange opening = tokens_.current().range;
  tokens_.advance();
  Part part = parse_part(0);
  if (!tokens_.is(")")) {
    if (tokens_.current().kind == Kind::end) tokens_.fail("unclosed parenthesis", opening);
    tokens_.fail_unexpected("an operator or )");
  }
  part.range = {opening.begin, tokens_.current().range.end};
  part.is_comparison = false;
  part.is_signed = false;
  tokens_.advance();
  return part;
}

ExpressionParser::Part ExpressionParser::parse_field() {
  const ExpressionToken token = tokens_.current();
  const bool is_keyword = infix_at_token() != nullptr;
  if (is_keyword) tokens_.fail_unexpected("a figure, a number or a text in quotes");
  tokens_.advance();
  if (token.text == "none") return {add({}), Type::nothing, token.range};
  const auto found = std::find_if(fields_.begin(), fields_.end(),
                                  [&](const auto& field) { return field.name == token.text; });
  if (found != fields_.end()) {
    return field_part(static_cast<std::size_t>(found - fields_.begin()), token.range);
  }
  std::vector<std::string_view> names;
  for (const ExpressionField& field : fields_) names.push_back(field.name);
  std::string hint = did_you_mean(token.text, names);
  if (hint.empty()) hint = "write a text in quotes: \"" + token.text + "\"";
  tokens_.fail("no such figure: " + token.text, token.range, std::move(hint));
}

ExpressionParser::Part ExpressionParser::parse_infix(const Infix& infix, Part left) {
  if (infix.power == comparison_power) return parse_comparison(infix, left);
  const TextRange sign = tokens_.current().range;
  tokens_.advance();
  const Part right = parse_part(infix.power);
  if (infix.power >= sum_power) return make_arithmetic(infix, left, right, sign);
  require(left, Type::truth, "a condition");
  require(right, Type::truth, "a condition");
  return make(infix.operation, left, right, Type::truth, false);
}

/// `a < b`, `a in (b, c)`, `a not in (b, c)`, and `a < b < c` as `a < b and b < c`.
ExpressionParser::Part ExpressionParser::parse_comparison(const Infix& infix, Part left) {
  const TextRange sign = tokens_.current().range;
  tokens_.advance();
  if (infix.symbol == "not") {
    if (!tokens_.is("in")) tokens_.fail_unexpected("in after not");
    tokens_.advance();
  }
  if (infix.symbol == "in" || infix.symbol == "not") return parse_list(infix.operation, left);
  const Part right = parse_part(comparison_power);
  Part result = make_comparison(infix.operation, left, right, sign);
  const Infix* next = infix_at_token();
  if (next == nullptr || next->power != comparison_power) return result;
  const Part rest = parse_comparison(*next, right);
  return make(Operation::logical_and, result, rest, Type::truth, false);
}

ExpressionParser::Part ExpressionParser::parse_list(Operation operation, Part left) {
  if (!tokens_.is("(")) tokens_.fail_unexpected("( and a list");
  Part result;
  do {
    tokens_.advance();
    const Part item = parse_part(comparison_power);
    const Part one = make_comparison(operation, left, item, item.range);
    const Operation join =
        operation == Operation::equal ? Operation::logical_or : Operation::logical_and;
    result = result.is_comparison ? make(join, result, one, Type::truth, false) : one;
    result.is_comparison = true;
  } while (tokens_.is(","));
  if (!tokens_.is(")")) tokens_.fail_unexpected(", or )");
  result.range.end = tokens_.current().range.end;
  tokens_.advance();
  return result;
}

// -- meaning -----------------------------------------------------------------------------------

std::uint32_t ExpressionParser::add(Expression::Node node) {
  expression_->nodes_.push_back(std::move(node));
  return static_cast<std::uint32_t>(expression_->nodes_.size() - 1);
}

ExpressionParser::Part ExpressionParser::make(Operation operation, const Part& left,
                                              const Part& right, Type type, bool is_text) {
  return {add({operation, is_text, left.node, right.node, 0, {}}),
          type,
          {left.range.begin, right.range.end}};
}

void ExpressionParser::require(const Part& part, Type type, std::string_view expected) const {
  if (part.type == type) return;
  constexpr std::string_view names[] = {"a number", "a percentage", "a text", "a condition",
                                        "none"};
  tokens_.fail("expected " + std::string(expected) + ", got " +
                   std::string(names[static_cast<std::size_t>(part.type)]),
               part.range);
}

ExpressionParser::Part ExpressionParser::make_arithmetic(const Infix& infix, const Part& left,
                                                         const Part& right, TextRange sign) {
  const bool is_product = infix.power == product_power;
  for (const Part* part : {&left, &right}) {
    if (part->type == Type::fraction && is_product) continue;
    if (part->type == Type::fraction) {
      tokens_.fail("a percentage can only be compared or multiplied", sign, "as in 110% * macs");
    }
    require(*part, Type::number, "a number");
  }
  return make(infix.operation, left, right, Type::number, false);
}

ExpressionParser::Part ExpressionParser::make_comparison(Operation operation, Part left, Part right,
                                                         TextRange sign) {
  if (left.type == Type::nothing) std::swap(left, right);
  if (right.type == Type::nothing) {
    const bool equal = operation == Operation::equal;
    if (!equal && operation != Operation::unequal)
      tokens_.fail("none can only be compared with == or !=", sign);
    if (left.type == Type::nothing) tokens_.fail("cannot compare none with none", sign);
    return make(equal ? Operation::is_nothing : Operation::is_something, left, left, Type::truth,
                false);
  }
  const bool pattern = operation == Operation::like || operation == Operation::unlike;
  for (const Part* part : {&left, &right}) {
    if (pattern) require(*part, Type::text, "a text");
    if (part->type == Type::truth) tokens_.fail("expected a figure, got a condition", part->range);
  }
  if ((left.type == Type::text) != (right.type == Type::text)) {
    tokens_.fail("cannot compare a text with a number", sign);
  }
  compare_literal(left, right);
  compare_literal(right, left);
  Part result = make(operation, left, right, Type::truth, left.type == Type::text);
  if (result.range.end < result.range.begin) std::swap(result.range.begin, result.range.end);
  result.is_comparison = true;
  return result;
}

/// Lets the owner of the fields choose another field for a comparison with a percentage or a signed
/// number. Otherwise a percentage stands for hundredths of a field that is a percentage, too.
void ExpressionParser::compare_literal(Part& figure, Part& literal) {
  const bool is_percent = literal.type == Type::fraction && figure.type != Type::fraction;
  if (!is_percent && !literal.is_signed) return;
  const bool is_field = figure.field != ExpressionField::none;
  if (is_field && choose_) {
    const LiteralForm form = is_percent ? LiteralForm::percent : LiteralForm::signed_number;
    const std::size_t chosen = choose_(figure.field, form);
    if (chosen != figure.field) {
      figure = field_part(chosen, figure.range);
      return;
    }
  }
  if (!is_percent) return;
  if (!is_field || fields_[figure.field].type != ExpressionField::Type::percent)
    tokens_.fail("cannot compare this with a percentage", figure.range);
  const Part hundred{add({Operation::number, false, 0, 0, 100, {}}), Type::number, literal.range};
  literal = make(Operation::multiply, literal, hundred, Type::number, false);
}

ExpressionParser::Part ExpressionParser::field_part(std::size_t field, TextRange range) {
  const auto index = static_cast<std::uint32_t>(field);
  const Type type = fields_[field].type == ExpressionField::Type::text ? Type::text : Type::number;
  return {add({Operation::field, false, index, 0, 0, {}}), type, range, field};
}

/// Lists the fields that the result reads, without those that another field replaced.
void ExpressionParser::collect_fields() {
  auto& nodes = expression_->nodes_;
  std::vector<bool> needed(nodes.size(), false);
  needed.back() = true;
  for (std::size_t i = nodes.size(); i-- > 0;) {
    Expression::Node& node = nodes[i];
    if (!needed[i]) node = {};
    if (node.operation < Operation::negate) continue;
    needed[node.left] = needed[node.right] = true;
  }
  auto& used = expression_->fields_;
  for (Expression::Node& node : nodes) {
    if (node.operation != Operation::field) continue;
    auto place = std::find(used.begin(), used.end(), node.left);
    if (place == used.end()) place = used.insert(used.end(), node.left);
    node.left = static_cast<std::uint32_t>(place - used.begin());
  }
}

Expression::Expression(std::string_view text, std::span<const ExpressionField> fields,
                       std::string_view option, const ChooseField& choose) {
  ExpressionParser(text, fields, option, choose).parse(*this);
}

Expression Expression::condition(std::string_view text, std::span<const ExpressionField> fields,
                                 std::string_view option, const ChooseField& choose) {
  Expression expression(text, fields, option, choose);
  if (expression.is_condition()) return expression;
  Error error(ErrorCode::usage, std::string(option) + ": expected a condition");
  error.hint = "as in macs < 1G";
  error.excerpt = {std::string(text), 0, text.size()};
  throw error;
}

}  // namespace zoometer
