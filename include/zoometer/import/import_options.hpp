#pragma once

#include "zoometer/models/trace_options.hpp"

namespace zoometer {

/// How a file becomes a graph: the same options.
using ImportOptions = TraceOptions;

}  // namespace zoometer
