#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "util/mapped_file.hpp"

// Files with several TensorFlow Lite models, none of whose bytes are touched here: MediaPipe's
// bundles (.task), which are zip archives, and those of LiteRT-LM (.litertlm), whose sections are
// listed in a flatbuffer (schema/core/litertlm_header_schema.fbs of LiteRT-LM).

namespace zoometer {

/// A model in a bundle.
struct BundledModel {
  std::string name;        ///< the entry's name, or the section's model_type; unique
  std::string_view bytes;  ///< a part of the file's
};

/// Whether the file is a bundle with a model that is not compressed. Reads a few pages.
bool looks_like_tflite_bundle(const MappedFile& file);

/// Its models in their order. Throws Error{malformed}; Error{unsupported} for one that is
/// compressed, which the runtimes do not read either.
std::vector<BundledModel> bundled_models(const MappedFile& file);

}  // namespace zoometer
