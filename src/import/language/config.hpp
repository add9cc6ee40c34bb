#pragma once

#include "models/language/configuration.hpp"
#include "util/mapped_file.hpp"

namespace zoometer {

/// The settings of a config.json, an object. Throws Error{limit} for one that is too large or too
/// deep, and Error{malformed} for what is not an object.
Setting read_configuration(const MappedFile& file);

}  // namespace zoometer
