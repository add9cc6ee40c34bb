#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "zoometer/ir/dtype.hpp"
#include "zoometer/ir/shape.hpp"

namespace zoometer {

/// The records of an ONNX file. They are views of the mapped file: names and messages are not
/// copied, nested messages are read when they are asked for, and weights never.

/// The element type of TensorProto.DataType; DType::unknown for numbers that are not known.
DType onnx_dtype(std::int64_t data_type) noexcept;

/// One size of a declared shape: a number, a name, or neither.
struct OnnxDimension {
  std::int64_t value = -1;  ///< -1: not a number
  std::string_view name;
};

/// TypeProto. Maps and opaque types are `other`.
struct OnnxType {
  enum class Kind : std::uint8_t { none, tensor, sequence, other };
  Kind kind = Kind::none;
  DType dtype = DType::unknown;  ///< of the tensor, or of the sequence's elements
  bool has_shape = false;
  std::uint8_t rank = 0;
  std::array<OnnxDimension, most_dimensions> dimensions{};
};

/// ValueInfoProto: a name with a declared type.
struct OnnxValueInfo {
  std::string_view name;
  std::string_view type;  ///< TypeProto
};

/// TensorProto without its data.
struct OnnxTensor {
  std::string_view name;
  std::string_view message;
  Shape shape;
  std::int64_t data_type = 0;
  DType dtype = DType::unknown;
  bool is_external = false;
  std::string_view raw_data;
};

/// AttributeProto. Lists stay in the message.
struct OnnxAttribute {
  std::string_view name;
  std::string_view message;
  std::string_view reference;  ///< inside a function: the attribute of the call that is meant
  std::string_view text;
  std::string_view tensor;
  std::string_view graph;
  std::string_view type;
  std::int64_t integer = 0;
  float real = 0;
};

/// NodeProto.
struct OnnxNode {
  std::string_view message;
  std::string_view name;
  std::string_view op_type;
  std::string_view domain;
  std::string_view overload;
  std::vector<std::string_view> inputs;   ///< empty: absent
  std::vector<std::string_view> outputs;  ///< empty: not computed
  std::vector<OnnxAttribute> attributes;
  std::vector<std::pair<std::string_view, std::string_view>> metadata;
};

/// A weight of a graph: a TensorProto, or a SparseTensorProto.
struct OnnxInitializer {
  std::string_view message;
  bool is_sparse = false;
};

/// GraphProto. Nodes, weights and declared types are messages, in the order of the file.
struct OnnxGraph {
  std::string_view message;
  std::string_view name;
  std::vector<std::string_view> nodes;
  std::vector<OnnxInitializer> initializers;
  std::vector<OnnxValueInfo> inputs;
  std::vector<OnnxValueInfo> outputs;
  std::vector<std::string_view> value_infos;
};

/// FunctionProto.
struct OnnxFunction {
  std::string_view message;
  std::string_view name;
  std::string_view domain;
  std::string_view overload;
  std::vector<std::string_view> inputs;
  std::vector<std::string_view> outputs;
  std::vector<OnnxAttribute> defaults;
  std::vector<std::string_view> nodes;
  std::vector<std::string_view> value_infos;
  std::vector<std::pair<std::string_view, std::int64_t>> opsets;
};

/// ModelProto.
struct OnnxModel {
  std::int64_t ir_version = 0;
  std::string_view producer_name;
  std::string_view producer_version;
  std::string_view graph;
  std::vector<std::pair<std::string_view, std::int64_t>> opsets;
  std::vector<OnnxFunction> functions;
  std::vector<std::pair<std::string_view, std::string_view>> metadata;
};

/// Reads the records of one file. Every function throws Error{malformed} with the byte offset.
class OnnxRecords {
 public:
  explicit OnnxRecords(std::string_view file) noexcept : file_(file) {}

  std::string_view file() const noexcept { return file_; }
  std::uint64_t offset_of(std::string_view message) const noexcept {
    return static_cast<std::uint64_t>(message.data() - file_.data());
  }

  OnnxModel model() const;
  OnnxGraph graph(std::string_view message) const;
  /// Fills a node that is used again and again, so that its lists keep their memory.
  void node(std::string_view message, OnnxNode& node) const;
  OnnxAttribute attribute(std::string_view message) const;
  OnnxTensor tensor(std::string_view message) const;
  OnnxTensor tensor(const OnnxInitializer& initializer) const;
  OnnxType type(std::string_view message) const;
  OnnxValueInfo value_info(std::string_view message) const;

  std::vector<std::int64_t> integers(const OnnxAttribute& attribute) const;
  std::vector<double> reals(const OnnxAttribute& attribute) const;
  /// The sparse tensor of an attribute, as a dense one without its data.
  OnnxTensor sparse_tensor(const OnnxAttribute& attribute) const;
  std::vector<std::string_view> texts(const OnnxAttribute& attribute) const;

  /// The elements of a tensor, which must be few: integers and truth values as integers, the others
  /// as numbers. Data in another file is not here.
  bool elements(const OnnxTensor& tensor, std::vector<std::int64_t>& integers,
                std::vector<double>& reals) const;

  /// The same, and of a tensor of many only the first `count` elements, as far as that is known
  /// without reading all.
  bool first_elements(OnnxTensor tensor, std::int64_t count, std::vector<std::int64_t>& integers,
                      std::vector<double>& reals) const;

  /// Where data outside of the file lies. Throws Error where the place is outside of the model's
  /// folder or its numbers make no sense.
  struct External {
    std::string_view location;
    std::int64_t offset = 0;
    std::int64_t length = -1;
  };
  External external(const OnnxTensor& tensor) const;

  [[noreturn]] void fail(std::string_view where, std::string text) const;

 private:
  OnnxType type(std::string_view message, int depth) const;
  OnnxFunction function(std::string_view message) const;
  void check_size(const OnnxTensor& tensor) const;
  void check_names(const OnnxNode& node) const;

  std::string_view file_;
};

/// Whether the bytes look like a ModelProto: its first fields do, as far as they go.
bool looks_like_onnx(std::string_view file) noexcept;

/// The bytes that a tensor's data takes.
std::int64_t onnx_bytes(const OnnxTensor& tensor);

}  // namespace zoometer
