#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "zoometer/ir/dtype.hpp"
#include "zoometer/util/arena.hpp"
#include "zoometer/util/hash_index.hpp"

namespace zoometer {

/// How a file stores elements: in blocks of so many, which take so many bits together.
struct StorageType {
  std::string_view name;         ///< of the format: "BF16", "Q4_K"
  std::int32_t elements = 1;     ///< of a block
  std::int32_t bits = 8;         ///< of a block
  DType dtype = DType::unknown;  ///< of tensors of a graph; unknown: graphs have no such type
};

/// The graph's name of the type, "bfloat16", or the format's, "Q4_K".
std::string_view name_of(const StorageType& type) noexcept;

/// What a tensor of a file is for, by its name and type.
enum class StoredKind : std::uint8_t {
  parameter,
  quantisation,  ///< scales, zero points and records of packing
  buffer,        ///< tables that the model's class computes
};

/// One tensor of a file of weights.
struct StoredTensor {
  std::string_view name;
  std::span<const std::int64_t> shape;  ///< the outermost first
  const StorageType* type = nullptr;    ///< null: only the name is known
  std::int64_t begin = 0;               ///< its first byte in the file's data
  std::int64_t elements = 0;            ///< set by `StoredWeights::add`
  std::uint32_t file = 0;               ///< of `StoredWeights::files`

  bool is_known() const noexcept { return type != nullptr; }
  std::int64_t bytes() const noexcept;  ///< in the file
  StoredKind kind() const noexcept;
};

/// The tensors of files of weights (safetensors, GGUF), without their numbers.
class StoredWeights {
 public:
  std::vector<std::string> files;  ///< the names of the files, in the order of the tensors
  std::vector<std::string> notes;
  std::vector<std::string> ignored;  ///< what is not known of the files: `--strict` refuses it
  std::size_t headers_only = 0;      ///< files that end where their data would begin

  std::span<const StoredTensor> tensors() const noexcept { return tensors_; }
  /// The tensor of that name, or null.
  const StoredTensor* find(std::string_view name) const noexcept;

  /// Adds a tensor; its name and shape are copied. Throws Error{malformed} for a name that is
  /// there, Error{limit} for more than 16 dimensions, and Error{overflow}.
  void add(StoredTensor tensor);
  void reserve(std::size_t count);

  bool has_unknown() const noexcept;  ///< whether of some tensor only the name is known

 private:
  std::vector<StoredTensor> tensors_;
  HashIndex by_name_;
  Arena arena_;
};

/// Sums over a file's tensors.
struct StoredCounts {
  std::int64_t stored = 0;  ///< elements of all tensors, packed ones as containers
  /// Parameters: without scales, records of packing and buffers, packed integers as what they hold.
  std::int64_t learned = 0;
  std::int64_t bytes = 0;
  std::map<std::string_view, std::int64_t> by_dtype;  ///< elements
};

/// `packed_bits` is the width of integers that a container of several holds (GPTQ, AWQ and others).
/// Throws Error{overflow}.
StoredCounts count_stored(const StoredWeights& weights, std::int64_t packed_bits = 4);

}  // namespace zoometer
