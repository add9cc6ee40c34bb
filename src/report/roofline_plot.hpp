#pragma once

#include <cstddef>
#include <string>

#include "analysis/roofline.hpp"

namespace zoometer {

/// The roofline of a device in characters, on two logarithmic axes: FLOPs per byte to the right,
/// FLOP/s upwards, and a letter for each operator kind at its attained rate, with a legend below.
std::string roofline_plot(const Roofline& roofline, std::size_t width);

}  // namespace zoometer
