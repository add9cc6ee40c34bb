#pragma once

#include <memory>
#include <string>

#include "report/sweep_file.hpp"

namespace zoometer {

/// Reads the table `sweep`. Throws Error{malformed} for a database of another kind.
SweepTable read_sweep_database(const std::string& path);

/// Opens a database for more rows, or makes it anew.
std::unique_ptr<SweepWriter> open_sweep_database(const std::string& path,
                                                 const SweepColumns& columns, bool keeps_rows);

}  // namespace zoometer
