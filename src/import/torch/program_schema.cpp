#include "import/torch/program_schema.hpp"

#include <array>
#include <limits>
#include <vector>

namespace zoometer {

DType dtype_of(std::int64_t code) noexcept {
  constexpr std::array<DType, 36> dtypes = [] {
    std::array<DType, 36> table{};
    table.fill(DType::unknown);
    table[1] = DType::uint8;
    table[2] = DType::int8;
    table[3] = DType::int16;
    table[4] = DType::int32;
    table[5] = DType::int64;
    table[6] = DType::float16;
    table[7] = DType::float32;
    table[8] = DType::float64;
    table[10] = DType::complex64;
    table[11] = DType::complex128;
    table[12] = DType::boolean;
    table[13] = DType::bfloat16;
    table[28] = DType::uint16;
    // The variants without a negative zero have as many bits.
    table[29] = DType::float8_e4m3fn;
    table[30] = DType::float8_e5m2;
    table[31] = DType::float8_e4m3fnuz;
    table[32] = DType::float8_e5m2fnuz;
    table[33] = DType::float8_e8m0fnu;
    table[34] = DType::uint32;
    table[35] = DType::uint64;
    return table;
  }();
  return code >= 0 && code < std::ssize(dtypes) ? dtypes[static_cast<std::size_t>(code)]
                                                : DType::unknown;
}

Choice choice_of(const Json& value) {
  if (!value.IsObject()) throw_unexpected("a union", "an object");
  for (const auto& member : value.GetObject()) {
    if (!member.value.IsNull()) return {view_of(member.name), &member.value};
  }
  return {};
}

std::int64_t get_integer(const Json& value, std::string_view what) {
  if (value.IsInt64()) return value.GetInt64();
  if (!value.IsUint64()) throw_unexpected(what, "an integer");
  return std::numeric_limits<std::int64_t>::max();
}

double get_number(const Json& value) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (value.IsNumber()) return value.GetDouble();
  if (value.IsString()) {
    const std::string_view text = view_of(value);
    if (text == "Infinity") return infinity;
    if (text == "-Infinity") return -infinity;
    if (text == "NaN") return std::numeric_limits<double>::quiet_NaN();
  }
  throw_unexpected("as_float", "a number");
}

OutputType read_type(const Json& meta, ProgramSizes& sizes) {
  OutputType type;
  for (const Json& size : get_array(meta, "sizes").GetArray()) {
    const ProgramSize evaluated = sizes.evaluate(size);
    type.shape.push_back(evaluated.value);
    type.bounded = type.bounded || evaluated.bounded;
  }
  const Json* dtype = find_member(meta, "dtype");
  type.dtype = dtype_of(dtype != nullptr && dtype->IsInt64() ? dtype->GetInt64() : 0);
  return type;
}

const Json& unwrap(const Json& value) {
  const Json* meta = find_member(value, "meta");
  return meta == nullptr ? value : *meta;
}

const Json* graph_in(const Json& argument) {
  const Json* wrapped = find_member(argument, "as_graph");
  return wrapped == nullptr ? nullptr : find_member(*wrapped, "graph");
}

std::int64_t values_in(const Json& value) {
  std::vector<const Json*> found{&value};  // no recursion, since the file decides the depth
  for (std::size_t i = 0; i < found.size(); ++i) {
    const Json& next = *found[i];
    if (next.IsArray()) {
      for (const Json& item : next.GetArray()) found.push_back(&item);
    } else if (next.IsObject()) {
      for (const auto& member : next.GetObject()) found.push_back(&member.value);
    }
  }
  return static_cast<std::int64_t>(found.size());
}

std::string_view node_name(const Json& node) {
  const std::string_view name = find_text(node, "name");
  if (!name.empty()) return name;
  const Json* outputs = find_member(node, "outputs");
  std::string_view first;
  if (outputs != nullptr && outputs->IsArray() && !outputs->Empty() && (*outputs)[0].IsObject()) {
    for_each_output((*outputs)[0], [&](std::string_view output) {
      if (first.empty()) first = output;
    });
  }
  return first.empty() ? find_text(node, "target") : first;
}

std::string_view module_stack(const Json& node) {
  const Json* metadata = find_member(node, "metadata");
  return metadata == nullptr ? std::string_view() : find_text(*metadata, "nn_module_stack");
}

std::string_view padding_name(const Json& node) {
  const Json* metadata = find_member(node, "metadata");
  return metadata == nullptr ? std::string_view() : find_text(*metadata, "padding");
}

}  // namespace zoometer
