// Attributes and locations of StableHLO's text.
#include "import/stablehlo/assembly_reader.hpp"

#include <algorithm>
#include <charconv>

#include "import/stablehlo/assembly_elements.hpp"

namespace zoometer {
namespace {

using Kind = HloAttribute::Kind;

constexpr std::size_t most_elements = 1024;  // of a constant, beyond which they decide no sizes

}  // namespace

std::optional<std::int64_t> place_of_word(std::string_view word) {
  constexpr std::string_view directions[] = {"EQ", "NE", "GE", "GT", "LE", "LT"};
  constexpr std::string_view transforms[] = {"FFT", "IFFT", "RFFT", "IRFFT"};
  const auto place_in = [&](std::span<const std::string_view> words) {
    return std::ranges::find(words, word) - words.begin();
  };
  if (const auto place = place_in(directions); place < std::ssize(directions)) return place;
  if (const auto place = place_in(transforms); place < std::ssize(transforms)) return place;
  return std::nullopt;
}

std::uint32_t AssemblyReader::add(HloAttribute attribute) {
  program_.attributes.push_back(std::move(attribute));
  return static_cast<std::uint32_t>(program_.attributes.size() - 1);
}

void AssemblyReader::set(HloOperation& operation, std::string_view name, HloAttribute value) {
  operation.attributes.emplace_back(name, add(std::move(value)));
}

/// An attribute of any form. A number may be followed by its type where no colon can follow that
/// belongs to the operation.
HloAttribute AssemblyReader::attribute(bool may_have_type) {
  const Nesting nesting(attributes_deep_);
  HloAttribute read;
  const char next = text_.peek();
  if (next == '"') {
    read.kind = Kind::text;
    read.text = text_.quoted();
    if (may_have_type && text_.accept(":")) type();
  } else if (text_.accept("@")) {
    read.kind = Kind::text;
    read.text = text_.name();
    while (text_.accept("::@")) text_.name();
  } else if (next == '[') {
    read = list();
  } else if (next == '#') {
    read = hash_attribute();
  } else if (next == '{' || next == '<') {
    text_.balanced();
  } else if (const std::string_view number = text_.number(); !number.empty()) {
    const bool is_integer = number.find_first_of(".eE") == std::string_view::npos;
    const bool is_hexadecimal = number.starts_with("0x");
    if (is_integer || is_hexadecimal) {
      const std::string_view digits = number.substr(is_hexadecimal ? 2 : 0);
      const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(),
                                                  read.number, is_hexadecimal ? 16 : 10);
      if (problem == std::errc{}) read.kind = Kind::number;
    }
    if (may_have_type && text_.accept(":")) type();
  } else if (text_.accept_word("true")) {
    read = {.kind = Kind::number, .number = 1};
  } else if (text_.accept_word("false")) {
    read = {.kind = Kind::number, .number = 0};
  } else if (text_.accept_word("dense")) {
    read = dense();
  } else if (text_.accept_word("array")) {
    read = array();
  } else if (text_.accept_word("dense_resource") || text_.accept_word("sparse") ||
             text_.accept_word("opaque")) {
    text_.balanced();
    text_.expect(":");
    read.kind = Kind::tensor;
    read.type = type();
    read.is_left_out = true;
  } else if (text_.is_next("loc(")) {
    read = program_.attributes[location_index()];
  } else if (const auto place = place_of_word(text_.next_word())) {
    text_.word();
    read = {.kind = Kind::number, .number = *place};
  } else if (text_.is_word_next() || next == '!' || next == '(') {
    type();  // or a word such as `unit`, which reads as one
  } else {
    text_.fail("the program's text", "an attribute");
  }
  return read;
}

/// `#stablehlo<comparison_direction LT>`, `#stablehlo.bounds<?, 3>` or an alias.
HloAttribute AssemblyReader::hash_attribute() {
  if (const auto found = aliased([&] { return add(attribute(true)); }))
    return program_.attributes[*found];
  HloAttribute read;
  text_.expect("#");
  text_.name();
  if (text_.peek() != '<') return read;
  const std::string_view words = text_.balanced();
  if (const auto place = place_of_word(words.substr(words.rfind(' ') + 1)))
    read = {.kind = Kind::number, .number = *place};
  return read;
}

HloAttribute AssemblyReader::integers(const std::vector<std::int64_t>& numbers) {
  const auto [place, is_new] = list_types_.try_emplace(numbers.size(), 0);
  if (is_new) {
    HloType type;
    type.is_tensor = true;
    type.dtype = DType::int64;
    type.shape.push_back(static_cast<std::int64_t>(numbers.size()));
    place->second = add_type(type);
  }
  std::string& stored = program_.made.emplace_back();
  for (const std::int64_t number : numbers)
    stored += little_endian(static_cast<std::uint64_t>(number), 8);
  HloAttribute read;
  read.kind = Kind::tensor;
  read.type = place->second;
  read.text = stored;
  return read;
}

/// `[1, 2]`, or `[[1, 2], [3, 4]]` one row after the other. Lists of other things have no meaning
/// here.
HloAttribute AssemblyReader::list() {
  std::vector<std::int64_t> numbers;
  return list_items(numbers) ? integers(numbers) : HloAttribute{};
}

/// Appends the items of a list; false if one is no integer.
bool AssemblyReader::list_items(std::vector<std::int64_t>& numbers) {
  const Nesting nesting(attributes_deep_);
  bool are_integers = true;
  text_.expect("[");
  while (!text_.accept("]")) {
    if (text_.peek() == '[') {
      are_integers = list_items(numbers) && are_integers;
    } else {
      const HloAttribute item = attribute(true);
      are_integers = are_integers && item.kind == Kind::number;
      numbers.push_back(item.number);
    }
    if (!text_.accept(",") && text_.peek() != ']') text_.fail("a list", "a comma or ]");
  }
  return are_integers;
}

/// What follows `array`: `<i64: 1, 2>`.
HloAttribute AssemblyReader::array() {
  std::vector<std::int64_t> numbers;
  text_.expect("<");
  type();
  if (text_.accept(":")) {
    do numbers.push_back(attribute(false).number);
    while (text_.accept(","));
  }
  text_.expect(">");
  return integers(numbers);
}

/// What follows `dense`: `<[[1, 2], [3, 4]]> : tensor<2x2xi64>`.
HloAttribute AssemblyReader::dense() {
  HloAttribute read;
  read.kind = Kind::tensor;
  const std::string_view elements = text_.balanced();
  text_.expect(":");
  read.type = type();
  read_elements(read, elements);
  return read;
}

/// Elements are kept where they are one that repeats, or integers that may decide sizes.
void AssemblyReader::read_elements(HloAttribute& tensor, std::string_view elements) {
  const HloType& type = program_.types[tensor.type];
  const std::uint64_t at = static_cast<std::uint64_t>(elements.data() - bytes_.data());
  if (!type.is_tensor || type.unknown != 0) fail_hlo("a constant", at, "a tensor", "another type");
  const std::int64_t wanted = numel(type.shape);
  if (elements.starts_with("\"0x")) {
    const std::string_view digits = elements.substr(3, elements.size() - 4);
    const std::size_t end = digits.find_first_not_of("0123456789abcdefABCDEF");
    if (end != std::string_view::npos || digits.size() % 2 != 0)
      fail_hlo("a constant", at, "pairs of hexadecimal digits", "others");
    tensor.is_left_out = digits.size() / 2 > 8 * most_elements;
    if (!tensor.is_left_out) tensor.text = program_.made.emplace_back(bytes_of_hexadecimal(digits));
    return;
  }
  const bool is_integer = !is_floating(type.dtype) && !is_complex(type.dtype);
  const std::int64_t parts = is_complex(type.dtype) ? 2 : 1;
  std::string stored;
  std::int64_t count = 0;
  constexpr std::string_view separators = "[](), \n\t\r";
  for (std::size_t begin = 0; begin < elements.size();) {
    begin = elements.find_first_not_of(separators, begin);
    if (begin == std::string_view::npos) break;
    const std::size_t end = std::min(elements.find_first_of(separators, begin), elements.size());
    if (count < parts || (is_integer && count < static_cast<std::int64_t>(most_elements)))
      stored += stored_element(elements.substr(begin, end - begin), type.dtype);
    ++count;
    begin = end;
  }
  if (count != parts && count != wanted * parts) {
    fail_hlo("a constant", at, std::to_string(wanted) + " elements", std::to_string(count / parts));
  }
  const bool is_whole = count == parts || (is_integer && wanted <= std::int64_t{most_elements});
  tensor.is_left_out = count > parts && !is_whole;
  if (count > 0 && is_whole) {
    // A truth value alone repeats as FF, several are a byte each.
    if (type.dtype == DType::boolean && wanted == count)
      for (char& each : stored) each = each != '\0' ? '\1' : '\0';
    tensor.text = program_.made.emplace_back(std::move(stored));
  }
}

/// `"name"(child)`, `"file":1:2`, `callsite(a at b)`, `fused[a, b]` or `unknown`.
HloAttribute AssemblyReader::location() {
  HloAttribute read;
  read.kind = Kind::location;
  const Nesting nesting(attributes_deep_);
  const auto child = [&] { read.items.push_back(location_index()); };
  if (text_.peek() == '"') {
    read.text = text_.quoted();
    if (text_.accept(":")) {  // a place in a file
      read.text = {};
      text_.skip_value();
    } else if (text_.accept("(")) {
      child();
      text_.expect(")");
    }
  } else if (text_.accept_word("callsite")) {
    text_.expect("(");
    child();
    if (!text_.accept_word("at")) text_.fail("a location", "at");
    child();
    text_.expect(")");
  } else if (text_.accept_word("fused")) {
    if (text_.peek() == '<') text_.balanced();
    text_.expect("[");
    do child();
    while (text_.accept(","));
    text_.expect("]");
  } else if (text_.word().empty()) {  // unknown
    text_.fail("a location", "its name");
  }
  return read;
}

/// A location, with or without `loc( )` around it. Many operations share one by its alias.
std::uint32_t AssemblyReader::location_index() {
  if (const auto found = aliased([&] { return location_index(); })) return *found;
  const Nesting nesting(attributes_deep_);
  if (!text_.accept("loc(")) return add(location());
  const std::uint32_t inner = location_index();
  text_.expect(")");
  return inner;
}

/// The location after an operation or an argument, where there is one.
std::uint32_t AssemblyReader::trailing_location() {
  return text_.is_next("loc(") ? location_index() : hlo_none;
}

/// One side of a convolution's `dim_numbers`: `[b, 0, 1, f]`.
void AssemblyReader::one_side(HloOperation& operation, std::array<std::string_view, 3> names,
                              std::string_view first, std::string_view second) {
  std::vector<std::int64_t> spatial;
  std::array<std::int64_t, 2> special = {-1, -1};
  std::int64_t axis = 0;
  text_.expect("[");
  do {
    const std::string_view digits = text_.decimal();
    if (digits.empty()) {
      if (text_.accept("?")) continue;  // an axis that a later version knows
      const std::string_view letter = text_.word();
      if (letter != first && letter != second) text_.fail("dim_numbers", std::string(first));
      special[letter == first ? 0 : 1] = axis;
    } else {
      std::size_t place = 0;
      std::from_chars(digits.data(), digits.data() + digits.size(), place);
      if (place >= most_dimensions) text_.fail("dim_numbers", "a spatial dimension below 16");
      if (spatial.size() <= place) spatial.resize(place + 1, -1);
      spatial[place] = axis;
    }
    ++axis;
  } while (text_.accept(","));
  text_.expect("]");
  for (std::size_t i = 0; i < special.size(); ++i)
    set(operation, names[i], {.kind = Kind::number, .number = special[i]});
  set(operation, names[2], integers(spatial));
}

/// `[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]`.
void AssemblyReader::dimension_numbers(HloOperation& operation) {
  one_side(operation,
           {"input_batch_dimension", "input_feature_dimension", "input_spatial_dimensions"}, "b",
           "f");
  text_.expect("x");
  one_side(operation,
           {"kernel_input_feature_dimension", "kernel_output_feature_dimension",
            "kernel_spatial_dimensions"},
           "i", "o");
  text_.expect("->");
  one_side(operation,
           {"output_batch_dimension", "output_feature_dimension", "output_spatial_dimensions"}, "b",
           "f");
}

/// Attributes that hold several: `#stablehlo.dot<lhs_contracting_dimensions = [1], ...>`,
/// `#stablehlo.conv<...>`.
bool AssemblyReader::expand(HloOperation& operation, std::string_view key) {
  const bool is_dot = key == "dot_dimension_numbers" && text_.accept("#stablehlo.dot<");
  const bool is_conv = !is_dot && key == "dimension_numbers" && text_.accept("#stablehlo.conv<");
  if (!is_dot && !is_conv) return false;
  if (is_conv && text_.peek() == '[') {
    dimension_numbers(operation);
  } else {
    if (is_conv) text_.accept_word("raw");
    while (text_.is_word_next()) {
      const std::string_view name = text_.word();
      text_.expect("=");
      set(operation, name, attribute(false));
      text_.accept(",");
    }
  }
  text_.expect(">");
  return true;
}

/// `{key = value, unit}`.
void AssemblyReader::dictionary(HloOperation& operation) {
  NameSet keys;
  text_.expect("{");
  while (!text_.accept("}")) {
    const std::string_view key = text_.peek() == '"' ? text_.quoted() : text_.word();
    if (key.empty() || !keys.insert(key).second)
      text_.fail("the program's attributes", key.empty() ? "a name" : "each name once");
    if (!text_.accept("="))
      set(operation, key, {});
    else if (!expand(operation, key))
      set(operation, key, attribute(true));
    if (!text_.accept(",") && text_.peek() != '}')
      text_.fail("the program's attributes", "a comma or }");
  }
}

}  // namespace zoometer
