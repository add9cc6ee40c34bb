#pragma once

#include "import/stablehlo/program.hpp"

namespace zoometer {

/// Whether these are the first bytes of MLIR bytecode.
bool looks_like_mlir_bytecode(std::string_view bytes) noexcept;

/// Reads MLIR bytecode of the dialects builtin and vhlo: StableHLO's portable form. `bytes` must
/// outlive the program; `offset` is their place in the file. Format: LLVM's MLIR BytecodeFormat.md
/// and StableHLO's VhloBytecode.cpp. Throws Error{malformed}, Error{unsupported} for other versions
/// and Error{limit} for regions that are too deep.
HloProgram read_mlir_bytecode(std::string_view bytes, std::uint64_t offset);

}  // namespace zoometer
