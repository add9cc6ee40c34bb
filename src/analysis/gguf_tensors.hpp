#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "analysis/quantisation.hpp"

namespace zoometer {

/// A tensor of a GGUF file.
struct GgufTensor {
  std::string name;                     ///< "blk.0.attn_q.weight"
  std::array<std::int64_t, 4> sizes{};  ///< the innermost first, as the file has them
  std::size_t rank = 1;
  std::int64_t elements = 0;
  std::size_t weight = 0;  ///< which of the weights it is a part of; their number: of none
};

/// The tensors that llama.cpp's converter makes of a model (convert_hf_to_gguf.py and gguf-py,
/// 2026-08), in the order in which llama-quantize takes them. It cuts some weights in two, and
/// leaves towers to a file of their own and poolers away. A weight whose name is not known keeps
/// its path.
std::vector<GgufTensor> gguf_tensors(std::span<const ModelWeight> weights,
                                     const WeightContext& context);

}  // namespace zoometer
