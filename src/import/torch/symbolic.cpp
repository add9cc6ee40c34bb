#include "import/torch/symbolic.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <set>
#include <span>
#include <utility>

namespace zoometer {
namespace {

__extension__ using Wide = __int128;

constexpr int deepest = 64;
constexpr std::size_t most_arguments = 64;

/// An exact fraction with a denominator above 0, in lowest terms.
struct Fraction {
  std::int64_t over = 0;
  std::int64_t under = 1;

  bool is_integer() const noexcept { return under == 1; }
};
using Result = std::optional<Fraction>;

Result reduced(Wide over, Wide under) noexcept {
  if (under == 0) return std::nullopt;
  if (under < 0) {
    over = -over;
    under = -under;
  }
  Wide a = over < 0 ? -over : over;
  Wide b = under;
  while (b != 0) a = std::exchange(b, a % b);
  if (a > 1) {
    over /= a;
    under /= a;
  }
  constexpr auto largest = std::numeric_limits<std::int64_t>::max();
  if (over > largest || over < -Wide{largest} || under > largest) return std::nullopt;
  return Fraction{static_cast<std::int64_t>(over), static_cast<std::int64_t>(under)};
}

Result add(const Fraction& a, const Fraction& b) noexcept {
  return reduced(Wide{a.over} * b.under + Wide{b.over} * a.under, Wide{a.under} * b.under);
}

Result negate(const Fraction& a) noexcept { return Fraction{-a.over, a.under}; }

Result multiply(const Fraction& a, const Fraction& b) noexcept {
  return reduced(Wide{a.over} * b.over, Wide{a.under} * b.under);
}

Result divide(const Fraction& a, const Fraction& b) noexcept {
  return reduced(Wide{a.over} * b.under, Wide{a.under} * b.over);
}

Result floor(const Fraction& a) noexcept {
  const std::int64_t quotient = a.over / a.under;
  return Fraction{a.over % a.under < 0 ? quotient - 1 : quotient, 1};
}

Result ceiling(const Fraction& a) noexcept {
  const std::int64_t quotient = a.over / a.under;
  return Fraction{a.over % a.under > 0 ? quotient + 1 : quotient, 1};
}

Result truncate(const Fraction& a) noexcept { return a.over < 0 ? ceiling(a) : floor(a); }

Result identity(const Fraction& a) noexcept { return a; }

Result absolute(const Fraction& a) noexcept { return a.over < 0 ? negate(a) : a; }

/// Half to even, as Python does.
Result round(const Fraction& a) noexcept {
  const Result doubled = add(a, a);
  const Result below = floor(a);
  if (!doubled || !below) return std::nullopt;
  const Result rest = add(a, *negate(*below));
  if (!rest) return std::nullopt;
  const bool half = rest->over == 1 && rest->under == 2;
  const bool up = half ? below->over % 2 != 0 : rest->over > rest->under / 2;
  return up ? add(*below, {1, 1}) : below;
}

Result floor_divide(const Fraction& a, const Fraction& b) noexcept {
  const Result quotient = divide(a, b);
  return quotient ? floor(*quotient) : std::nullopt;
}

Result ceil_divide(const Fraction& a, const Fraction& b) noexcept {
  const Result quotient = divide(a, b);
  return quotient ? ceiling(*quotient) : std::nullopt;
}

Result modulo(const Fraction& a, const Fraction& b) noexcept {
  const Result quotient = floor_divide(a, b);
  const Result product = quotient ? multiply(*quotient, b) : std::nullopt;
  return product ? add(a, *negate(*product)) : std::nullopt;
}

Result power(const Fraction& base, const Fraction& exponent) noexcept {
  if (!exponent.is_integer() || exponent.over > 64 || exponent.over < -64) return std::nullopt;
  Result result = Fraction{1, 1};
  for (std::int64_t i = std::abs(exponent.over); i > 0 && result; --i)
    result = multiply(*result, base);
  return result && exponent.over < 0 ? divide({1, 1}, *result) : result;
}

bool less(const Fraction& a, const Fraction& b) noexcept {
  return Wide{a.over} * b.under < Wide{b.over} * a.under;
}

Result larger(const Fraction& a, const Fraction& b) noexcept { return less(a, b) ? b : a; }

Result smaller(const Fraction& a, const Fraction& b) noexcept { return less(b, a) ? b : a; }

struct UnaryFunction {
  std::string_view name;
  Result (*apply)(const Fraction&) noexcept;
};
constexpr UnaryFunction unary_functions[] = {
    {"Integer", identity},  {"Identity", identity},   {"ToFloat", identity},
    {"floor", floor},       {"FloorToInt", floor},    {"ceiling", ceiling},
    {"CeilToInt", ceiling}, {"TruncToInt", truncate}, {"TruncToFloat", truncate},
    {"RoundToInt", round},  {"Abs", absolute},
};

struct BinaryFunction {
  std::string_view name;
  Result (*apply)(const Fraction&, const Fraction&) noexcept;
};
constexpr BinaryFunction binary_functions[] = {
    {"Rational", divide},
    {"Pow", power},
    {"PowByNatural", power},
    {"FloorDiv", floor_divide},
    {"CleanDiv", divide},
    {"CeilDiv", ceil_divide},
    {"IntTrueDiv", divide},
    {"FloatTrueDiv", divide},
    {"Mod", modulo},
    {"PythonMod", modulo},
    {"floordiv", floor_divide},
    {"mod", modulo},
};

/// Functions of any number of arguments.
constexpr BinaryFunction folding_functions[] = {{"Add", add},    {"Mul", multiply},
                                                {"Max", larger}, {"Min", smaller},
                                                {"max", larger}, {"min", smaller}};

Result call(std::string_view name, std::span<const Fraction> arguments) noexcept {
  for (const UnaryFunction& function : unary_functions) {
    if (function.name == name && arguments.size() == 1) return function.apply(arguments[0]);
  }
  for (const BinaryFunction& function : binary_functions) {
    if (function.name == name && arguments.size() == 2)
      return function.apply(arguments[0], arguments[1]);
  }
  for (const BinaryFunction& function : folding_functions) {
    if (function.name != name || arguments.empty()) continue;
    Result result = arguments[0];
    for (std::size_t i = 1; i < arguments.size() && result; ++i)
      result = function.apply(*result, arguments[i]);
    return result;
  }
  if (name == "ModularIndexing" && arguments.size() == 3) {
    const Result quotient = floor_divide(arguments[0], arguments[1]);
    return quotient ? modulo(*quotient, arguments[2]) : std::nullopt;
  }
  return std::nullopt;
}

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool starts_name(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/// A recursive-descent parser of Python's arithmetic. A rule that does not match returns nothing.
class Parser {
 public:
  Parser(std::string_view text, const SymbolValues& symbols) noexcept
      : text_(text),
        symbols_(symbols) {}

  Result parse() noexcept {
    const Result result = sum();
    return next() == 0 ? result : std::nullopt;
  }

 private:
  char next() noexcept {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(std::string_view symbol) noexcept {
    next();
    if (!text_.substr(at_).starts_with(symbol)) return false;
    at_ += symbol.size();
    return true;
  }

  Result sum() noexcept {
    Result result = term();
    while (result) {
      if (take("+")) {
        const Result right = term();
        result = right ? add(*result, *right) : std::nullopt;
      } else if (take("-")) {
        const Result right = term();
        result = right ? add(*result, *negate(*right)) : std::nullopt;
      } else {
        return result;
      }
    }
    return result;
  }

  Result term() noexcept {
    Result result = factor();
    while (result) {
      Result (*operation)(const Fraction&, const Fraction&) noexcept = nullptr;
      if (take("//")) {
        operation = floor_divide;
      } else if (take("/")) {
        operation = divide;
      } else if (take("*")) {
        operation = multiply;
      } else if (take("%")) {
        operation = modulo;
      } else {
        return result;
      }
      const Result right = factor();
      result = right ? operation(*result, *right) : std::nullopt;
    }
    return result;
  }

  Result factor() noexcept {
    const Nesting nesting(depth_);
    if (depth_ > deepest) return std::nullopt;
    if (take("-")) {
      const Result operand = factor();
      return operand ? negate(*operand) : std::nullopt;
    }
    if (take("+")) return factor();
    const Result base = primary();
    if (!base || !take("**")) return base;
    const Result exponent = factor();
    return exponent ? power(*base, *exponent) : std::nullopt;
  }

  Result primary() noexcept {
    const char c = next();
    if (c == '(') {
      take("(");
      const Result inner = sum();
      return take(")") ? inner : std::nullopt;
    }
    if (is_digit(c)) return number();
    if (!starts_name(c)) return std::nullopt;
    const std::string_view name = word();
    return take("(") ? function(name) : symbol(name);
  }

  /// Digits with an optional decimal fraction.
  Result number() noexcept {
    bool after_point = false;
    Wide scale = 1;
    Wide digits = 0;
    constexpr Wide largest = Wide{1} << 100;
    for (; at_ < text_.size() && (is_digit(text_[at_]) || (text_[at_] == '.' && !after_point));
         ++at_) {
      if (text_[at_] == '.') {
        after_point = true;
        continue;
      }
      if (digits > largest || scale > largest) return std::nullopt;
      digits = digits * 10 + (text_[at_] - '0');
      if (after_point) scale *= 10;
    }
    return reduced(digits, scale);
  }

  std::string_view word() noexcept {
    next();
    const std::size_t start = at_;
    while (at_ < text_.size() && (starts_name(text_[at_]) || is_digit(text_[at_]))) ++at_;
    return text_.substr(start, at_ - start);
  }

  Result symbol(std::string_view name) const noexcept {
    const auto value = symbols_.find(name);
    return value ? reduced(*value, 1) : std::nullopt;
  }

  /// Symbol('s0', integer=True) and Float('0.5', precision=53) hold a quoted text.
  Result quoted(std::string_view function) noexcept {
    const char quote = next();
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    if (!skip_options()) return std::nullopt;
    if (function == "Symbol") return symbol(inside);
    if (function != "Float") return std::nullopt;
    Parser literal(inside, symbols_);
    return literal.parse();
  }

  /// `, name=Word` as often as it occurs, and the closing bracket.
  bool skip_options() noexcept {
    while (take(",")) {
      word();
      if (!take("=")) return false;
      if (is_digit(next())) {
        number();
      } else {
        word();
      }
    }
    return take(")");
  }

  Result function(std::string_view name) noexcept {
    const Nesting nesting(depth_);
    if (depth_ > deepest) return std::nullopt;
    if (next() == '\'' || next() == '"') return quoted(name);
    std::array<Fraction, most_arguments> arguments;
    std::size_t count = 0;
    do {
      const Result argument = sum();
      if (!argument || count == most_arguments) return std::nullopt;
      arguments[count++] = *argument;
    } while (take(","));
    if (!take(")")) return std::nullopt;
    return call(name, std::span(arguments).first(count));
  }

  struct Nesting {
    int& depth;
    explicit Nesting(int& counter) noexcept : depth(++counter) {}
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    ~Nesting() { --depth; }
  };

  std::string_view text_;
  const SymbolValues& symbols_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

std::optional<std::int64_t> SymbolValues::find(std::string_view name) const noexcept {
  const auto found = index_.find(name);
  return found == index_.end() ? std::nullopt : std::optional(entries_[found->second].value);
}

void SymbolValues::set(std::string_view name, std::int64_t value) {
  const auto [entry, is_new] = index_.try_emplace(std::string(name), entries_.size());
  if (is_new) entries_.push_back({std::string(name), value});
  entries_[entry->second].value = value;
}

std::string_view lone_symbol(std::string_view expression) noexcept {
  constexpr std::string_view prefix = "Symbol('";
  if (expression.starts_with(prefix)) {
    const std::size_t end = expression.find('\'', prefix.size());
    // Only options may follow the name: one opening bracket, which the last character closes.
    const bool alone = end != std::string_view::npos && expression.back() == ')' &&
                       expression.find('(', end) == std::string_view::npos &&
                       expression.find(')') == expression.size() - 1;
    return alone ? expression.substr(prefix.size(), end - prefix.size()) : std::string_view();
  }
  const bool is_word = !expression.empty() && starts_name(expression.front()) &&
                       std::all_of(expression.begin(), expression.end(),
                                   [](char c) { return starts_name(c) || is_digit(c); });
  return is_word ? expression : std::string_view();
}

std::optional<double> evaluate_number(std::string_view expression,
                                      const SymbolValues& symbols) noexcept {
  const Result result = Parser(expression, symbols).parse();
  if (!result) return std::nullopt;
  return static_cast<double>(result->over) / static_cast<double>(result->under);
}

std::vector<std::string_view> symbols_in(std::string_view expression) {
  std::vector<std::string_view> names;
  std::set<std::string_view> many;
  const auto add = [&](std::string_view name) {
    constexpr std::size_t few = 16;  // which are compared faster than sorted
    if (names.size() == few && many.empty()) many.insert(names.begin(), names.end());
    const bool is_new = names.size() < few
                            ? std::find(names.begin(), names.end(), name) == names.end()
                            : many.insert(name).second;
    if (is_new) names.push_back(name);
  };
  constexpr std::string_view prefix = "Symbol('";
  std::size_t at = expression.find(prefix);
  if (at != std::string_view::npos) {
    while (at != std::string_view::npos) {
      at += prefix.size();
      add(expression.substr(at, expression.find('\'', at) - at));
      at = expression.find(prefix, at);
    }
    return names;
  }
  for (at = 0; at < expression.size();) {
    if (!starts_name(expression[at])) {
      ++at;
      continue;
    }
    const std::size_t start = at;
    while (at < expression.size() && (starts_name(expression[at]) || is_digit(expression[at])))
      ++at;
    if (at == expression.size() || expression[at] != '(') add(expression.substr(start, at - start));
  }
  return names;
}

std::optional<std::int64_t> evaluate_size(std::string_view expression,
                                          const SymbolValues& symbols) noexcept {
  const Result result = Parser(expression, symbols).parse();
  if (!result || !result->is_integer()) return std::nullopt;
  return result->over;
}

}  // namespace zoometer
