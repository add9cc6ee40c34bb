#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "analysis/quantisation.hpp"
#include "import/importer.hpp"

namespace zoometer {

/// What a GGUF file of a model has before its first tensor.
struct GgufHeaderSize {
  std::int64_t bytes = 0;
  std::string tokenizer = {};  ///< the file whose vocabulary it is foreseen with; empty: it is read
};

/// That of the GGUF file that the model is, or of the first one in its folder that has as many
/// elements: it does not depend on the types of the tensors. Else foreseen, by the vocabulary of
/// the tokenizer in the folder and the names of the tensors: the model's name, its licence and the
/// keys of its architecture are taken to be `usual_keys` bytes. Nothing if there is neither. Files
/// that cannot be read are ignored.
std::optional<GgufHeaderSize> gguf_header_size(const ModelFile& file,
                                               std::span<const ModelWeight> weights,
                                               const WeightContext& context);

/// Files that llama.cpp's converter writes of 80 models have 0.5 to 2.7 kB of keys beside the
/// tokenizer's, half of them less than 0.9 kB; those of a tokenizer take 0.3 kB.
inline constexpr std::int64_t usual_keys = 1200;

}  // namespace zoometer
