// Operations, values and regions of StableHLO's text.
#include "import/stablehlo/assembly.hpp"

#include <algorithm>
#include <charconv>

#include "import/stablehlo/assembly_reader.hpp"

namespace zoometer {
namespace {

using Kind = HloAttribute::Kind;

constexpr std::size_t deepest_region = 48;

/// What StableHLO's own forms call an attribute, and its name.
struct AttributeName {
  std::string_view operation;  // empty: of any
  std::string_view printed;
  std::string_view name;
};

constexpr AttributeName attribute_names[] = {
    {"transpose", "dims", "permutation"},
    {"reverse", "dims", "dimensions"},
    {"broadcast", "sizes", "broadcast_sizes"},
    {"broadcast_in_dim", "dims", "broadcast_dimensions"},
    {"dynamic_broadcast_in_dim", "dims", "broadcast_dimensions"},
    {"iota", "dim", "iota_dimension"},
    {"dynamic_iota", "dim", "iota_dimension"},
    {"", "dim", "dimension"},
    {"pad", "low", "edge_padding_low"},
    {"pad", "high", "edge_padding_high"},
    {"pad", "interior", "interior_padding"},
    {"fft", "type", "fft_type"},
    {"fft", "length", "fft_length"},
    {"convolution", "stride", "window_strides"},
    {"convolution", "pad", "padding"},
    {"convolution", "lhs_dilate", "lhs_dilation"},
    {"convolution", "rhs_dilate", "rhs_dilation"},
    {"convolution", "reverse", "window_reversal"},
    {"einsum", "config", "einsum_config"},
};

std::string_view attribute_name(std::string_view operation, std::string_view printed) {
  for (const AttributeName& each : attribute_names) {
    const bool fits = each.operation.empty() || each.operation == operation;
    if (fits && each.printed == printed) return each.name;
  }
  return printed;
}

/// The attribute that the symbol is of an operation's own form: `call @f(%x)`.
std::string_view symbol_name(std::string_view operation) {
  if (operation == "custom_call") return "call_target_name";
  return operation == "call" ? "callee" : "sym_name";
}

/// "dot_general" of "stablehlo.dot_general".
/// Constants of dialects that programs have beside StableHLO.
bool is_other_constant(std::string_view name) {
  return name == "arith.constant" || name == "util.unfoldable_constant";
}

std::string_view without_dialect(std::string_view name) {
  for (const std::string_view dialect : {"stablehlo.", "func.", "builtin."})
    if (name.starts_with(dialect)) return name.substr(dialect.size());
  return name;
}

}  // namespace

HloProgram AssemblyReader::read() {
  find_aliases();
  operations(program_.top);
  if (text_.peek() != '\0') text_.fail("the program's text", "an operation");
  return std::move(program_);
}

// -- values -------------------------------------------------------------------------------------

std::uint32_t AssemblyReader::define(std::string_view name, std::uint32_t count) {
  const std::uint32_t first = scope_.made;
  scope_.made += count;
  if (name.empty()) return first;
  if (!scope_.names.try_emplace(name, NamedValue{first, count}).second)
    text_.fail("before this place: a value",
               "a name of its own, not %" + std::string(name.substr(0, 80)));
  scope_.order.push_back(name);
  return first;
}

/// `%x` or `%x#1`.
std::uint32_t AssemblyReader::use() {
  const std::uint64_t at = text_.at();
  text_.expect("%");
  const std::string_view name = text_.name();
  std::uint32_t index = 0;
  if (text_.end() < bytes_.size() && bytes_[text_.end()] == '#') {
    text_.accept("#");
    const std::string_view digits = text_.decimal();
    const auto [end, problem] =
        std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (problem != std::errc{}) text_.fail("a value", "the number of a result");
  }
  const auto found = scope_.names.find(name);
  if (found == scope_.names.end())
    fail_hlo("a value", at, "one that was made before", "%" + std::string(name.substr(0, 80)));
  if (index >= found->second.count) {
    fail_hlo("a value", at, "one of " + std::to_string(found->second.count) + " results",
             std::to_string(index));
  }
  return found->second.first + index;
}

void AssemblyReader::uses(HloOperation& operation) {
  do operation.operands.push_back(use());
  while (text_.accept(","));
}

/// Forgets the names since then.
void AssemblyReader::leave(std::size_t mark) {
  for (; scope_.order.size() > mark; scope_.order.pop_back())
    scope_.names.erase(scope_.order.back());
}

// -- regions ------------------------------------------------------------------------------------

/// `%x: tensor<2xf32> {attributes} loc("x")`.
AssemblyReader::Argument AssemblyReader::argument() {
  Argument read;
  if (text_.accept("%")) {
    read.name = text_.name();
    text_.expect(":");
  }
  read.type = type();  // of a function without a body there is nothing else
  if (text_.peek() == '{') text_.balanced();
  read.location = trailing_location();
  return read;
}

/// `(%x: t, %y: t)`.
std::vector<AssemblyReader::Argument> AssemblyReader::arguments() {
  std::vector<Argument> read;
  text_.expect("(");
  if (text_.accept(")")) return read;
  do read.push_back(argument());
  while (text_.accept(","));
  text_.expect(")");
  return read;
}

void AssemblyReader::add_arguments(HloBlock& block, const std::vector<Argument>& arguments) {
  block.first_argument = scope_.made;
  for (const Argument& each : arguments) {
    define(each.name, 1);
    block.argument_types.push_back(each.type);
    block.argument_locations.push_back(each.location);
  }
}

/// `{ operations }`, or `{ ^bb0(%x: t): operations }`.
HloRegion AssemblyReader::region(const std::vector<Argument>& arguments, bool is_isolated) {
  if (++regions_deep_ > deepest_region) {
    throw Error(ErrorCode::limit, "the program's regions are too deep",
                {std::to_string(deepest_region), "more"});
  }
  HloRegion read;
  read.is_isolated = is_isolated;
  ValueScope outer;
  if (is_isolated) std::swap(outer, scope_);
  const std::size_t mark = scope_.order.size();
  text_.expect("{");
  if (text_.peek() != '^') {
    add_arguments(read.blocks.emplace_back(), arguments);
    operations(read.blocks.back());
  }
  while (text_.accept("^")) {
    text_.name();
    HloBlock& block = read.blocks.emplace_back();
    add_arguments(block, text_.peek() == '(' ? this->arguments() : std::vector<Argument>{});
    text_.expect(":");
    operations(block);
  }
  text_.expect("}");
  leave(mark);
  if (is_isolated) {
    read.own_values = scope_.made;
    std::swap(outer, scope_);
  }
  --regions_deep_;
  return read;
}

/// The region of `applies stablehlo.add`.
HloRegion AssemblyReader::applied_region(std::string_view name, std::uint32_t element,
                                         std::uint64_t at) {
  HloRegion region;
  HloBlock& block = region.blocks.emplace_back();
  add_arguments(block, {{{}, element, hlo_none}, {{}, element, hlo_none}});
  HloOperation& applied = block.operations.emplace_back();
  applied.name = without_dialect(name);
  applied.full_name = name;
  applied.at = at;
  applied.operands = {block.first_argument, block.first_argument + 1};
  applied.types = {element};
  applied.first_result = define({}, 1);
  HloOperation& end = block.operations.emplace_back();
  end.name = "return";
  end.full_name = "stablehlo.return";
  end.at = at;
  end.operands = {block.operations[0].first_result};
  program_.operation_count += 2;
  return region;
}

// -- operations ---------------------------------------------------------------------------------

void AssemblyReader::operations(HloBlock& block) {
  for (char next = text_.peek(); next != '\0' && next != '}' && next != '^'; next = text_.peek()) {
    const bool is_alias = next == '#' || next == '!';
    if (is_alias)
      text_.skip_line();
    else
      block.operations.push_back(operation());
  }
}

HloOperation AssemblyReader::operation() {
  ++program_.operation_count;
  HloOperation read;
  read.at = text_.at();
  std::vector<std::pair<std::string_view, std::uint32_t>> names;
  std::uint64_t results = 0;
  if (text_.peek() == '%') {
    do {
      text_.expect("%");
      const std::string_view name = text_.name();
      std::uint32_t count = 1;
      if (text_.accept(":")) {
        const std::string_view digits = text_.decimal();
        std::from_chars(digits.data(), digits.data() + digits.size(), count);
      }
      names.emplace_back(name, count);
      results += count;
    } while (text_.accept(","));
    text_.expect("=");
  }
  if (text_.peek() == '"') {
    read.full_name = text_.quoted();
    read.name = without_dialect(read.full_name);
    generic_form(read, results);
  } else {
    read.full_name = text_.word();
    read.name = without_dialect(read.full_name);
    if (read.name.empty()) text_.fail("the program's text", "an operation");
    own_form(read, results);
  }
  read.location = trailing_location();
  read.first_result = scope_.made;
  if (names.empty()) define({}, static_cast<std::uint32_t>(read.types.size()));
  for (const auto& [name, count] : names) define(name, count);
  return read;
}

/// `"name"(%x) <{properties}> ({region}) {attributes} : (t) -> t`.
void AssemblyReader::generic_form(HloOperation& operation, std::size_t results) {
  text_.expect("(");
  if (text_.peek() != ')') uses(operation);
  text_.expect(")");
  if (text_.peek() == '[') text_.balanced();
  if (text_.accept("<")) {
    dictionary(operation);
    text_.expect(">");
  }
  const bool is_isolated = operation.name == "func" || operation.name == "module";
  if (text_.accept("(")) {
    do operation.regions.push_back(region({}, is_isolated));
    while (text_.accept(","));
    text_.expect(")");
  }
  if (text_.peek() == '{') dictionary(operation);
  text_.expect(":");
  operation.types = result_types(results);
  if (is_other_constant(operation.full_name)) operation.name = "constant";
}

void AssemblyReader::own_form(HloOperation& operation, std::size_t results) {
  const std::string_view name = operation.name;
  if (name == "module") return module_form(operation);
  if (name == "func") return function_form(operation);
  if (name == "return") return return_form(operation);
  if (name == "constant") return constant_form(operation);
  if (is_other_constant(operation.full_name) && (text_.is_next("dense<") || text_.peek() == '{')) {
    operation.name = "constant";
    return constant_form(operation);
  }
  if (name == "while") return while_form(operation);
  if (name == "reduce") return reduce_form(operation, results);
  const bool is_known = operation.full_name.starts_with("stablehlo.") || name == "call";
  is_known ? any_form(operation, results) : other_form(operation, results);
}

void AssemblyReader::module_form(HloOperation& operation) {
  if (text_.accept("@")) text_.name();
  if (text_.accept_word("attributes")) text_.balanced();
  operation.regions.push_back(region({}, true));
}

/// `func.func private @f(%x: t) -> (t) attributes {...} { ... }`.
void AssemblyReader::function_form(HloOperation& operation) {
  while (text_.is_word_next()) text_.word();  // public, private
  text_.expect("@");
  set(operation, "sym_name", {.kind = Kind::text, .text = text_.name()});
  const std::vector<Argument> taken = arguments();
  if (text_.accept("->")) type_list(false);
  if (text_.accept_word("attributes")) text_.balanced();
  if (text_.peek() == '{') operation.regions.push_back(region(taken, true));
}

/// `return`, `return %x, %y : t, t`.
void AssemblyReader::return_form(HloOperation& operation) {
  if (text_.peek() == '{') dictionary(operation);
  if (text_.peek() != '%') return;
  uses(operation);
  text_.expect(":");
  type_list();
}

/// `stablehlo.constant dense<0> : tensor<2xi32>`.
void AssemblyReader::constant_form(HloOperation& operation) {
  if (text_.peek() == '{') dictionary(operation);
  HloAttribute value = attribute(false);
  if (value.kind != Kind::tensor) text_.fail("a constant", "dense<...> and its type");
  operation.types = {value.type};
  set(operation, "value", std::move(value));
}

/// `stablehlo.while(%x = %start) : t attributes {...} cond { ... } do { ... }`.
void AssemblyReader::while_form(HloOperation& operation) {
  std::vector<Argument> iterated;
  text_.expect("(");
  while (text_.accept("%")) {
    iterated.push_back({text_.name()});
    text_.expect("=");
    operation.operands.push_back(use());
    text_.accept(",");
  }
  text_.expect(")");
  if (text_.accept(":")) operation.types = type_list();
  if (operation.types.size() != iterated.size()) text_.fail("a loop", "a type for each value");
  for (std::size_t i = 0; i < iterated.size(); ++i) iterated[i].type = operation.types[i];
  if (text_.accept_word("attributes")) dictionary(operation);
  for (const std::string_view keyword : {"cond", "do"}) {
    if (!text_.accept_word(keyword)) text_.fail("a loop", std::string(keyword));
    operation.regions.push_back(region(iterated));
  }
}

/// `stablehlo.reduce(%x init: %c), (%y init: %d) applies stablehlo.add across dimensions = [1] :
/// ...`, or with `reducer(%a: t, %b: t) (%c: t, %d: t) { ... }` after the types.
void AssemblyReader::reduce_form(HloOperation& operation, std::size_t results) {
  std::vector<std::uint32_t> starts;
  do {
    text_.expect("(");
    operation.operands.push_back(use());
    if (!text_.accept_word("init")) text_.fail("a reduction", "init:");
    text_.expect(":");
    starts.push_back(use());
    text_.expect(")");
  } while (text_.accept(","));
  operation.operands.insert(operation.operands.end(), starts.begin(), starts.end());
  const std::uint64_t at = text_.at();
  const std::string_view applied = text_.accept_word("applies") ? text_.word() : std::string_view{};
  if (!text_.accept_word("across")) text_.fail("a reduction", "across dimensions");
  if (!text_.accept_word("dimensions")) text_.fail("a reduction", "dimensions");
  text_.expect("=");
  set(operation, "dimensions", attribute(false));
  if (text_.peek() == '{') dictionary(operation);
  text_.expect(":");
  operation.types = result_types(results);
  if (operation.types.empty()) text_.fail("a reduction", "a result");
  if (!applied.empty()) {
    operation.regions.push_back(applied_region(applied, element_of(operation.types[0]), at));
    return;
  }
  if (!text_.accept_word("reducer")) text_.fail("a reduction", "reducer");
  std::vector<Argument> firsts, seconds;
  while (text_.peek() == '(') {
    const std::vector<Argument> pair = arguments();
    if (pair.size() != 2) text_.fail("a reduction", "two arguments for each operand");
    firsts.push_back(pair[0]);
    seconds.push_back(pair[1]);
  }
  firsts.insert(firsts.end(), seconds.begin(), seconds.end());
  operation.regions.push_back(region(firsts));
}

/// The ranges of a slice, `[0:2, 1:8:3]`, or the place in a tuple, `[1]`.
void AssemblyReader::slice_form(HloOperation& operation) {
  std::vector<std::int64_t> starts, ends, steps;
  const auto number = [&] {
    const HloAttribute read = attribute(false);
    if (read.kind != Kind::number) text_.fail("a slice", "an integer");
    return read.number;
  };
  text_.expect("[");
  while (!text_.accept("]")) {
    starts.push_back(number());
    if (text_.accept(":")) ends.push_back(number());
    steps.push_back(text_.accept(":") ? number() : 1);
    text_.accept(",");
  }
  set(operation, "start_indices", integers(starts));
  set(operation, "limit_indices", integers(ends));
  set(operation, "strides", integers(steps));
}

/// A word of StableHLO's own forms, with or without a value.
void AssemblyReader::named_attribute(HloOperation& operation, std::string_view word) {
  if (!text_.accept("=")) {
    if (const auto direction = place_of_word(word))
      set(operation, "comparison_direction", {.kind = Kind::number, .number = *direction});
    return;
  }
  if (word == "dim_numbers") return dimension_numbers(operation);
  if (word == "window") {  // {stride = [1, 1], pad = [[0, 0], [0, 0]]}
    text_.expect("{");
    while (!text_.accept("}")) {
      const std::string_view key = text_.word();
      if (key.empty()) text_.fail("a window", "a name");
      text_.expect("=");
      set(operation, attribute_name(operation.name, key), attribute(false));
      text_.accept(",");
    }
    return;
  }
  HloAttribute value = attribute(false);
  if (!text_.accept_word("x")) {
    set(operation, attribute_name(operation.name, word), std::move(value));
    return;
  }
  const bool is_batch = word == "batching_dims";
  set(operation, is_batch ? "lhs_batching_dimensions" : "lhs_contracting_dimensions",
      std::move(value));
  set(operation, is_batch ? "rhs_batching_dimensions" : "rhs_contracting_dimensions",
      attribute(false));
}

/// StableHLO's own forms: operands, words, `key = value` and attributes in any order, then the
/// types.
void AssemblyReader::any_form(HloOperation& operation, std::size_t results) {
  while (!text_.accept(":")) {
    const char next = text_.peek();
    if (next == '%') {
      operation.operands.push_back(use());
    } else if (next == '(' || next == ')' || next == ',') {
      text_.accept(std::string_view(&next, 1));
    } else if (next == '@') {
      set(operation, symbol_name(operation.name), attribute(false));
    } else if (next == '"') {
      set(operation, "name", attribute(false));
    } else if (next == '[') {
      slice_form(operation);
    } else if (next == '{') {
      dictionary(operation);
    } else if (text_.is_word_next()) {
      named_attribute(operation, text_.word());
    } else {
      text_.fail("an operation", "its operands, attributes or types");
    }
  }
  operation.types = result_types(results);
}

/// An operation of another dialect, up to the line that begins the next one: its operands, and the
/// types after the last colon. What it runs is not read.
void AssemblyReader::other_form(HloOperation& operation, std::size_t results) {
  std::optional<AssemblyText> types;
  std::size_t parentheses = 0;
  while (!text_.is_next("loc(")) {
    const char next = text_.peek();
    constexpr std::string_view goes_on = "-:,([{<";
    const bool is_done = parentheses == 0 && text_.is_line_done() && !text_.is_next("dense<") &&
                         goes_on.find(next) == std::string_view::npos;
    if (next == '}' || next == '\0' || is_done) break;
    if (next == '%') {
      if (parentheses == 0 || !is_argument_next()) {
        operation.operands.push_back(use());
        continue;
      }
      argument();
    } else if (text_.accept("(")) {
      ++parentheses;
    } else if (parentheses > 0 && text_.accept(")")) {
      --parentheses;
    } else if (next == '[' || next == '{' || next == '<') {
      text_.balanced();
    } else if (parentheses == 0 && text_.accept(":")) {
      types = text_;
      type_list();
    } else {
      text_.step();
    }
  }
  if (results == 0) return;
  if (!types) text_.fail("an operation", "the types of its results");
  const AssemblyText after = text_;
  text_ = *types;
  operation.types = result_types(results);
  text_ = after;
}

/// Whether `%x:` is next, and not `%x`.
bool AssemblyReader::is_argument_next() {
  AssemblyText ahead = text_;
  ahead.expect("%");
  ahead.name();
  return ahead.peek() == ':';
}

bool looks_like_stablehlo_text(std::string_view bytes) {
  constexpr std::size_t looked_at = std::size_t{4} << 20;  // locations may come first
  AssemblyText text(bytes.substr(0, looked_at));
  const char first = text.peek();
  const bool is_mlir = first == '#' || first == '!' || text.accept_word("module") ||
                       text.accept_word("builtin.module") || text.accept_word("func.func") ||
                       text.is_next("\"builtin.module\"") || text.is_next("\"func.func\"");
  return is_mlir && bytes.substr(0, looked_at).find("stablehlo.") != std::string_view::npos;
}

HloProgram read_stablehlo_text(std::string_view bytes) { return AssemblyReader(bytes).read(); }

}  // namespace zoometer
