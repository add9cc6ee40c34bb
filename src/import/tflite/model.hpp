#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "import/flatbuffer/flatbuffer.hpp"
#include "util/mapped_file.hpp"
#include "zoometer/ir/graph.hpp"

// What a TensorFlow Lite file contains, by LiteRT's schema (tflite/converter/schema/schema.fbs).
// The data of weights is never touched.

namespace zoometer {

/// A tensor of a subgraph.
struct TfliteTensor {
  std::string_view name;
  Shape shape;               ///< the sizes of the conversion
  UnknownSizes unknown = 0;  ///< the sizes that the file does not know; `shape` has 1 for them
  bool has_shape = false;    ///< a rank above 0, or a scalar that says so
  DType dtype = DType::unknown;
  bool is_variable = false;
  std::uint32_t buffer = 0;  ///< of the file; 0: none
  FlatTable quantization;
  FlatTable sparsity;
  bool is_constant = false;

  /// How many scales it has; 0: it is not quantised.
  std::uint32_t scales() const { return quantization.count(2); }
};

inline constexpr std::uint32_t custom_code = 32;  ///< of operators that have a name alone

/// An operator of a subgraph.
struct TfliteNode {
  std::uint32_t code = 0;             ///< the number of a builtin operator
  std::string_view custom;            ///< the name of a custom one
  std::string_view custom_options;    ///< bytes that only the operator knows
  std::vector<std::int32_t> inputs;   ///< tensors, -1 where an optional one is absent
  std::vector<std::int32_t> outputs;  ///< tensors
  FlatTable options;
  std::uint64_t at = 0;  ///< where it is in the file
};

struct TfliteSubgraph {
  std::string_view name;
  std::vector<TfliteTensor> tensors;
  std::vector<std::int32_t> inputs;
  std::vector<std::int32_t> outputs;
  std::vector<TfliteNode> nodes;
  bool was_sorted = false;
};

/// An entry: a signature, or the first subgraph of a file without one.
struct TfliteEntry {
  std::string_view name;
  std::uint32_t subgraph = 0;
  std::vector<std::pair<std::string_view, std::uint32_t>> inputs;   ///< names and tensors
  std::vector<std::pair<std::string_view, std::uint32_t>> outputs;  ///< names and tensors
};

/// Whether the bytes begin as a TensorFlow Lite file does.
bool looks_like_tflite(std::string_view bytes) noexcept;

/// One file. Subgraphs are read when they are asked for.
class TfliteModel {
 public:
  /// Throws Error{malformed}.
  explicit TfliteModel(const MappedFile& file);

  std::uint32_t version() const noexcept { return version_; }
  std::string_view description() const noexcept { return description_; }
  std::size_t subgraph_count() const noexcept { return subgraphs_.size(); }
  /// Throws Error{malformed}.
  const TfliteSubgraph& subgraph(std::uint32_t index);
  const std::vector<TfliteEntry>& entries() const noexcept { return entries_; }
  std::string_view metadata(std::string_view name) const;

  /// The bytes of a buffer, none of which is read; empty where they are elsewhere.
  std::string_view data(std::uint32_t buffer) const;
  /// The elements of a constant integer tensor of at most so many, or nothing.
  std::optional<std::vector<std::int64_t>> integers(const TfliteTensor& tensor,
                                                    std::int64_t most) const;

 private:
  TfliteTensor tensor(const FlatTable& table, std::size_t index) const;
  TfliteNode node(const FlatTable& table, const TfliteSubgraph& subgraph) const;
  bool has_data(std::uint32_t buffer) const;
  void read_entries(const FlatTable& root);
  static void sort(TfliteSubgraph& subgraph, std::uint64_t at);

  FlatBuffer buffer_;
  std::uint32_t version_ = 0;
  std::string_view description_;
  std::vector<FlatTable> codes_;
  std::vector<FlatTable> subgraphs_;
  std::vector<FlatTable> buffers_;
  std::vector<FlatTable> metadata_;
  std::vector<TfliteEntry> entries_;
  std::vector<std::optional<TfliteSubgraph>> read_;
};

}  // namespace zoometer
