#pragma once

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
};

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

  SharedKeys& shared_keys(bool is_sliding) { return is_sliding ? sliding_keys : full_keys; }
  const RotaryTables& tables_of(std::int64_t features) const;

  /// What earlier tokens left, an input of the graph: "past.3.key". Empty without earlier tokens.
  Tensor past(std::string_view name, const Shape& shape, DType dtype = DType::float32) const;
};

}  // namespace zoometer
