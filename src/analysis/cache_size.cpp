#include "analysis/cache_size.hpp"

#include <algorithm>
#include <charconv>

#include "op/decoder_attention.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

constexpr std::int64_t cells_multiple = 256;  // llama.cpp, with flash attention

/// "past.3.key": the layer and what it keeps.
struct PastName {
  std::int64_t layer = -1;
  std::string_view part;
};

PastName past_name(std::string_view name) {
  constexpr std::string_view prefix = "past.";
  if (!name.starts_with(prefix)) return {};
  name.remove_prefix(prefix.size());
  PastName past;
  const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), past.layer);
  if (problem != std::errc()) return {};
  past.part = name.substr(static_cast<std::size_t>(end - name.data()));
  if (past.part.starts_with('.')) past.part.remove_prefix(1);
  return past;
}

/// An input of the graph, and the layer that it is of.
struct PastInput {
  ValueId value;
  std::size_t layer;  // an index of the list of layers
};

std::int64_t rounded_up(std::int64_t number, std::int64_t multiple) {
  return checked_mul(ceil_div(number, multiple), multiple);
}

/// Adds what one input keeps. Shapes are (N, heads, rows, features), (N, channels, columns) of
/// convolutions and (N, elements) of states; (N, tokens, features) of those that wait for a
/// compressed key.
void add_input(std::string_view part, const Shape& shape, CacheLayer& layer) {
  if (part.starts_with("compressed")) {
    std::int64_t& sum = shape.rank() == 3 ? layer.waiting : layer.compressed;
    sum = checked_add(sum, shape.dim(-1));
  } else if (part == "shift") {
    // The network of such a layer keeps its own, which the graph leaves out.
    layer.shift = checked_mul(2, shape.dim(-1));
    layer.kind = "state";
  } else if (shape.rank() == 2) {
    layer.kind = "state";
    std::int64_t& sum = part == "sum_state" ? layer.sums : layer.state;
    sum = checked_add(sum, shape.dim(1));
  } else if (shape.rank() == 3) {
    layer.convolution = checked_add(layer.convolution, shape.dim(1));
    layer.kernel = shape.dim(2) + 1;
    if (layer.kind.empty()) layer.kind = "state";
  } else {
    const std::int64_t row = checked_mul(shape.dim(1), shape.dim(3));
    std::int64_t& sum = part == "value" ? layer.value : layer.key;
    sum = checked_add(sum, row);
    if (part == "latent" || part == "rotary_key") layer.kind = "latent";
    if (part == "key" || part == "value") layer.kind = "full";
  }
}

/// The first attention after a layer's inputs were made has the layer's window.
void find_windows(const Graph& graph, std::span<const PastInput> inputs,
                  std::vector<CacheLayer>& layers) {
  std::vector<bool> is_known(layers.size());
  for (const Node& node : graph.nodes()) {
    if (node.op != &decoder_attention_op) continue;
    const PastInput* last = nullptr;
    for (const PastInput& input : inputs) {
      if (input.value > node.first_output) break;
      last = &input;
    }
    if (last == nullptr) continue;
    CacheLayer& layer = layers[last->layer];
    const auto& attrs = *static_cast<const DecoderAttentionAttrs*>(node.attrs);
    if (attrs.stride > 1) layer.ratio = attrs.stride;
    if (is_known[last->layer]) continue;
    is_known[last->layer] = true;
    if (layer.kind != "full") continue;
    layer.window = attrs.window > 0 ? attrs.window : attrs.chunk;
    if (layer.window > 0) layer.kind = attrs.window > 0 ? "sliding" : "chunked";
  }
}

/// Bytes of rows of that many elements.
std::int64_t row_bytes(std::int64_t elements, const StorageType& type) {
  const std::int64_t blocks = ceil_div(elements, type.elements);
  return blocks / 8 * type.bits + ceil_div(blocks % 8 * type.bits, 8);
}

class CacheSizer {
 public:
  CacheSizer(std::span<const CacheLayer> layers, const CacheOptions& options)
      : layers_(layers),
        options_(options) {
    for (const CacheLayer& layer : layers) {
      has_full_ = has_full_ || (layer.key > 0 && layer.window == 0);
    }
  }

  CacheSize run() const {
    CacheSize size;
    for (const CacheLayer& layer : layers_) {
      const std::int64_t row = row_of(layer);
      const std::int64_t bytes =
          checked_add(checked_mul(rows(layer), row), checked_mul(fixed(layer), options_.sequences));
      size.bytes = checked_add(size.bytes, bytes);
      std::int64_t& of_kind = size.by_kind[layer.kind];
      of_kind = checked_add(of_kind, bytes);
      if (grows(layer)) size.bytes_per_token = checked_add(size.bytes_per_token, row);
      if (layer.ratio > 0) add_compressed(layer, size);
    }
    return size;
  }

 private:
  std::int64_t row_of(const CacheLayer& layer) const {
    const std::int64_t key = row_bytes(layer.key, *options_.key_type);
    // Keys that are the values, too, have both names in the objects of transformers (DeepSeek-V4).
    const bool is_named_twice =
        options_.engine == CacheEngine::transformers && layer.kind == "sliding" && layer.value == 0;
    return checked_add(is_named_twice ? checked_mul(2, key) : key,
                       row_bytes(layer.value, *options_.value_type));
  }

  void add_compressed(const CacheLayer& layer, CacheSize& size) const {
    const StorageType& type = *options_.key_type;
    const std::int64_t key = row_bytes(layer.compressed, type);
    const std::int64_t keys = checked_mul(options_.context / layer.ratio, key);
    const std::int64_t waiting =
        checked_mul(options_.context % layer.ratio, row_bytes(layer.waiting, type));
    std::int64_t each = checked_add(keys, waiting);
    // Values and gates are twice as wide as a key where it sees the tokens of the one before, too,
    // whose halves are kept.
    const bool overlaps = layer.waiting == checked_mul(4, layer.compressed);
    if (overlaps && options_.context >= layer.ratio)
      each = checked_add(each, checked_mul(2 * layer.ratio, key));
    const std::int64_t bytes = checked_mul(each, options_.sequences);
    size.bytes = checked_add(size.bytes, bytes);
    std::int64_t& of_kind = size.by_kind["compressed"];
    of_kind = checked_add(of_kind, bytes);
    size.bytes_per_token = checked_add(size.bytes_per_token, key / layer.ratio);
  }

  /// vLLM gives layers with a window the pages of full ones, where there are such.
  bool is_paged_as_full() const { return options_.engine == CacheEngine::vllm && has_full_; }

  bool grows(const CacheLayer& layer) const { return layer.window == 0 || is_paged_as_full(); }

  /// Of all sequences. Those of llama.cpp share their cells.
  std::int64_t rows(const CacheLayer& layer) const {
    if (options_.engine == CacheEngine::llama_cpp) return cells(layer);
    return checked_mul(rows_of_sequence(layer), options_.sequences);
  }

  std::int64_t cells(const CacheLayer& layer) const {
    const std::int64_t all =
        rounded_up(checked_mul(options_.context, options_.sequences), cells_multiple);
    if (layer.window == 0) return all;
    const std::int64_t held = checked_mul(layer.window, options_.sequences);
    return std::min(all, rounded_up(checked_add(held, options_.step_tokens), cells_multiple));
  }

  std::int64_t rows_of_sequence(const CacheLayer& layer) const {
    const std::int64_t context = options_.context;
    const std::int64_t window = is_paged_as_full() ? 0 : layer.window;
    switch (options_.engine) {
    case CacheEngine::ideal: return window > 0 ? std::min(context, window) : context;
    case CacheEngine::transformers: return window > 0 ? std::min(context, window - 1) : context;
    case CacheEngine::vllm: {
      if (window == 0) return rounded_up(context, options_.page);
      const std::int64_t held =
          std::min(checked_add(window - 1, options_.most_batched_tokens), context);
      return checked_add(rounded_up(held, options_.page), options_.page);
    }
    case CacheEngine::llama_cpp: break;
    }
    return context;
  }

  /// Bytes that do not depend on the number of tokens.
  std::int64_t fixed(const CacheLayer& layer) const {
    const bool is_transformers = options_.engine == CacheEngine::transformers;
    const std::int64_t columns =
        is_transformers ? layer.kernel : std::max<std::int64_t>(layer.kernel - 1, 0);
    const std::int64_t convolution = checked_mul(layer.convolution, columns);
    const bool is_float32 = options_.engine == CacheEngine::llama_cpp;
    std::int64_t bytes =
        is_float32 ? checked_mul(convolution, 4) : row_bytes(convolution, *options_.key_type);
    bytes = checked_add(bytes, row_bytes(layer.shift, *options_.key_type));
    bytes = checked_add(bytes, checked_mul(layer.state, 4));
    bytes = checked_add(bytes, is_transformers ? row_bytes(layer.sums, *options_.key_type)
                                               : checked_mul(layer.sums, 4));
    // A layer with a window keeps the number of tokens that have passed.
    return is_transformers && layer.window > 0 ? bytes + 8 : bytes;
  }

  std::span<const CacheLayer> layers_;
  const CacheOptions& options_;
  bool has_full_ = false;
};

}  // namespace

std::vector<CacheLayer> cache_layers(const Graph& graph) {
  std::vector<CacheLayer> layers;
  std::vector<PastInput> inputs;
  for (const Port& input : graph.inputs()) {
    const PastName name = past_name(input.name);
    if (name.layer < 0) continue;
    const bool is_new = layers.empty() || layers.back().layer != name.layer;
    if (is_new) {
      CacheLayer layer;
      layer.layer = name.layer;
      layers.push_back(layer);
    }
    add_input(name.part, graph.shape(input.value), layers.back());
    inputs.push_back({input.value, layers.size() - 1});
  }
  find_windows(graph, inputs, layers);
  return layers;
}

CacheSize cache_size(std::span<const CacheLayer> layers, const CacheOptions& options) {
  return CacheSizer(layers, options).run();
}

}  // namespace zoometer
