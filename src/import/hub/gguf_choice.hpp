#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "import/hub/name.hpp"

namespace zoometer {

/// A GGUF model of a repository, which often has one for each quantisation.
struct GgufModel {
  std::string tag;                 ///< "Q4_K_M": the last part of its name
  std::vector<std::string> files;  ///< in the order of their numbers, if it is split
};

/// The models among a repository's files. Projectors of pictures and matrices of importance are
/// none.
std::vector<GgufModel> gguf_models(std::span<const std::string> files);

/// The one that the name asks for: by a file, or by the end of its name. Throws Error{usage} that
/// lists them if there are several, or none of that name.
GgufModel choose_gguf(std::vector<GgufModel> models, const HubName& name);

}  // namespace zoometer
