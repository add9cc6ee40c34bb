#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "report/sweep_file.hpp"

namespace zoometer {

/// Reads the table `sweep` of a file of that many bytes; nothing from a database without any table,
/// because a run that was killed early leaves one. Throws Error{malformed} for a database of
/// another kind or a damaged one, Error{io} if SQLite cannot read it.
std::optional<SweepTable> read_sweep_database(const std::string& path, std::size_t size);

/// Opens a database for more rows, or makes a new one; `finish` closes it.
std::unique_ptr<SweepWriter> open_sweep_database(const std::string& path,
                                                 const SweepColumns& columns, bool keeps_rows);

}  // namespace zoometer
