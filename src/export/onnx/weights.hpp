#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "import/safetensors.hpp"
#include "report/graph_writer.hpp"

namespace zoometer {

/// The source of the data of a graph's parameters.
class OnnxWeights {
 public:
  /// For `WeightData::file`, reads the file's header and throws Error{malformed} if a parameter
  /// that the graph reads is missing or has another shape or dtype.
  OnnxWeights(const Graph& graph, const GraphOptions& options);

  /// The bytes of a parameter, little-endian. `scratch` stores generated ones.
  std::string_view bytes(ParameterId parameter, std::string& scratch) const;
  /// The same for the scale of a quantised weight: a float32 number for each index of its first
  /// axis. Throws Error{malformed} if a file of weights lacks it.
  std::string_view scale_bytes(const std::string& name, ParameterId weight,
                               std::string& scratch) const;

 private:
  /// The kind of random numbers that a parameter needs for sensible results.
  enum class Fill : std::uint8_t { zero, one, weight, small, scale, zero_point };

  void find_fills();
  Fill fill_by_name(const Parameter& parameter) const;
  static std::optional<Fill> fill_by_role(const OpDef& op, std::size_t operand);
  void check_file() const;
  /// The tensor of that name; null if it is missing and `is_needed` is false.
  const SafeTensor* find_tensor(const std::string& name, DType dtype, const Shape& shape,
                                bool is_needed) const;
  /// A copy, which ensures that the bytes can be read before they are written.
  std::string_view read(const SafeTensor& tensor, std::string& scratch) const;
  void fill(ParameterId id, std::string& bytes) const;

  const Graph& graph_;
  std::int64_t seed_;
  std::vector<Fill> fills_;    // by parameter
  std::vector<bool> is_read_;  // by parameter
  std::unique_ptr<Safetensors> file_;
};

}  // namespace zoometer
