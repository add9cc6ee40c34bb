#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "util/output.hpp"
#include "zoometer/ir/shape.hpp"

namespace zoometer {

/// A tensor of the file by its name, its type in TensorProto.DataType, and its sizes.
struct OnnxTensorType {
  std::string_view name;
  int type = 0;
  const Shape& shape;
};

/// Writes initializers into the fields of a GraphProto; larger ones into a file beside the model,
/// if there is one.
class OnnxTensors {
 public:
  /// `external_data` is the path of that file; empty: everything goes into the model.
  OnnxTensors(std::string& graph_fields, const std::string& external_data);

  /// The bytes that a tensor with that much data adds to the model, at most.
  std::size_t size_in_model(std::int64_t bytes) const noexcept;
  void add(const OnnxTensorType& tensor, std::string_view bytes);
  /// Closes the file beside the model.
  void finish();

 private:
  std::string& fields_;
  const std::string& path_;
  std::optional<OutputFile> file_;
  std::int64_t offset_ = 0;
};

/// Throws Error{limit} if a model of that many bytes is not a valid message.
void check_onnx_size(std::size_t bytes);

/// A model: the fields before its graph, and those of the graph, which are moved.
std::string join_onnx_model(const std::string& head, std::string graph_fields);

}  // namespace zoometer
