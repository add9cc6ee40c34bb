#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zoometer {

/// A name that an expression may use. Where a figure is compared with an older one, `change` and
/// `relative_change` are the places of the fields that tell the difference: `macs > +1%` then means
/// the relative one, `macs > +5M` the absolute one.
struct ExpressionField {
  enum class Type : std::uint8_t {
    number,
    percent,  ///< a number of hundredths: 80.9 is 80.9%
    text,
  };
  static constexpr std::size_t none = SIZE_MAX;

  std::string_view name;
  Type type = Type::number;
  std::string_view summary;
  std::size_t change = none;
  std::size_t relative_change = none;
};

/// What a field holds. Numbers have 64 bits of precision, so that every integer figure is exact.
struct ExpressionValue {
  enum class State : std::uint8_t {
    known,
    missing,  ///< there is none
    pending,  ///< there may be one; nobody has looked yet
  };

  State state = State::missing;
  long double number = 0;
  std::string_view text = {};

  static ExpressionValue of(long double number) { return {State::known, number, {}}; }
  static ExpressionValue of(std::string_view text) { return {State::known, 0, text}; }
  static ExpressionValue pending() { return {State::pending, 0, {}}; }
};

/// An expression over fields, as in `macs < 1G and not (task == "detection" or top1 < 75%)`;
/// docs/query.md describes the language. It is checked whole when it is parsed, and what was left
/// is evaluated in one pass without recursion.
class Expression {
 public:
  /// Parses an expression. Throws Error{usage} that begins with `option` ("--where") and points at
  /// the words that are wrong. `text` and `fields` need not outlive the call.
  Expression(std::string_view text, std::span<const ExpressionField> fields,
             std::string_view option);

  /// The same, and Error{usage} for one that is no condition (`macs + 1`).
  static Expression condition(std::string_view text, std::span<const ExpressionField> fields,
                              std::string_view option);

  const std::string& text() const noexcept { return text_; }
  bool is_condition() const noexcept { return result_ == Type::truth; }
  bool is_text() const noexcept { return result_ == Type::text; }

  /// The fields that are read, each once, by their places among `fields`.
  std::span<const std::size_t> fields() const noexcept { return fields_; }
  /// The field that the expression consists of, if it is nothing else.
  std::optional<std::size_t> lone_field() const noexcept;

  /// The value, given those of `fields()` in that order.
  ExpressionValue evaluate(std::span<const ExpressionValue> values) const;
  /// Whether a condition holds; nothing where that depends on a value that is missing or pending.
  std::optional<bool> holds(std::span<const ExpressionValue> values) const;

 private:
  friend class ExpressionParser;

  enum class Type : std::uint8_t { number, fraction, text, truth, nothing };
  enum class Operation : std::uint8_t {
    number,
    text,
    field,
    nothing,
    negate,
    add,
    subtract,
    multiply,
    divide,
    equal,
    unequal,
    less,
    less_equal,
    greater,
    greater_equal,
    like,
    unlike,
    is_nothing,
    is_something,
    logical_not,
    logical_and,
    logical_or,
  };
  struct Node {
    Operation operation = Operation::nothing;
    bool is_text = false;     ///< of a comparison: compares texts
    std::uint32_t left = 0;   ///< an earlier node; of a field its place in `fields_`
    std::uint32_t right = 0;  ///< an earlier node
    long double number = 0;
    std::string text = {};
  };

  Expression() = default;
  static ExpressionValue apply(const Node& node, const ExpressionValue& a,
                               const ExpressionValue& b);
  ExpressionValue run(std::span<const ExpressionValue> values) const;

  std::string text_;
  std::vector<Node> nodes_;  ///< operands before their operations; the last is the result
  std::vector<std::size_t> fields_;
  Type result_ = Type::nothing;
};

}  // namespace zoometer
