#pragma once

#include <cstdint>

#include "zoometer/ir/op_def.hpp"

namespace zoometer {

/// Bytes that an operator's plain algorithm needs beside its inputs and outputs while it runs, by
/// the operator's declaration (`Memory::workspace`).
std::int64_t workspace_bytes(const NodeView& node);

}  // namespace zoometer
