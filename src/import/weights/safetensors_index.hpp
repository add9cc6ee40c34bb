#pragma once

#include <string>
#include <vector>

#include "import/weights/stored_weights.hpp"
#include "util/mapped_file.hpp"

namespace zoometer {

/// Whether the bytes look like an index of safetensors files, `model.safetensors.index.json`.
bool is_safetensors_index(const MappedFile& file) noexcept;

/// Adds the tensors that an index names, {"weight_map": {name: file}}. Shapes and types are those
/// of the headers of the files beside it; a tensor of a file that is not there has only its name.
/// The headers hold where the index differs, and a note says so. Throws Error{malformed}, also for
/// a file outside of the index's folder, and Error{limit} for more than 100,000 files.
void read_safetensors_index(const MappedFile& file, StoredWeights& weights);

/// The files that an index names, each once, in its order: paths within the index's folder. Throws
/// as above.
std::vector<std::string> files_of_index(const MappedFile& file);

/// The name of a safetensors file or an index in a folder of a model: model.safetensors.index.json,
/// model.safetensors, or the only one. Empty if there is none.
std::string weights_in(const std::string& folder);

}  // namespace zoometer
