#include "import/torch/program_sizes.hpp"

#include <algorithm>

#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

std::optional<std::int64_t> integer_in(const Json* value) {
  return value != nullptr && value->IsInt64() ? std::optional(value->GetInt64()) : std::nullopt;
}

/// The expression of {"as_expr": {...}}, or null.
const Json* expression_of(const Json& size) { return find_member(size, "as_expr"); }

/// The value in the program's example. Older writers gave plain numbers, newer ones {"as_int": 4}.
std::optional<std::int64_t> hint_of(const Json& expression) {
  const Json* hint = find_member(expression, "hint");
  if (hint == nullptr) return std::nullopt;
  return integer_in(hint->IsObject() ? find_member(*hint, "as_int") : hint);
}

std::string_view symbol_of(const Json& size) {
  const Json* expression = expression_of(size);
  return expression == nullptr ? std::string_view()
                               : lone_symbol(find_text(*expression, "expr_str"));
}

}  // namespace

ProgramSizes::ProgramSizes(const Json* range_constraints, ImportNotes& notes) : notes_(notes) {
  if (range_constraints == nullptr || !range_constraints->IsObject()) return;
  for (const auto& range : range_constraints->GetObject()) {
    Symbol& symbol = symbols_[std::string(view_of(range.name))];
    symbol.least = integer_in(find_member(range.value, "min_val"));
    symbol.most = integer_in(find_member(range.value, "max_val"));
  }
}

SizeNames ProgramSizes::names_of(const Json& declared) {
  SizeNames names;
  for (const Json& size : declared.GetArray()) {
    const Json* expression = expression_of(size);
    if (expression == nullptr) {
      names.emplace_back(std::nullopt);
      continue;
    }
    const std::string_view name = symbol_of(size);
    names.emplace_back(name.empty() ? find_text(*expression, "expr_str") : name);
  }
  return names;
}

void ProgramSizes::know(const Json& declared) {
  for (const Json& size : declared.GetArray()) {
    const std::string_view name = symbol_of(size);
    if (!name.empty()) symbols_[std::string(name)];
  }
}

void ProgramSizes::set(const TraceOptions& options) {
  for (const auto& [name, value] : options.dims) {
    const auto found = symbols_.find(name);
    if (found == symbols_.end()) {
      Error error(ErrorCode::unknown_name, "the program has no symbolic size named " + name);
      error.hint = "it has none";
      std::vector<std::string> known;
      for (const auto& symbol : symbols_) known.push_back(symbol.first);
      std::sort(known.begin(), known.end());
      for (std::size_t i = 0; i < known.size(); ++i)
        error.hint = (i == 0 ? "it has " : error.hint + ", ") + known[i];
      throw error;
    }
    if (value < 0)
      throw Error(ErrorCode::usage, "a size is negative",
                  {"at least 0", name + "=" + std::to_string(value)});
    values_.set(name, value);
    found->second.by_user = true;
    changed_ = true;
  }
}

void ProgramSizes::bind(std::string_view input, const Json& declared, const Shape& given) {
  if (declared.Size() != given.size()) {
    throw Error(ErrorCode::shape, "the rank of the input " + std::string(input),
                {std::to_string(declared.Size()) + " dimensions", to_string(given)});
  }
  for (rapidjson::SizeType i = 0; i < declared.Size(); ++i) {
    const std::string_view name = symbol_of(declared[i]);
    const std::int64_t size = given[i];
    if (name.empty()) {
      const auto fixed = integer_in(find_member(declared[i], "as_int"));
      changed_ = changed_ || fixed != size;
      continue;
    }
    Symbol& symbol = symbols_[std::string(name)];
    const auto before = values_.find(name);
    if (before && symbol.by_user && *before != size) {
      throw Error(ErrorCode::shape, "the inputs disagree on the size " + std::string(name),
                  {std::to_string(*before), std::to_string(size)});
    }
    values_.set(name, size);
    symbol.by_user = true;
    changed_ = true;
  }
}

void ProgramSizes::take_example(const Json& declared) {
  for (const Json& size : declared.GetArray()) {
    const std::string_view name = symbol_of(size);
    if (!name.empty() && !values_.find(name)) assume(name, hint_of(*expression_of(size)));
  }
}

void ProgramSizes::assume(std::string_view name, std::optional<std::int64_t> hint) {
  constexpr std::int64_t plausible = std::int64_t{1} << 31;
  Symbol& symbol = symbols_[std::string(name)];
  if (hint) return values_.set(name, *hint);
  if (symbol.most && *symbol.most >= 0 && *symbol.most < plausible) {
    symbol.bounded = any_bounded_ = true;
    return values_.set(name, *symbol.most);
  }
  const std::int64_t value = std::max<std::int64_t>(1, symbol.least.value_or(1));
  values_.set(name, value);
  symbol.noted = true;
  notes_.notes.push_back("the size " + std::string(name) +
                         " depends on data without a bound and is taken as " +
                         std::to_string(value));
}

ProgramSize ProgramSizes::evaluate(const Json& size) {
  if (const auto number = integer_in(find_member(size, "as_int"))) return {*number, false};
  const Json* expression = expression_of(size);
  if (expression == nullptr) throw_unexpected("sizes", "an integer or an expression");
  const auto known = evaluated_.find(expression);
  if (known != evaluated_.end()) return known->second;
  const ProgramSize result = evaluate_expression(*expression);
  evaluated_.emplace(expression, result);
  return result;
}

ProgramSize ProgramSizes::evaluate_expression(const Json& expression) {
  constexpr std::size_t longest = 1U << 16;
  const std::string_view text = get_text(expression, "expr_str");
  if (text.size() > longest)
    throw Error(
        ErrorCode::limit, "a symbolic size is too long",
        {"at most " + std::to_string(longest) + " characters", std::to_string(text.size())});
  const auto hint = hint_of(expression);
  const auto names = symbols_in(text);
  for (const std::string_view name : names) {
    if (!values_.find(name)) assume(name, lone_symbol(text) == name ? hint : std::nullopt);
  }
  const bool bounded = any_bounded_ && std::any_of(names.begin(), names.end(), [&](auto name) {
                         return symbols_[std::string(name)].bounded;
                       });
  if (const auto value = evaluate_size(text, values_)) return {*value, bounded};
  if (hint && !changed_) return {*hint, bounded};
  throw Error(ErrorCode::unsupported, "a symbolic size cannot be evaluated",
              {"sums, products or quotients", std::string(text)});
}

std::optional<double> ProgramSizes::evaluate_number(const Json& size) const {
  for (const std::string_view name : {"as_int", "as_float"}) {
    const Json* number = find_member(size, name);
    if (number != nullptr && number->IsNumber()) return number->GetDouble();
  }
  const Json* expression = expression_of(size);
  if (expression == nullptr) return std::nullopt;
  return zoometer::evaluate_number(find_text(*expression, "expr_str"), values_);
}

void ProgramSizes::report() {
  for (const SymbolValues::Entry& entry : values_.entries()) {
    notes_.dims.emplace_back(entry.name, entry.value);
    const Symbol& symbol = symbols_[entry.name];
    if (symbol.by_user || symbol.noted) continue;
    notes_.notes.push_back("the size " + entry.name + " is taken as " +
                           std::to_string(entry.value) +
                           (symbol.bounded ? ", its upper bound" : ""));
  }
}

}  // namespace zoometer
