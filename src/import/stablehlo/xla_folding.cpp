#include "import/stablehlo/xla_folding.hpp"

#include <algorithm>
#include <cmath>

namespace zoometer {
namespace {

constexpr std::int64_t largest_folded = 65536;  // elements that differ

bool is_among(std::string_view name, std::span<const std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

/// The front end has no folder for others, such as `floor`.
bool folds_constants(std::string_view name) {
  constexpr std::string_view names[] = {"abs",
                                        "add",
                                        "and",
                                        "compare",
                                        "convert",
                                        "cosine",
                                        "divide",
                                        "exponential",
                                        "log",
                                        "logistic",
                                        "maximum",
                                        "minimum",
                                        "multiply",
                                        "negate",
                                        "not",
                                        "or",
                                        "remainder",
                                        "round_nearest_afz",
                                        "round_nearest_even",
                                        "rsqrt",
                                        "select",
                                        "sign",
                                        "sine",
                                        "sqrt",
                                        "subtract",
                                        "tan",
                                        "tanh"};
  return is_among(name, names);
}

/// Operations whose result repeats the number that their operand repeats.
bool keeps_number(std::string_view name) {
  constexpr std::string_view names[] = {"broadcast_in_dim", "convert", "reshape", "slice",
                                        "transpose"};
  return is_among(name, names);
}

XlaConstant constant_of(const HloProgram& program, const HloOperation& operation) {
  const HloAttribute* value = program.find(operation, "value");
  if (value == nullptr) return {};
  if (const std::optional<double> number = program.repeated(*value)) return {true, *number};
  constexpr std::size_t most = 1024;
  const std::vector<std::int64_t> integers = program.integers(*value, most);
  const bool is_repeated =
      !integers.empty() && std::ranges::count(integers, integers[0]) == std::ssize(integers);
  if (is_repeated) return {true, static_cast<double>(integers[0])};
  return {true};
}

double number_of(std::string_view name, std::span<const XlaConstant> operands) {
  const double a = operands[0].number;
  if (keeps_number(name)) return a;
  if (name == "negate") return -a;
  if (operands.size() != 2) return XlaConstant{}.number;
  const double b = operands[1].number;
  if (name == "add") return a + b;
  if (name == "subtract") return a - b;
  if (name == "multiply") return a * b;
  return XlaConstant{}.number;
}

/// Whether a neutral operand leaves the other one as it is, or decides the result alone.
bool is_neutral(const HloProgram& program, const HloOperation& operation,
                std::span<const XlaConstant> operands) {
  const std::string_view name = operation.name;
  if (name == "select" && operands.size() == 3)
    return !std::isnan(operands[0].number) || operation.operands[1] == operation.operands[2];
  if (operands.size() != 2 || operation.types.size() != 1) return false;
  const bool is_integer = !is_floating(program.type(operation.types[0]).dtype);
  const double a = operands[0].number, b = operands[1].number;
  if (name == "add") return a == 0 || b == 0;
  if (name == "subtract")
    return b == 0 || (is_integer && operation.operands[0] == operation.operands[1]);
  if (name == "multiply") return a == 1 || b == 1 || (is_integer && (a == 0 || b == 0));
  const auto is_mask = [](double number) { return number == 0 || number == 1 || number == -1; };
  const bool is_boolean = program.type(operation.types[0]).dtype == DType::boolean;
  if (name == "and" || name == "or")
    return is_boolean ? is_mask(a) || is_mask(b) : a == 0 || b == 0 || a == -1 || b == -1;
  return name == "xor" && (a == 0 || b == 0);
}

}  // namespace

XlaFolding fold_for_xla(const HloProgram& program, const HloOperation& operation,
                        std::span<const XlaConstant> operands, std::int64_t elements) {
  const std::string_view name = operation.name;
  if (name == "constant") return {true, constant_of(program, operation)};
  if (operands.empty()) return {};
  const bool are_constant = std::ranges::all_of(operands, &XlaConstant::is_constant);
  if (!are_constant) return {is_neutral(program, operation, operands), {}};
  const double number = number_of(name, operands);
  const bool is_repeated = std::ranges::all_of(
      operands, [](const XlaConstant& each) { return !std::isnan(each.number); });
  if (keeps_number(name) && name != "convert")
    return {true, {name != "broadcast_in_dim" || is_repeated, number}};
  const bool is_small = elements <= largest_folded;
  const bool is_folded = folds_constants(name) && (is_small || (is_repeated && name != "convert"));
  if (!is_folded) return {is_neutral(program, operation, operands), {}};
  return {true, {true, number}};
}

}  // namespace zoometer
