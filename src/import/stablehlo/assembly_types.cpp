// Types of StableHLO's text, and what is called by an alias.
#include "import/stablehlo/assembly_reader.hpp"

#include <algorithm>
#include <charconv>

#include "util/text.hpp"

namespace zoometer {
namespace {

constexpr std::pair<std::string_view, DType> element_types[] = {
    {"i1", DType::boolean},
    {"bf16", DType::bfloat16},
    {"f16", DType::float16},
    {"f32", DType::float32},
    {"f64", DType::float64},
    {"tf32", DType::float32},
    {"f8E4M3FN", DType::float8_e4m3fn},
    {"f8E5M2", DType::float8_e5m2},
    {"f8E4M3FNUZ", DType::float8_e4m3fnuz},
    {"f8E5M2FNUZ", DType::float8_e5m2fnuz},
    {"f8E8M0FNU", DType::float8_e8m0fnu},
    {"f4E2M1FN", DType::float4_e2m1fn},
    {"index", DType::int64},
    {"i2", DType::int2},
    {"i4", DType::int4},
    {"i8", DType::int8},
    {"i16", DType::int16},
    {"i32", DType::int32},
    {"i64", DType::int64},
    {"ui2", DType::uint2},
    {"ui4", DType::uint4},
    {"ui8", DType::uint8},
    {"ui16", DType::uint16},
    {"ui32", DType::uint32},
    {"ui64", DType::uint64},
};

}  // namespace

/// `#loc3 = loc("x")` and `!t = tensor<2xf32>` stand at the begin of a line, before or after the
/// operations.
void AssemblyReader::find_aliases() {
  for (std::size_t begin = 0; begin < bytes_.size();) {
    const std::size_t end = std::min(bytes_.find('\n', begin), bytes_.size());
    const std::string_view line = bytes_.substr(begin, end - begin);
    const std::size_t equal = line.find(" = ");
    if ((line.starts_with('#') || line.starts_with('!')) && equal != std::string_view::npos)
      aliases_.emplace(line.substr(0, equal), Alias{begin + equal + 3});
    begin = end + 1;
  }
}

std::uint32_t AssemblyReader::add_type(const HloType& type) {
  program_.types.push_back(type);
  return static_cast<std::uint32_t>(program_.types.size() - 1);
}

/// Any type. Those without sizes have no meaning here.
std::uint32_t AssemblyReader::type() {
  const std::uint64_t begin = text_.at();
  if (text_.peek() == '!') {
    if (const auto found = aliased([&] { return type(); })) return *found;
  }
  HloType read;
  if (text_.accept_word("tensor"))
    read = tensor_type();
  else if (text_.peek() == '(') {
    text_.balanced();
    if (text_.accept("->")) type_list(false);
  } else
    read = element_type();
  const std::string_view printed = bytes_.substr(begin, text_.end() - begin);
  const auto [place, is_new] = types_.try_emplace(printed, 0);
  if (is_new) place->second = add_type(read);
  return place->second;
}

/// What follows `tensor`: `<2x?x3xf32>`.
HloType AssemblyReader::tensor_type() {
  HloType read;
  read.is_tensor = true;
  AssemblyText inner = text_;
  text_.balanced();  // with an encoding, which is not read
  const AssemblyText after = text_;
  text_ = inner;
  text_.expect("<");
  for (;;) {
    const bool is_unknown = text_.accept("?") || text_.accept("*");
    const std::string_view digits = is_unknown ? std::string_view{} : text_.decimal();
    if (!is_unknown && digits.empty()) break;
    if (read.shape.size() == most_dimensions) {
      throw Error(ErrorCode::limit, "a tensor of the program has too many dimensions",
                  {std::to_string(most_dimensions), "more"});
    }
    std::int64_t size = 1;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
    if (!is_unknown && problem != std::errc{}) text_.fail("a tensor", "a size below 2^63");
    if (is_unknown) read.unknown |= UnknownSizes{1} << read.shape.size();
    read.shape.push_back(size);
    text_.expect("x");
  }
  read.dtype = element_type().dtype;
  text_ = after;
  return read;
}

HloType AssemblyReader::element_type() {
  HloType read;
  if (text_.accept("!quant.")) {  // its storage: !quant.uniform<i8:f32, 0.1>
    text_.word();
    const AssemblyText inner = text_;
    text_.balanced();
    const AssemblyText after = text_;
    text_ = inner;
    text_.expect("<");
    read = element_type();
    text_ = after;
    return read;
  }
  if (text_.accept("!")) {
    text_.name();
    if (text_.peek() == '<') text_.balanced();
    return read;
  }
  if (!text_.is_word_next()) text_.fail("the program's text", "a type");
  const std::string_view word = text_.word();
  if (word == "complex") {
    const std::string_view part = text_.balanced();
    read.dtype = part.starts_with("f64") ? DType::complex128 : DType::complex64;
    return read;
  }
  const auto* const found =
      std::ranges::find(element_types, word, &std::pair<std::string_view, DType>::first);
  if (found != std::end(element_types)) read.dtype = found->second;
  if (text_.peek() == '<') text_.balanced();
  return read;
}

/// `t` or `(t, t)`, or without parentheses `t, t`.
std::vector<std::uint32_t> AssemblyReader::type_list(bool may_be_bare) {
  std::vector<std::uint32_t> types;
  const bool is_bracketed = text_.accept("(");
  if (is_bracketed && text_.accept(")")) return types;
  do {
    types.push_back(type());
    if (is_bracketed && text_.peek() == '{') text_.balanced();  // attributes of a result
    if (is_bracketed) trailing_location();
  } while ((is_bracketed || may_be_bare) && text_.accept(","));
  if (is_bracketed) text_.expect(")");
  return types;
}

/// What follows the last colon of an operation: a function type, or types of which the last ones
/// are those of the results.
std::vector<std::uint32_t> AssemblyReader::result_types(std::size_t count) {
  const std::uint64_t at = text_.at();
  std::vector<std::uint32_t> types = type_list();
  const bool is_function = text_.accept("->");
  if (is_function) types = type_list(false);
  if (count == 0) return is_function ? types : std::vector<std::uint32_t>{};  // without names
  if (!is_function && count == 1 && !types.empty())
    types = {types.back()};  // after those of the operands
  if (types.size() != count) {
    fail_hlo("the types of an operation", at, std::to_string(count) + ", one for each result",
             std::to_string(types.size()));
  }
  return types;
}

/// The type of one element of a tensor.
std::uint32_t AssemblyReader::element_of(std::uint32_t tensor) {
  HloType element;
  element.is_tensor = true;
  element.dtype = program_.types[tensor].dtype;
  return add_type(element);
}

}  // namespace zoometer
