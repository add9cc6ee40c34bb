#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "import/weights/stored_weights.hpp"
#include "zoometer/ir/graph.hpp"

namespace zoometer {

/// How a program lays out what it keeps of earlier tokens.
enum class CacheEngine : std::uint8_t {
  ideal,         ///< what the next token needs
  transformers,  ///< the dynamic cache of transformers 5.24
  vllm,          ///< pages; layers of one page size share their groups
  llama_cpp,     ///< cells in multiples of 256
};

/// What one layer keeps of each sequence, in elements.
struct CacheLayer {
  std::int64_t layer = 0;
  std::string_view kind;         ///< "full", "sliding", "chunked", "latent", "compressed", "state"
  std::int64_t key = 0;          ///< of a row of keys, one for each token that is held
  std::int64_t value = 0;        ///< of a row of values
  std::int64_t window = 0;       ///< tokens that are held; 0: all
  std::int64_t convolution = 0;  ///< channels of states of convolutions
  std::int64_t kernel = 0;       ///< their columns
  std::int64_t state = 0;        ///< of recurrent states, which are float32
  std::int64_t shift = 0;        ///< of the last token, with which the next one is mixed (RWKV)
  std::int64_t sums = 0;  ///< of states that transformers keeps in the type of keys (MiniMax-01)
  // Keys that stand for `ratio` tokens each (DeepSeek-V4), beside those of the window:
  std::int64_t ratio = 0;
  std::int64_t compressed = 0;  ///< of such a key, and of the index's
  std::int64_t waiting = 0;     ///< of each token whose key is not complete
};

/// The context at which a graph has inputs for all that its layers keep: a key of 128 tokens, and a
/// token after it.
constexpr std::int64_t least_cache_context = 130;

struct CacheOptions {
  CacheEngine engine = CacheEngine::ideal;
  const StorageType* key_type = nullptr;    ///< of keys, and of states of convolutions
  const StorageType* value_type = nullptr;  ///< of values
  std::int64_t context = 1;                 ///< tokens of each sequence
  std::int64_t sequences = 1;
  std::int64_t page = 16;                   ///< vLLM: tokens of a page
  std::int64_t most_batched_tokens = 8192;  ///< vLLM: that pass at once
  std::int64_t step_tokens = 512;           ///< llama.cpp: n_ubatch
};

/// The bytes of all sequences.
struct CacheSize {
  std::int64_t bytes = 0;
  std::int64_t bytes_per_token = 0;  ///< that a further token of a long sequence adds
  std::map<std::string_view, std::int64_t> by_kind;
};

/// What a graph of a language model with earlier tokens (`past`) reads of them, by layer. Layers
/// that share another's keys keep nothing.
std::vector<CacheLayer> cache_layers(const Graph& graph);

/// Throws Error{overflow}.
CacheSize cache_size(std::span<const CacheLayer> layers, const CacheOptions& options);

}  // namespace zoometer
