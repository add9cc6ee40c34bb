#pragma once

#include "util/mapped_file.hpp"

namespace zoometer {

/// Throws Error{unsupported} for a file that no importer reads. Well-known formats without a graph,
/// or with one that cannot be read, are named in the message, with a hint what to do instead.
/// Throws Error{malformed} for a damaged zip archive.
[[noreturn]] void refuse_unsupported(const MappedFile& file);

}  // namespace zoometer
