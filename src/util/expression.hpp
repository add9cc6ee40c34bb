#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zoometer {

/// A name that an expression may use.
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
};

/// How a number is written that a field is compared with.
enum class LiteralForm : std::uint8_t {
  percent,        ///< 5%
  signed_number,  ///< +5M
};

/// The field that a comparison of `field` with such a number reads; `field` itself, or another one.
using ChooseField = std::function<std::size_t(std::size_t field, LiteralForm form)>;

/// The value of a field. Numbers have 64 bits of precision, so that every integer figure is exact.
struct ExpressionValue {
  enum class State : std::uint8_t {
    known,
    missing,  ///< there is no value
    pending,  ///< not computed yet
  };

  State state = State::missing;
  long double number = 0;
  std::string_view text = {};

  static ExpressionValue of(long double number) { return {State::known, number, {}}; }
  static ExpressionValue of(std::string_view text) { return {State::known, 0, text}; }
  bool is_known() const noexcept { return state == State::known; }
  static ExpressionValue pending() { return {State::pending, 0, {}}; }
};

/// A comparison of a field with a number or a text that is written in the expression.
struct LiteralComparison {
  std::size_t field = 0;       ///< an index into the fields that the expression was parsed with
  bool is_pattern = false;     ///< compared by ~ or !~
  long double number = 0;      ///< of a field that is a number
  std::string_view text = {};  ///< of a field that is a text
};

/// An expression over fields, as in `macs < 1G and not (task == "detection" or top1 < 75%)`;
/// docs/query.md describes the language. All errors are found when it is parsed. It is evaluated in
/// one pass without recursion.
class Expression {
 public:
  /// Parses an expression. Throws Error{usage} that begins with `option` ("--where") and points at
  /// the part that is wrong. `text` and `fields` need not outlive the call.
  Expression(std::string_view text, std::span<const ExpressionField> fields,
             std::string_view option, const ChooseField& choose = {});

  /// The same; throws Error{usage}, too, if the expression is not a condition (`macs + 1`).
  static Expression condition(std::string_view text, std::span<const ExpressionField> fields,
                              std::string_view option, const ChooseField& choose = {});

  const std::string& text() const noexcept { return text_; }
  bool is_condition() const noexcept { return result_ == Type::truth; }
  bool is_text() const noexcept { return result_ == Type::text; }

  /// The fields that the expression reads, without duplicates, as indices into `fields`.
  std::span<const std::size_t> fields() const noexcept { return fields_; }
  /// The field, if the expression is only a field.
  std::optional<std::size_t> lone_field() const noexcept;

  /// The comparisons of fields with plain numbers (`75%` is none) and texts, whichever side they
  /// are on.
  std::vector<LiteralComparison> literal_comparisons() const;

  /// The value of the expression; `values` are those of `fields()` in the same order.
  ExpressionValue evaluate(std::span<const ExpressionValue> values) const;
  /// Whether the condition is true; nothing if that depends on a missing or pending value.
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
    bool is_text = false;     ///< compares texts
    std::uint32_t left = 0;   ///< an earlier node, or the index of a field in `fields_`
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
