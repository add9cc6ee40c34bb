#include "import/onnx/model.hpp"

#include <fmt/core.h>

#include <bit>
#include <charconv>
#include <cstring>
#include <limits>

#include "util/protobuf.hpp"
#include "util/text.hpp"
#include "zoometer/util/checked.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr int most_nested_types = 8;

/// A half-precision number; bfloat16 has the upper half of a float's bits.
double half_to_double(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000U) << 16U;
  const std::uint32_t exponent = (bits >> 10U) & 0x1FU;
  const std::uint32_t fraction = bits & 0x3FFU;
  if (exponent == 0) {
    const double value = static_cast<double>(fraction) * 0x1p-24;
    return sign != 0 ? -value : value;
  }
  const std::uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return static_cast<double>(std::bit_cast<float>(sign | (wide << 23U) | (fraction << 13U)));
}

double bfloat_to_double(std::uint16_t bits) {
  return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U));
}

template <class T, class Take>
void for_each_raw(std::string_view raw, Take take) {
  for (std::size_t i = 0; i + sizeof(T) <= raw.size(); i += sizeof(T)) {
    T value;
    std::memcpy(&value, raw.data() + i, sizeof(T));
    take(value);
  }
}

template <class T>
void take_raw_integers(std::string_view raw, std::vector<std::int64_t>& integers) {
  for_each_raw<T>(raw, [&](T value) { integers.push_back(static_cast<std::int64_t>(value)); });
}

bool read_raw(const OnnxTensor& tensor, std::vector<std::int64_t>& integers,
              std::vector<double>& reals) {
  const std::string_view raw = tensor.raw_data;
  switch (tensor.dtype) {
  case DType::int64: take_raw_integers<std::int64_t>(raw, integers); return true;
  case DType::uint64: take_raw_integers<std::uint64_t>(raw, integers); return true;
  case DType::int32: take_raw_integers<std::int32_t>(raw, integers); return true;
  case DType::uint32: take_raw_integers<std::uint32_t>(raw, integers); return true;
  case DType::int16: take_raw_integers<std::int16_t>(raw, integers); return true;
  case DType::uint16: take_raw_integers<std::uint16_t>(raw, integers); return true;
  case DType::int8: take_raw_integers<std::int8_t>(raw, integers); return true;
  case DType::uint8:
  case DType::boolean: take_raw_integers<std::uint8_t>(raw, integers); return true;
  case DType::float32:
    for_each_raw<float>(raw, [&](float value) { reals.push_back(static_cast<double>(value)); });
    return true;
  case DType::float64:
    for_each_raw<double>(raw, [&](double value) { reals.push_back(value); });
    return true;
  case DType::float16:
    for_each_raw<std::uint16_t>(raw, [&](auto bits) { reals.push_back(half_to_double(bits)); });
    return true;
  case DType::bfloat16:
    for_each_raw<std::uint16_t>(raw, [&](auto bits) { reals.push_back(bfloat_to_double(bits)); });
    return true;
  default: return false;
  }
}

std::pair<std::string_view, std::string_view> key_and_value(std::string_view message,
                                                            const char* file) {
  std::pair<std::string_view, std::string_view> entry;
  ProtobufFields fields(message, file, "StringStringEntryProto");
  while (fields.next()) {
    if (fields.number() == 1) entry.first = fields.bytes();
    if (fields.number() == 2) entry.second = fields.bytes();
  }
  return entry;
}

std::pair<std::string_view, std::int64_t> opset(std::string_view message, const char* file) {
  std::pair<std::string_view, std::int64_t> entry{{}, 1};
  ProtobufFields fields(message, file, "OperatorSetIdProto");
  while (fields.next()) {
    if (fields.number() == 1) entry.first = fields.bytes();
    if (fields.number() == 2) entry.second = fields.integer();
  }
  return entry;
}

OnnxDimension dimension(std::string_view message, const char* file) {
  OnnxDimension result;
  ProtobufFields fields(message, file, "TensorShapeProto.Dimension");
  while (fields.next()) {
    if (fields.number() > 2) continue;
    // A number or a name: the last one counts, as protobuf has it.
    result = {};
    if (fields.number() == 1) result.value = fields.integer();
    if (fields.number() == 2) result.name = fields.bytes();
  }
  return result;
}

/// TypeProto.Tensor and TypeProto.SparseTensor.
void tensor_type(std::string_view message, const char* file, OnnxType& type) {
  type.kind = OnnxType::Kind::tensor;
  ProtobufFields fields(message, file, "TypeProto.Tensor");
  while (fields.next()) {
    if (fields.number() == 1) type.dtype = onnx_dtype(fields.integer());
    if (fields.number() != 2) continue;
    type.has_shape = true;
    type.rank = 0;
    ProtobufFields shape(fields.only_bytes(), file, "TensorShapeProto");
    while (shape.next()) {
      if (shape.number() != 1) continue;
      if (type.rank == type.dimensions.size())
        throw_too_long(type.rank + 1U, type.dimensions.size());
      type.dimensions[type.rank++] = dimension(shape.bytes(), file);
    }
  }
}

bool parse_number(std::string_view text, std::int64_t& value) {
  const char* end = text.data() + text.size();
  const auto [stopped, problem] = std::from_chars(text.data(), end, value);
  return problem == std::errc{} && stopped == end;
}

/// Whether a relative path stays below the folder it starts from.
bool stays_inside(std::string_view path) {
  if (path.empty() || path.front() == '/' || path.find('\0') != std::string_view::npos)
    return false;
  if (path.size() >= 2 && path[1] == ':') return false;
  while (!path.empty()) {
    const std::size_t slash = path.find_first_of("/\\");
    if (path.substr(0, slash) == "..") return false;
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return true;
}

}  // namespace

DType onnx_dtype(std::int64_t data_type) noexcept {
  switch (data_type) {
  case 1: return DType::float32;
  case 2: return DType::uint8;
  case 3: return DType::int8;
  case 4: return DType::uint16;
  case 5: return DType::int16;
  case 6: return DType::int32;
  case 7: return DType::int64;
  case 8: return DType::string;
  case 9: return DType::boolean;
  case 10: return DType::float16;
  case 11: return DType::float64;
  case 12: return DType::uint32;
  case 13: return DType::uint64;
  case 14: return DType::complex64;
  case 15: return DType::complex128;
  case 16: return DType::bfloat16;
  case 17: return DType::float8_e4m3fn;
  case 18: return DType::float8_e4m3fnuz;
  case 19: return DType::float8_e5m2;
  case 20: return DType::float8_e5m2fnuz;
  case 21: return DType::uint4;
  case 22: return DType::int4;
  case 23: return DType::float4_e2m1fn;
  case 24: return DType::float8_e8m0fnu;
  case 25: return DType::uint2;
  case 26: return DType::int2;
  default: return DType::unknown;
  }
}

std::int64_t onnx_bytes(const OnnxTensor& tensor) {
  return checked_add(checked_mul(numel(tensor.shape), bits_of(tensor.dtype)), 7) / 8;
}

void OnnxRecords::fail(std::string_view where, std::string text) const {
  Error error(ErrorCode::malformed, std::move(text));
  error.place.byte_offset = offset_of(where);
  throw error;
}

namespace {

/// Throws Error{limit} where a list is so long that searching it once per node takes too long.
void check_count(std::uint64_t offset, std::string_view what, std::size_t count) {
  constexpr std::size_t most = 256;
  if (count <= most) return;
  Error error(ErrorCode::limit, fmt::format("too many {}", what),
              {fmt::format("at most {}", most), std::to_string(count)});
  error.place.byte_offset = offset;
  throw error;
}

/// Of the versions of one domain the last one counts.
void keep_last(std::vector<std::pair<std::string_view, std::int64_t>>& opsets) {
  constexpr std::size_t few = 8;
  if (opsets.size() <= few) return;
  std::ranges::stable_sort(opsets, {}, [](const auto& opset) { return opset.first; });
  std::ranges::reverse(opsets);
  const auto is_same = [](const auto& a, const auto& b) { return a.first == b.first; };
  opsets.erase(std::unique(opsets.begin(), opsets.end(), is_same), opsets.end());
}

}  // namespace

OnnxModel OnnxRecords::model() const {
  OnnxModel model;
  ProtobufFields fields(file_, file_.data(), "ModelProto");
  while (fields.next()) {
    switch (fields.number()) {
    case 1: model.ir_version = fields.integer(); break;
    case 2: model.producer_name = fields.bytes(); break;
    case 3: model.producer_version = fields.bytes(); break;
    case 7: model.graph = fields.only_bytes(); break;
    case 8: model.opsets.push_back(opset(fields.bytes(), file_.data())); break;
    case 14: model.metadata.push_back(key_and_value(fields.bytes(), file_.data())); break;
    case 25: model.functions.push_back(function(fields.bytes())); break;
    default: break;
    }
  }
  keep_last(model.opsets);
  check_count(0, "opset imports", model.opsets.size());
  return model;
}

OnnxGraph OnnxRecords::graph(std::string_view message) const {
  OnnxGraph graph;
  graph.message = message;
  ProtobufFields fields(message, file_.data(), "GraphProto");
  while (fields.next()) {
    switch (fields.number()) {
    case 1: graph.nodes.push_back(fields.bytes()); break;
    case 2: graph.name = fields.bytes(); break;
    case 5: graph.initializers.push_back({fields.bytes(), false}); break;
    case 11: graph.inputs.push_back(value_info(fields.bytes())); break;
    case 12: graph.outputs.push_back(value_info(fields.bytes())); break;
    case 13: graph.value_infos.push_back(fields.bytes()); break;
    case 15: graph.initializers.push_back({fields.bytes(), true}); break;
    default: break;
    }
  }
  return graph;
}

OnnxTensor OnnxRecords::tensor(const OnnxInitializer& initializer) const {
  if (!initializer.is_sparse) return tensor(initializer.message);
  // The values are a named tensor, and the sizes are beside it.
  ProtobufFields fields(initializer.message, file_.data(), "SparseTensorProto");
  OnnxTensor dense;
  Shape shape;
  while (fields.next()) {
    if (fields.number() == 1) dense = tensor(fields.only_bytes());
    if (fields.number() == 3) fields.integers([&](std::int64_t size) { shape.push_back(size); });
  }
  dense.shape = shape;
  dense.raw_data = {};
  dense.message = {};
  return dense;
}

void OnnxRecords::node(std::string_view message, OnnxNode& node) const {
  node.message = message;
  node.name = node.op_type = node.domain = node.overload = {};
  node.inputs.clear();
  node.outputs.clear();
  node.attributes.clear();
  node.metadata.clear();
  ProtobufFields fields(message, file_.data(), "NodeProto");
  while (fields.next()) {
    switch (fields.number()) {
    case 1: node.inputs.push_back(fields.bytes()); break;
    case 2: node.outputs.push_back(fields.bytes()); break;
    case 3: node.name = fields.bytes(); break;
    case 4: node.op_type = fields.bytes(); break;
    case 5: node.attributes.push_back(attribute(fields.bytes())); break;
    case 7: node.domain = fields.bytes(); break;
    case 8: node.overload = fields.bytes(); break;
    case 9: node.metadata.push_back(key_and_value(fields.bytes(), file_.data())); break;
    default: break;
    }
  }
  if (node.domain == "ai.onnx") node.domain = {};
  if (node.attributes.size() > 1) check_names(node);
}

void OnnxRecords::check_names(const OnnxNode& node) const {
  check_count(offset_of(node.message), "attributes", node.attributes.size());
  std::vector<std::string_view> names;
  names.reserve(node.attributes.size());
  for (const OnnxAttribute& attribute : node.attributes) names.push_back(attribute.name);
  if (const auto twice = found_twice(names)) {
    fail(node.message,
         fmt::format("{} '{}' has the attribute '{}' twice", node.op_type, node.name, *twice));
  }
}

OnnxAttribute OnnxRecords::attribute(std::string_view message) const {
  OnnxAttribute attribute;
  attribute.message = message;
  ProtobufFields fields(message, file_.data(), "AttributeProto");
  while (fields.next()) {
    switch (fields.number()) {
    case 1: attribute.name = fields.bytes(); break;
    case 2: attribute.real = fields.real32(); break;
    case 3: attribute.integer = fields.integer(); break;
    case 4: attribute.text = fields.bytes(); break;
    case 5: attribute.tensor = fields.only_bytes(); break;
    case 6: attribute.graph = fields.only_bytes(); break;
    case 14: attribute.type = fields.only_bytes(); break;
    case 21: attribute.reference = fields.bytes(); break;
    default: break;
    }
  }
  return attribute;
}

OnnxTensor OnnxRecords::tensor(std::string_view message) const {
  OnnxTensor tensor;
  tensor.message = message;
  ProtobufFields fields(message, file_.data(), "TensorProto");
  while (fields.next()) {
    switch (fields.number()) {
    case 1: fields.integers([&](std::int64_t size) { tensor.shape.push_back(size); }); break;
    case 2: tensor.data_type = fields.integer(); break;
    case 8: tensor.name = fields.bytes(); break;
    case 9: tensor.raw_data = fields.bytes(); break;
    case 14: tensor.is_external = fields.integer() == 1; break;
    default: break;
    }
  }
  tensor.dtype = onnx_dtype(tensor.data_type);
  for (const std::int64_t size : tensor.shape) {
    if (size < 0) fail(message, "a tensor has a negative size: " + to_string(tensor.shape));
  }
  check_size(tensor);
  return tensor;
}

void OnnxRecords::check_size(const OnnxTensor& tensor) const {
  try {
    const std::int64_t expected = onnx_bytes(tensor);
    const auto stored = static_cast<std::int64_t>(tensor.raw_data.size());
    if (stored == 0 || bits_of(tensor.dtype) == 0 || stored == expected) return;
    fail(tensor.message, "the data of tensor '" + std::string(tensor.name) + "' of shape " +
                             to_string(tensor.shape) + " should be " + std::to_string(expected) +
                             " bytes and is " + std::to_string(stored));
  } catch (Error& error) {
    if (!error.place.byte_offset) error.place.byte_offset = offset_of(tensor.message);
    throw;
  }
}

OnnxValueInfo OnnxRecords::value_info(std::string_view message) const {
  OnnxValueInfo info;
  ProtobufFields fields(message, file_.data(), "ValueInfoProto");
  while (fields.next()) {
    if (fields.number() == 1) info.name = fields.bytes();
    if (fields.number() == 2) info.type = fields.only_bytes();
  }
  return info;
}

OnnxType OnnxRecords::type(std::string_view message) const { return type(message, 0); }

OnnxType OnnxRecords::type(std::string_view message, int depth) const {
  if (depth > most_nested_types) fail(message, "types are nested too deeply");
  OnnxType result;
  ProtobufFields fields(message, file_.data(), "TypeProto");
  bool has_kind = false;
  while (fields.next()) {
    constexpr std::uint32_t denotation = 6;
    if (has_kind && fields.number() != denotation) fields.fail("has two types");
    has_kind = has_kind || fields.number() != denotation;
    switch (fields.number()) {
    case 1:
    case 8: tensor_type(fields.bytes(), file_.data(), result); break;
    case 4:
    case 9: {  // Sequence and Optional: the type of the element is field 1 of both
      const bool is_sequence = fields.number() == 4;
      ProtobufFields outer(fields.bytes(), file_.data(), "TypeProto.Sequence");
      while (outer.next()) {
        if (outer.number() == 1) result = type(outer.only_bytes(), depth + 1);
      }
      if (is_sequence) result.kind = OnnxType::Kind::sequence;
      break;
    }
    case 5:
    case 7: result.kind = OnnxType::Kind::other; break;
    default: break;
    }
  }
  return result;
}

OnnxFunction OnnxRecords::function(std::string_view message) const {
  OnnxFunction function;
  function.message = message;
  ProtobufFields fields(message, file_.data(), "FunctionProto");
  while (fields.next()) {
    switch (fields.number()) {
    case 1: function.name = fields.bytes(); break;
    case 4: function.inputs.push_back(fields.bytes()); break;
    case 5: function.outputs.push_back(fields.bytes()); break;
    case 7: function.nodes.push_back(fields.bytes()); break;
    case 9: function.opsets.push_back(opset(fields.bytes(), file_.data())); break;
    case 10: function.domain = fields.bytes(); break;
    case 11: function.defaults.push_back(attribute(fields.bytes())); break;
    case 12: function.value_infos.push_back(fields.bytes()); break;
    case 13: function.overload = fields.bytes(); break;
    default: break;
    }
  }
  check_count(offset_of(message), "attributes with defaults of the function",
              function.defaults.size());
  keep_last(function.opsets);
  check_count(offset_of(message), "opset imports of the function", function.opsets.size());
  if (function.domain == "ai.onnx") function.domain = {};
  return function;
}

std::vector<std::int64_t> OnnxRecords::integers(const OnnxAttribute& attribute) const {
  std::vector<std::int64_t> result;
  result.reserve(8);  // paddings of four dimensions; most lists are not longer
  ProtobufFields fields(attribute.message, file_.data(), "AttributeProto");
  while (fields.next()) {
    if (fields.number() == 8) fields.integers([&](std::int64_t value) { result.push_back(value); });
  }
  return result;
}

std::vector<double> OnnxRecords::reals(const OnnxAttribute& attribute) const {
  std::vector<double> result;
  ProtobufFields fields(attribute.message, file_.data(), "AttributeProto");
  while (fields.next()) {
    if (fields.number() == 7) {
      fields.reals32([&](float value) { result.push_back(static_cast<double>(value)); });
    }
  }
  return result;
}

OnnxTensor OnnxRecords::sparse_tensor(const OnnxAttribute& attribute) const {
  OnnxTensor result;
  ProtobufFields fields(attribute.message, file_.data(), "AttributeProto");
  while (fields.next()) {
    if (fields.number() == 22) result = tensor(OnnxInitializer{fields.only_bytes(), true});
  }
  return result;
}

std::vector<std::string_view> OnnxRecords::texts(const OnnxAttribute& attribute) const {
  std::vector<std::string_view> result;
  ProtobufFields fields(attribute.message, file_.data(), "AttributeProto");
  while (fields.next()) {
    if (fields.number() == 9) result.push_back(fields.bytes());
  }
  return result;
}

bool OnnxRecords::elements(const OnnxTensor& tensor, std::vector<std::int64_t>& integers,
                           std::vector<double>& reals) const {
  if (tensor.is_external || tensor.message.empty()) return false;
  if (!tensor.raw_data.empty()) return read_raw(tensor, integers, reals);
  const auto expected = static_cast<std::size_t>(numel(tensor.shape));
  const std::size_t most = std::min(expected, tensor.message.size());
  is_floating(tensor.dtype) ? reals.reserve(most) : integers.reserve(most);
  ProtobufFields fields(tensor.message, file_.data(), "TensorProto");
  while (fields.next()) {
    switch (fields.number()) {
    case 4: fields.reals32([&](float v) { reals.push_back(static_cast<double>(v)); }); break;
    case 10: fields.reals64([&](double v) { reals.push_back(v); }); break;
    case 5:
      fields.integers([&](std::int64_t value) {
        const auto bits = static_cast<std::uint16_t>(value & 0xFFFF);
        if (tensor.dtype == DType::float16) return reals.push_back(half_to_double(bits));
        if (tensor.dtype == DType::bfloat16) return reals.push_back(bfloat_to_double(bits));
        integers.push_back(static_cast<std::int32_t>(value));
      });
      break;
    case 7:
    case 11: fields.integers([&](std::int64_t value) { integers.push_back(value); }); break;
    default: break;
    }
  }
  return (is_floating(tensor.dtype) ? reals.size() : integers.size()) == expected;
}

bool OnnxRecords::first_elements(OnnxTensor tensor, std::int64_t count,
                                 std::vector<std::int64_t>& integers,
                                 std::vector<double>& reals) const {
  constexpr std::int64_t few = 4096;
  const std::int64_t bytes = bytes_of(count, tensor.dtype);
  if (tensor.raw_data.empty() && numel(tensor.shape) > few) return false;
  tensor.raw_data = tensor.raw_data.substr(0, static_cast<std::size_t>(bytes));
  return elements(tensor, integers, reals);
}

OnnxRecords::External OnnxRecords::external(const OnnxTensor& tensor) const {
  External place;
  ProtobufFields fields(tensor.message, file_.data(), "TensorProto");
  while (fields.next()) {
    if (fields.number() != 13) continue;
    const auto [key, value] = key_and_value(fields.bytes(), file_.data());
    bool good = true;
    if (key == "location") place.location = value;
    if (key == "offset") good = parse_number(value, place.offset) && place.offset >= 0;
    if (key == "length") good = parse_number(value, place.length) && place.length >= 0;
    if (!good) {
      fail(tensor.message, "the external data of tensor '" + std::string(tensor.name) +
                               "' has no valid " + std::string(key));
    }
  }
  if (!stays_inside(place.location)) {
    fail(tensor.message, "the external data of tensor '" + std::string(tensor.name) +
                             "' is outside of the model's folder: '" + std::string(place.location) +
                             "'");
  }
  if (place.length == 0) place.length = -1;  // as onnx reads it: the length is not stated
  if (place.length >= 0 && bits_of(tensor.dtype) > 0 && place.length != onnx_bytes(tensor)) {
    fail(tensor.message, "the external data of tensor '" + std::string(tensor.name) +
                             "' should be " + std::to_string(onnx_bytes(tensor)) +
                             " bytes long and is " + std::to_string(place.length));
  }
  return place;
}

bool looks_like_onnx(std::string_view file) noexcept {
  // The file may be cut off, and is then an ONNX file with an error, not something else.
  constexpr int enough = 3;
  using protozero::pbf_wire_type;
  bool has_version = false;
  bool has_substance = false;
  int known = 0;
  try {
    ProtobufFields fields(file, file.data(), "ModelProto");
    while (fields.next()) {
      const bool is_number = fields.wire_type() == pbf_wire_type::varint;
      const bool is_block = fields.wire_type() == pbf_wire_type::length_delimited;
      switch (fields.number()) {
      case 1: {
        if (!is_number) return false;
        const std::int64_t version = fields.integer();
        if (version < 1 || version > 1000) return false;
        has_version = true;
        break;
      }
      case 5:
        if (!is_number) return false;
        break;
      case 7:
      case 8:
      case 25:
        if (!is_block) return false;
        has_substance = true;
        break;
      case 2:
      case 3:
      case 4:
      case 6:
      case 14:
      case 20:
      case 26:
        if (!is_block) return false;
        break;
      default: return false;
      }
      if (++known >= enough && has_version) return true;
    }
  } catch (const Error&) {
    return has_version && known >= 2;
  }
  return has_substance;
}

}  // namespace zoometer
