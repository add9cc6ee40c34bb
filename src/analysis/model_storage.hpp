#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/quantisation.hpp"
#include "import/importer.hpp"
#include "import/weights/stored_weights.hpp"

namespace zoometer {

/// How a model's weights are stored: by its files where there are some, else as its configuration
/// says that they are quantised, else in the types of the graph. The only place that chooses.
struct ModelStorage {
  std::optional<StoredCounts> files = {};  ///< where the sizes of all tensors are known
  std::optional<Scheme> scheme = {};       ///< of `quantization_config`
  std::string unknown = {};                ///< its method, if it is not a known one
  WeightContext context = {};              ///< what schemes need to know of the model

  /// "as stored", the name of the scheme, or "not quantised".
  std::string name() const;
  /// The weights as they are stored. The bytes of each are added to `each`, if it is not null:
  /// where files have other sums than the scheme gives, in proportion.
  StoredSize size(std::span<const ModelWeight> weights,
                  std::vector<std::int64_t>* each = nullptr) const;
  /// The same without the files.
  StoredSize configured_size(std::span<const ModelWeight> weights,
                             std::vector<std::int64_t>* each = nullptr) const;
};

/// The files of a model, as its configuration foresees them.
struct ForeseenCheckpoint {
  StoredSize size = {};         ///< of all tensors
  std::int64_t learned = 0;     ///< their elements without scales and records of packing
  std::int64_t prediction = 0;  ///< of these: layers that predict further tokens
};

/// Of the configuration `settings`, whose graph is `graph`. Throws Error as tracing it does.
ForeseenCheckpoint foreseen_checkpoint(const Setting& settings, const Graph& graph);

/// Of a model that was read from `file` with the configuration `settings`; both may be null.
ModelStorage model_storage(const ModelFile* file, const Setting* settings);

}  // namespace zoometer
