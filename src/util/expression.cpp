#include "util/expression.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {

// What is wrong with an expression is told with the place in it, so the parser keeps positions of
// all that it reads.
class ExpressionParser {
 public:
  ExpressionParser(std::string_view text, std::span<const ExpressionField> fields,
                   std::string_view option)
      : text_(text),
        fields_(fields),
        option_(option) {}

  void parse(Expression& expression);

 private:
  using Type = Expression::Type;
  using Operation = Expression::Operation;

  static constexpr std::size_t longest = 4096;
  static constexpr int deepest = 100;

  struct Range {
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  enum class Kind : std::uint8_t { end, number, text, name, symbol };
  struct Token {
    Kind kind = Kind::end;
    Range range;
    std::string text;  ///< a name, a symbol, or what stands between quotes
    long double number = 0;
    bool is_percent = false;
  };

  /// A part that is parsed: its node with what the rules of types and changes need to know.
  struct Part {
    std::uint32_t node = 0;
    Type type = Type::nothing;
    Range range;
    std::size_t field = ExpressionField::none;  ///< if it is a field and nothing else
    bool is_signed = false;                     ///< a number with a plus or minus before it
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

  [[noreturn]] void fail(const std::string& message, Range range, std::string hint = {}) const;
  [[noreturn]] void fail_unexpected(std::string_view expected) const;

  // -- words
  void advance();
  void read_number();
  void read_unit();
  void read_quoted(char quote);
  void read_name();
  void read_symbol();
  bool is(std::string_view word) const noexcept {
    return (token_.kind == Kind::symbol || token_.kind == Kind::name) && token_.text == word;
  }
  bool take(std::string_view word) {
    if (!is(word)) return false;
    advance();
    return true;
  }

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
  Part make_arithmetic(const Infix& infix, const Part& left, const Part& right, Range sign);
  Part make_comparison(Operation operation, Part left, Part right, Range sign);
  Part field_part(std::size_t field, Range range);
  void compare_changes(Part& left, Part& right);
  void use_change(Part& figure);
  void use_percent(Part& figure, Part& fraction);
  void require(const Part& part, Type type, std::string_view expected) const;
  void collect_fields();

  std::string_view text_;
  std::span<const ExpressionField> fields_;
  std::string_view option_;
  std::size_t position_ = 0;
  int depth_ = 0;
  Token token_;
  Expression* expression_ = nullptr;
};

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

struct Unit {
  std::string_view name;
  long double factor;
};

constexpr long double kibi = 1024;
constexpr Unit units[] = {
    {"B", 1},
    {"k", 1e3L},
    {"K", 1e3L},
    {"M", 1e6L},
    {"G", 1e9L},
    {"T", 1e12L},
    {"P", 1e15L},
    {"E", 1e18L},
    {"kB", 1e3L},
    {"KB", 1e3L},
    {"MB", 1e6L},
    {"GB", 1e9L},
    {"TB", 1e12L},
    {"PB", 1e15L},
    {"EB", 1e18L},
    {"Ki", kibi},
    {"Mi", kibi* kibi},
    {"Gi", kibi* kibi* kibi},
    {"Ti", kibi* kibi* kibi* kibi},
    {"KiB", kibi},
    {"MiB", kibi* kibi},
    {"GiB", kibi* kibi* kibi},
    {"TiB", kibi* kibi* kibi* kibi},
};

const Unit* find_unit(std::string_view name) {
  const auto* found = std::find_if(std::begin(units), std::end(units),
                                   [&](const Unit& u) { return u.name == name; });
  return found == std::end(units) ? nullptr : found;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

}  // namespace

// -- errors ------------------------------------------------------------------------------------

void ExpressionParser::fail(const std::string& message, Range range, std::string hint) const {
  Error error(ErrorCode::usage, std::string(option_) + ": " + message);
  error.hint = std::move(hint);
  error.excerpt = {std::string(text_), range.begin, range.end};
  throw error;
}

void ExpressionParser::fail_unexpected(std::string_view expected) const {
  if (token_.kind == Kind::end) {
    fail("expected " + std::string(expected) + " at the end", token_.range);
  }
  const Range& range = token_.range;
  fail("expected " + std::string(expected) + ", got " +
           escape_controls(text_.substr(range.begin, range.end - range.begin)),
       range);
}

// -- words -------------------------------------------------------------------------------------

void ExpressionParser::advance() {
  while (position_ < text_.size() && is_space(text_[position_])) ++position_;
  token_ = {};
  token_.range = {position_, position_};
  if (position_ == text_.size()) return;
  const char c = text_[position_];
  const char next = position_ + 1 < text_.size() ? text_[position_ + 1] : '\0';
  if (is_digit(c) || (c == '.' && is_digit(next))) {
    read_number();
  } else if (c == '"' || c == '\'') {
    read_quoted(c);
  } else if (is_letter(c)) {
    read_name();
  } else {
    read_symbol();
  }
  token_.range.end = position_;
}

void ExpressionParser::read_number() {
  token_.kind = Kind::number;
  const std::size_t begin = position_;
  std::string digits;
  const auto take_digits = [&] {
    for (; position_ < text_.size() && (is_digit(text_[position_]) || text_[position_] == '_');
         ++position_) {
      if (text_[position_] != '_') digits += text_[position_];
    }
  };
  take_digits();
  if (position_ < text_.size() && text_[position_] == '.') {
    digits += text_[position_++];
    take_digits();
  }
  if (position_ < text_.size() && (text_[position_] == 'e' || text_[position_] == 'E')) {
    std::size_t at = position_ + 1;
    if (at < text_.size() && (text_[at] == '+' || text_[at] == '-')) ++at;
    if (at < text_.size() && is_digit(text_[at])) {
      digits.append(text_.substr(position_, at - position_));
      position_ = at;
      take_digits();
    }
  }
  // The program never leaves the C locale, so that a point is a point.
  token_.number = std::strtold(digits.c_str(), nullptr);
  read_unit();
  if (!std::isfinite(token_.number)) fail("a number that is too large", {begin, position_});
}

/// Takes a unit or a percent sign, also behind a space: "4.089 G" is how figures are printed.
void ExpressionParser::read_unit() {
  std::size_t begin = position_;
  while (begin < text_.size() && text_[begin] == ' ') ++begin;
  if (begin < text_.size() && text_[begin] == '%') {
    token_.is_percent = true;
    token_.number /= 100;
    position_ = begin + 1;
    return;
  }
  std::size_t end = begin;
  while (end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end]))) ++end;
  const std::string_view word = text_.substr(begin, end - begin);
  if (const Unit* unit = find_unit(word)) {
    token_.number *= unit->factor;
    position_ = end;
  } else if (begin == position_ && !word.empty()) {
    std::vector<std::string_view> names;
    for (const Unit& each : units) names.push_back(each.name);
    fail("no such unit: " + std::string(word), {begin, end},
         "k, M, G, T, P, E; KiB, MiB, GiB, TiB; %");
  }
}

void ExpressionParser::read_quoted(char quote) {
  token_.kind = Kind::text;
  const std::size_t begin = position_++;
  for (; position_ < text_.size(); ++position_) {
    if (text_[position_] == quote) {
      ++position_;
      return;
    }
    if (text_[position_] == '\\' && position_ + 1 < text_.size()) ++position_;
    token_.text += text_[position_];
  }
  fail("a text without its closing quote", {begin, position_});
}

void ExpressionParser::read_name() {
  token_.kind = Kind::name;
  const std::size_t begin = position_;
  while (position_ < text_.size() &&
         (is_letter(text_[position_]) || is_digit(text_[position_]) || text_[position_] == '.'))
    ++position_;
  token_.text = lower(text_.substr(begin, position_ - begin));
}

void ExpressionParser::read_symbol() {
  constexpr std::string_view symbols[] = {"==", "!=", "<=", ">=", "&&", "||", "!~", "<", ">", "=",
                                          "~",  "+",  "-",  "*",  "/",  "(",  ")",  ",", "!"};
  token_.kind = Kind::symbol;
  for (const std::string_view symbol : symbols) {
    if (!text_.substr(position_).starts_with(symbol)) continue;
    token_.text = symbol;
    position_ += symbol.size();
    return;
  }
  std::size_t end = position_ + 1;
  while (end < text_.size() && (static_cast<unsigned char>(text_[end]) & 0xC0U) == 0x80U) ++end;
  fail("no such sign: " + escape_controls(text_.substr(position_, end - position_)),
       {position_, end});
}

// -- structure ---------------------------------------------------------------------------------

void ExpressionParser::parse(Expression& expression) {
  if (text_.size() > longest) {
    throw Error(ErrorCode::limit, std::string(option_),
                {"at most " + std::to_string(longest) + " bytes", std::to_string(text_.size())});
  }
  expression_ = &expression;
  expression.text_ = std::string(text_);
  advance();
  if (token_.kind == Kind::end) fail("an empty expression", token_.range, "as in macs < 1G");
  const Part whole = parse_part(0);
  if (token_.kind != Kind::end) fail_unexpected("an operator or the end");
  if (whole.type == Type::nothing) fail("none says nothing alone", whole.range);
  expression.result_ = whole.type;
  collect_fields();
}

/// Parses operators that bind more tightly than `power`.
ExpressionParser::Part ExpressionParser::parse_part(int power) {
  if (++depth_ > deepest) {
    fail("nested more than " + std::to_string(deepest) + " deep", token_.range);
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
    if (is(infix.symbol)) return &infix;
  }
  return nullptr;
}

ExpressionParser::Part ExpressionParser::parse_prefix() {
  const Token token = token_;
  if (take("not") || take("!")) {
    const Part operand = parse_part(not_power);
    require(operand, Type::truth, "a condition");
    Part part = make(Operation::logical_not, operand, operand, Type::truth, false);
    part.range.begin = token.range.begin;
    return part;
  }
  if (take("-") || take("+")) {
    const bool is_literal = token_.kind == Kind::number;
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
  if (is("(")) return parse_parentheses();
  switch (token.kind) {
  case Kind::number:
    advance();
    return {add({Operation::number, false, 0, 0, token.number, {}}),
            token.is_percent ? Type::fraction : Type::number, token.range};
  case Kind::text:
    advance();
    return {add({Operation::text, false, 0, 0, 0, token.text}), Type::text, token.range};
  case Kind::name: return parse_field();
  default: fail_unexpected("a figure, a number or a text in quotes");
  }
}

ExpressionParser::Part ExpressionParser::parse_parentheses() {
  const Range opening = token_.range;
  advance();
  Part part = parse_part(0);
  if (!is(")")) {
    if (token_.kind == Kind::end) fail("a parenthesis that is not closed", opening);
    fail_unexpected("an operator or )");
  }
  part.range = {opening.begin, token_.range.end};
  part.is_comparison = false;
  part.is_signed = false;
  advance();
  return part;
}

ExpressionParser::Part ExpressionParser::parse_field() {
  const Token token = token_;
  const bool is_keyword = infix_at_token() != nullptr;
  if (is_keyword) fail_unexpected("a figure, a number or a text in quotes");
  advance();
  if (token.text == "none") return {add({}), Type::nothing, token.range};
  const auto found = std::find_if(fields_.begin(), fields_.end(),
                                  [&](const auto& field) { return field.name == token.text; });
  if (found != fields_.end()) {
    return field_part(static_cast<std::size_t>(found - fields_.begin()), token.range);
  }
  std::vector<std::string_view> names;
  for (const ExpressionField& field : fields_) names.push_back(field.name);
  std::string hint = did_you_mean(token.text, names);
  if (hint.empty()) hint = "a text stands in quotes: \"" + token.text + "\"";
  fail("no such figure: " + token.text, token.range, std::move(hint));
}

ExpressionParser::Part ExpressionParser::parse_infix(const Infix& infix, Part left) {
  if (infix.power == comparison_power) return parse_comparison(infix, left);
  const Range sign = token_.range;
  advance();
  const Part right = parse_part(infix.power);
  if (infix.power >= sum_power) return make_arithmetic(infix, left, right, sign);
  require(left, Type::truth, "a condition");
  require(right, Type::truth, "a condition");
  return make(infix.operation, left, right, Type::truth, false);
}

/// `a < b`, `a in (b, c)`, `a not in (b, c)`, and `a < b < c` as `a < b and b < c`.
ExpressionParser::Part ExpressionParser::parse_comparison(const Infix& infix, Part left) {
  const Range sign = token_.range;
  advance();
  if (infix.symbol == "not") {
    if (!is("in")) fail_unexpected("in behind not");
    advance();
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
  if (!is("(")) fail_unexpected("( and a list");
  Part result;
  do {
    advance();
    const Part item = parse_part(comparison_power);
    const Part one = make_comparison(operation, left, item, item.range);
    const Operation join =
        operation == Operation::equal ? Operation::logical_or : Operation::logical_and;
    result = result.is_comparison ? make(join, result, one, Type::truth, false) : one;
    result.is_comparison = true;
  } while (is(","));
  if (!is(")")) fail_unexpected(", or )");
  result.range.end = token_.range.end;
  advance();
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
  fail("expected " + std::string(expected) + ", got " +
           std::string(names[static_cast<std::size_t>(part.type)]),
       part.range);
}

ExpressionParser::Part ExpressionParser::make_arithmetic(const Infix& infix, const Part& left,
                                                         const Part& right, Range sign) {
  const bool is_product = infix.power == product_power;
  for (const Part* part : {&left, &right}) {
    if (part->type == Type::fraction && is_product) continue;
    if (part->type == Type::fraction) {
      fail("a percentage can be compared or multiplied with", sign, "as in 110% * macs");
    }
    require(*part, Type::number, "a number");
  }
  return make(infix.operation, left, right, Type::number, false);
}

ExpressionParser::Part ExpressionParser::make_comparison(Operation operation, Part left, Part right,
                                                         Range sign) {
  if (left.type == Type::nothing) std::swap(left, right);
  if (right.type == Type::nothing) {
    const bool equal = operation == Operation::equal;
    if (!equal && operation != Operation::unequal) fail("none can only be equal or not", sign);
    if (left.type == Type::nothing) fail("none says nothing of none", sign);
    return make(equal ? Operation::is_nothing : Operation::is_something, left, left, Type::truth,
                false);
  }
  const bool pattern = operation == Operation::like || operation == Operation::unlike;
  for (const Part* part : {&left, &right}) {
    if (pattern) require(*part, Type::text, "a text");
    if (part->type == Type::truth) fail("expected a figure, got a condition", part->range);
  }
  if ((left.type == Type::text) != (right.type == Type::text)) {
    fail("a text and a number cannot be compared", sign);
  }
  compare_changes(left, right);
  Part result = make(operation, left, right, Type::truth, left.type == Type::text);
  if (result.range.end < result.range.begin) std::swap(result.range.begin, result.range.end);
  result.is_comparison = true;
  return result;
}

/// A percentage stands for hundredths of a figure that is one, and for a relative change of a
/// figure that has changed; a number with a sign for its change.
void ExpressionParser::compare_changes(Part& left, Part& right) {
  for (const bool swapped : {false, true}) {
    Part& figure = swapped ? right : left;
    Part& literal = swapped ? left : right;
    if (literal.type == Type::fraction && figure.type != Type::fraction) {
      use_percent(figure, literal);
    } else if (literal.is_signed && figure.field != ExpressionField::none) {
      use_change(figure);
    }
  }
}

void ExpressionParser::use_percent(Part& figure, Part& fraction) {
  const ExpressionField* field =
      figure.field == ExpressionField::none ? nullptr : &fields_[figure.field];
  if (field != nullptr && field->relative_change != ExpressionField::none) {
    figure = field_part(field->relative_change, figure.range);
    return;
  }
  if (field == nullptr || field->type != ExpressionField::Type::percent) {
    fail("a percentage cannot be compared with this", figure.range);
  }
  const Part hundred{add({Operation::number, false, 0, 0, 100, {}}), Type::number, fraction.range};
  fraction = make(Operation::multiply, fraction, hundred, Type::number, false);
}

void ExpressionParser::use_change(Part& figure) {
  const ExpressionField& field = fields_[figure.field];
  if (field.change != ExpressionField::none) figure = field_part(field.change, figure.range);
}

ExpressionParser::Part ExpressionParser::field_part(std::size_t field, Range range) {
  const auto index = static_cast<std::uint32_t>(field);
  const Type type = fields_[field].type == ExpressionField::Type::text ? Type::text : Type::number;
  return {add({Operation::field, false, index, 0, 0, {}}), type, range, field};
}

/// Lists the fields that the result reads. Those that a change took the place of read nothing.
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

// -- evaluation --------------------------------------------------------------------------------

namespace {

using State = ExpressionValue::State;

ExpressionValue truth(bool holds) { return ExpressionValue::of(holds ? 1.0L : 0.0L); }

bool is_known(const ExpressionValue& value) { return value.state == State::known; }

/// What comes of a value that is missing or pending.
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
  return matches_wildcard(lower(pattern), lower(text));
}

}  // namespace

Expression::Expression(std::string_view text, std::span<const ExpressionField> fields,
                       std::string_view option) {
  ExpressionParser(text, fields, option).parse(*this);
}

Expression Expression::condition(std::string_view text, std::span<const ExpressionField> fields,
                                 std::string_view option) {
  Expression expression(text, fields, option);
  if (expression.is_condition()) return expression;
  Error error(ErrorCode::usage, std::string(option) + ": expected a condition");
  error.hint = "as in macs < 1G";
  error.excerpt = {std::string(text), 0, text.size()};
  throw error;
}

std::optional<std::size_t> Expression::lone_field() const noexcept {
  if (nodes_.size() != 1 || nodes_[0].operation != Operation::field) return std::nullopt;
  return fields_[0];
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
