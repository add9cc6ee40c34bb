#pragma once

#include "zoometer/models/trace_options.hpp"

namespace zoometer {

using ImportOptions = TraceOptions;

}  // namespace zoometer
