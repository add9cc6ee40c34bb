#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "import/weights/stored_weights.hpp"
#include "util/mapped_file.hpp"

namespace zoometer {

/// Adds the tensors of a safetensors file: 8 bytes with the length of a header, the header in JSON,
/// {name: {dtype, shape, data_offsets}}, then the data. Returns where the data begin. A file may be
/// the header only, as a range of a remote file gives it: `headers_only` counts it, and its tensors
/// may be at any offset. Throws Error with the file's name: {malformed} with the tensor, {limit}
/// for a header of more than 100 MB.
std::size_t read_safetensors_header(const MappedFile& file, StoredWeights& weights);

/// Throws Error{malformed} unless these tensors of one file follow each other from the start of its
/// data to its end, as the format requires; 0 bytes of data: to any end, since the file is a header
/// only. (Writers of old files left gaps, so that who reads numbers by their offsets need not ask.)
void check_contiguous(std::span<const StoredTensor> of_file, std::int64_t data_bytes);

/// The bytes of the header that these first bytes begin, with those of its length; nothing if they
/// are less than 8. Throws Error{limit} for a header of more than 100 MB.
std::optional<std::size_t> safetensors_header_bytes(std::string_view start);

/// Whether the bytes look like a safetensors file.
bool is_safetensors_file(const MappedFile& file) noexcept;

/// The type with the format's name, "BF16"; null if there is none.
const StorageType* safetensors_type(std::string_view name) noexcept;

}  // namespace zoometer
