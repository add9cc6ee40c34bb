#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "import/weights/stored_weights.hpp"
#include "models/language/configuration.hpp"
#include "util/mapped_file.hpp"

namespace zoometer {

/// The keys of a GGUF file: "llama.block_count". Of an array there are at most 4,096 numbers, and
/// of one of texts only their count, `integer`: a vocabulary is not copied.
struct GgufMetadata {
  std::uint32_t version = 0;
  bool is_big_endian = false;
  std::vector<std::pair<std::string, Setting>> entries;

  /// The value of a key, or null.
  const Setting* find(std::string_view key) const noexcept;
  std::string_view text(std::string_view key) const noexcept;  ///< empty if it is no text
  /// An integer of at least 0, or `usual`.
  std::int64_t size(std::string_view key, std::int64_t usual) const noexcept;
};

/// Whether the bytes look like a GGUF file.
bool is_gguf_file(const MappedFile& file) noexcept;

/// How long the header of a GGUF file is, and how long the file has to be.
struct GgufHeader {
  std::size_t bytes = 0;
  std::int64_t file_bytes = 0;  ///< to the end of the last tensor
  std::int64_t data_begin = 0;  ///< of the first tensor: the header with what fills it up
  std::int64_t alignment = 32;  ///< each tensor takes a multiple of as many bytes
  std::int64_t elements = 0;    ///< of all tensors
  std::int64_t split_files = 1;
};

/// Of the file that begins with these bytes; nothing if its header is longer than they are. Throws
/// Error{malformed} where they are not the start of a GGUF file.
std::optional<GgufHeader> gguf_header(std::string_view start);

/// Adds the tensors of a GGUF file, versions 1 to 3 of either byte order, and of the other files of
/// a split one, which are looked for beside it. Shapes are outermost first, as PyTorch has them,
/// and not as the file does. Throws Error{malformed} with the key or tensor and the offset,
/// Error{unsupported} for another version, and Error{limit}.
void read_gguf(const MappedFile& file, StoredWeights& weights, GgufMetadata& metadata);

}  // namespace zoometer
