#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "analysis/quantisation.hpp"
#include "import/importer.hpp"

namespace zoometer {

/// What a GGUF file of a model has beside the bytes of its tensors. It does not depend on their
/// types: keys, the vocabulary and the names of the tensors are the same.
struct GgufFrame {
  std::int64_t header = 0;     ///< bytes before the first tensor
  std::int64_t alignment = 1;  ///< each tensor takes a multiple of as many bytes
};

/// That of the GGUF file that the model is, or of the first one in its folder that has as many
/// elements. Nothing if there is none, and for split files. Files that cannot be read are passed
/// over: they are not what was asked for.
std::optional<GgufFrame> gguf_frame(const ModelFile& file, std::span<const ModelWeight> weights,
                                    const WeightContext& context);

/// The bytes of a file after a scheme of llama.cpp; `size` is that of all tensors, and `each` of
/// each weight. Throws Error{overflow}.
std::int64_t gguf_file_bytes(const GgufFrame& frame, const StoredSize& size,
                             std::span<const std::int64_t> each);

}  // namespace zoometer
