#pragma once

#include <string>

#include "import/weights/gguf.hpp"

namespace zoometer {

/// The settings that a configuration of the same model has, from the keys and the tensors of a GGUF
/// file. `unknown` is set, and the result null, where no model type stands for the architecture.
Setting configuration_of(const GgufMetadata& metadata, const StoredWeights& weights,
                         std::string& unknown);

}  // namespace zoometer
