#pragma once

#include "import/stablehlo/program.hpp"

namespace zoometer {

/// Whether these are the first bytes of a StableHLO program as MLIR's assembly text.
bool looks_like_stablehlo_text(std::string_view bytes);

/// Reads a StableHLO program as MLIR's assembly text, in StableHLO's own forms or in the generic
/// one: what `lower().as_text()` of jax and `stablehlo-opt` write. `bytes` must outlive the
/// program. Operations of other dialects have no attributes. Throws Error{malformed}, and
/// Error{limit} for regions and brackets that are too deep.
HloProgram read_stablehlo_text(std::string_view bytes);

}  // namespace zoometer
