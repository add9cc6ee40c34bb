#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <protozero/pbf_writer.hpp>

namespace zoometer::test {

/// Writes ONNX files into strings, message by message.
namespace onnx {

struct Dim {
  std::int64_t value = -1;
  std::string name = {};
  Dim(int number) : value(number) {}           // NOLINT: reads as the file does
  Dim(std::int64_t number) : value(number) {}  // NOLINT
  Dim(const char* symbol) : name(symbol) {}    // NOLINT
};

inline std::string type(std::vector<Dim> dims, int elem_type = 1) {
  std::string shape;
  for (const Dim& dim : dims) {
    std::string message;
    protozero::pbf_writer fields(message);
    if (dim.name.empty()) {
      fields.add_int64(1, dim.value);
    } else {
      fields.add_string(2, dim.name);
    }
    protozero::pbf_writer(shape).add_message(1, message);
  }
  std::string tensor;
  protozero::pbf_writer fields(tensor);
  fields.add_int32(1, elem_type);
  fields.add_message(2, shape);
  std::string result;
  protozero::pbf_writer(result).add_message(1, tensor);
  return result;
}

inline std::string value_info(std::string_view name, const std::string& type_message) {
  std::string result;
  protozero::pbf_writer fields(result);
  fields.add_string(1, name.data(), name.size());
  fields.add_message(2, type_message);
  return result;
}

/// A tensor without data: a weight that must not be read.
inline std::string weight(const std::string& name, std::vector<std::int64_t> dims,
                          int elem_type = 1) {
  std::string result;
  protozero::pbf_writer fields(result);
  for (const std::int64_t dim : dims) fields.add_int64(1, dim);
  fields.add_int32(2, elem_type);
  fields.add_string(8, name);
  return result;
}

inline std::string integers(const std::string& name, std::vector<std::int64_t> elements,
                            bool is_scalar = false) {
  std::string result;
  protozero::pbf_writer fields(result);
  if (!is_scalar) fields.add_int64(1, static_cast<std::int64_t>(elements.size()));
  fields.add_int32(2, 7);
  fields.add_packed_int64(7, elements.begin(), elements.end());
  fields.add_string(8, name);
  return result;
}

inline std::string reals(const std::string& name, std::vector<float> elements) {
  std::string result;
  protozero::pbf_writer fields(result);
  fields.add_int64(1, static_cast<std::int64_t>(elements.size()));
  fields.add_int32(2, 1);
  fields.add_packed_float(4, elements.begin(), elements.end());
  fields.add_string(8, name);
  return result;
}

/// A vector whose elements are stored as in memory.
template <class T>
std::string raw(const std::string& name, int elem_type, std::vector<T> elements) {
  std::string result;
  protozero::pbf_writer fields(result);
  fields.add_int64(1, static_cast<std::int64_t>(elements.size()));
  fields.add_int32(2, elem_type);
  fields.add_string(8, name);
  fields.add_bytes(9, reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(T));
  return result;
}

class Attribute {
 public:
  explicit Attribute(const std::string& name) { fields().add_string(1, name); }
  Attribute(const std::string& name, std::int64_t value) : Attribute(name) {
    fields().add_int64(3, value);
    fields().add_int32(20, 2);
  }
  Attribute(const std::string& name, std::vector<std::int64_t> values) : Attribute(name) {
    for (const std::int64_t value : values) fields().add_int64(8, value);
    fields().add_int32(20, 7);
  }
  static Attribute text(const std::string& name, const std::string& value) {
    Attribute result(name);
    result.fields().add_bytes(4, value);
    result.fields().add_int32(20, 3);
    return result;
  }
  static Attribute tensor(const std::string& name, const std::string& value) {
    Attribute result(name);
    result.fields().add_message(5, value);
    result.fields().add_int32(20, 4);
    return result;
  }
  static Attribute graph(const std::string& name, const std::string& value) {
    Attribute result(name);
    result.fields().add_message(6, value);
    result.fields().add_int32(20, 5);
    return result;
  }
  static Attribute reference(const std::string& name, const std::string& of) {
    Attribute result(name);
    result.fields().add_string(21, of);
    return result;
  }

  std::string message;

 private:
  protozero::pbf_writer fields() { return protozero::pbf_writer(message); }
};

struct NodeParts {
  std::string op_type;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<Attribute> attributes = {};
  std::string name = {};
  std::string domain = {};
  std::vector<std::pair<std::string, std::string>> metadata = {};
};

inline std::string node(const NodeParts& parts) {
  std::string result;
  protozero::pbf_writer fields(result);
  for (const std::string& input : parts.inputs) fields.add_string(1, input);
  for (const std::string& output : parts.outputs) fields.add_string(2, output);
  fields.add_string(3, parts.name);
  fields.add_string(4, parts.op_type);
  for (const Attribute& attribute : parts.attributes) fields.add_message(5, attribute.message);
  fields.add_string(7, parts.domain);
  for (const auto& [key, value] : parts.metadata) {
    std::string entry;
    protozero::pbf_writer pair(entry);
    pair.add_string(1, key);
    pair.add_string(2, value);
    fields.add_message(9, entry);
  }
  return result;
}

struct GraphParts {
  std::vector<std::string> nodes;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<std::string> initializers = {};
  std::vector<std::string> value_infos = {};
};

inline std::string graph(const GraphParts& parts) {
  std::string result;
  protozero::pbf_writer fields(result);
  for (const std::string& item : parts.nodes) fields.add_message(1, item);
  fields.add_string(2, "main");
  for (const std::string& item : parts.initializers) fields.add_message(5, item);
  for (const std::string& item : parts.inputs) fields.add_message(11, item);
  for (const std::string& item : parts.outputs) fields.add_message(12, item);
  for (const std::string& item : parts.value_infos) fields.add_message(13, item);
  return result;
}

struct ModelParts {
  std::string graph;
  int opset = 17;
  std::vector<std::string> functions = {};
};

inline std::string opset(const std::string& domain, int version) {
  std::string result;
  protozero::pbf_writer fields(result);
  fields.add_string(1, domain);
  fields.add_int64(2, version);
  return result;
}

inline std::string model(const ModelParts& parts) {
  std::string result;
  protozero::pbf_writer fields(result);
  fields.add_int64(1, 8);
  fields.add_string(2, "test");
  fields.add_message(7, parts.graph);
  fields.add_message(8, opset("", parts.opset));
  fields.add_message(8, opset("com.microsoft", 1));
  for (const std::string& function : parts.functions) fields.add_message(25, function);
  return result;
}

struct FunctionParts {
  std::string domain;
  std::string name;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<std::string> nodes;
  std::vector<std::string> attributes = {};
};

inline std::string function(const FunctionParts& parts) {
  std::string result;
  protozero::pbf_writer fields(result);
  fields.add_string(1, parts.name);
  for (const std::string& item : parts.inputs) fields.add_string(4, item);
  for (const std::string& item : parts.outputs) fields.add_string(5, item);
  for (const std::string& item : parts.attributes) fields.add_string(6, item);
  for (const std::string& item : parts.nodes) fields.add_message(7, item);
  fields.add_message(9, opset("", 17));
  fields.add_string(10, parts.domain);
  return result;
}

}  // namespace onnx
}  // namespace zoometer::test
