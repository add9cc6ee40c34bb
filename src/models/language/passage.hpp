#pragma once

#include <optional>
#include <string>
#include <vector>

#include "zoometer/models/trace_options.hpp"
#include "zoometer/nn/decoder.hpp"

namespace zoometer {

/// How latent attention runs (docs/language_models.md).
enum class LatentForm : std::uint8_t { absorbed, expanded, re_expanded };

/// What passes through a model.
struct Passage {
  std::int64_t batch = 1;
  std::int64_t tokens = 128;  ///< of each sequence, that pass
  std::int64_t past = 0;      ///< of each sequence, before them
  bool has_all_logits = false;
  bool counts_seen = false;  ///< pairs are those that masks leave
  LatentForm latent = LatentForm::expanded;
  bool has_tokens = false;                          ///< `tokens` has those of pictures and sound
  std::optional<std::int64_t> encoder_tokens = {};  ///< of an encoder's sequence, where asked for
  std::vector<InputShape> inputs = {};              ///< shapes of inputs that the options give
};

/// Throws Error{usage} that names the option.
[[noreturn]] void refuse_option(std::string_view option, std::string expected, std::string found);

/// What the options ask for. Throws Error{usage} that names the option.
Passage passage_of(const TraceOptions& options);

/// Keys and values, as later layers may read them.
struct SharedKeys {
  Tensor key;
  Tensor value;
};

/// What layers share while they are called.
struct PassageContext {
  const Passage& passage;
  Graph& graph;
  std::vector<std::pair<std::int64_t, RotaryTables>> tables = {};  ///< by rotated features
  std::size_t layer = 0;                                           ///< the one that runs

  SharedKeys full_keys = {};     ///< of the last layer without a window
  SharedKeys sliding_keys = {};  ///< of the last layer with one
  Tensor memory = {};            ///< the encoder's result (N, tokens, features), in the first pass
  std::int64_t encoder_tokens = 0;  ///< of that
  Tensor distances = {};            ///< T5's bias of each distance
  Tensor shortcut = {};             ///< what the second half of a layer adds (LongCat)

  SharedKeys& shared_keys(bool is_sliding) { return is_sliding ? sliding_keys : full_keys; }
  const RotaryTables& tables_of(std::int64_t features) const;

  /// What earlier tokens left, an input of the graph: "past.3.key". Empty without earlier tokens.
  Tensor past(std::string_view name, const Shape& shape, DType dtype = DType::float32) const;
};

}  // namespace zoometer
