#pragma once

#include "import/importer.hpp"
#include "import/weights/stored_weights.hpp"
#include "models/language/configuration.hpp"

namespace zoometer {

/// Changes settings to what the files say: `vocab_size` to the rows of the embedding. Each change
/// is a note.
void take_sizes(const StoredWeights& weights, Setting& settings, std::vector<std::string>& notes);

/// The same after a trace: a head that the files do not have is the embedding. Whether settings
/// changed, so that they have to be traced again.
bool take_tie(const StoredWeights& weights, const Graph& graph, Setting& settings,
              std::vector<std::string>& notes);

/// Makes the head of these settings the embedding.
void tie_embedding(Setting& settings);

/// Compares the tensors of the files with the parameters that the configuration makes, by name.
/// Parameters of the graph get the files' types. What differs is noted: names that only one of them
/// has, and other shapes.
void compare_weights(const StoredWeights& weights, Graph& graph, std::vector<std::string>& notes);

}  // namespace zoometer
