#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "report/sweep_file.hpp"

namespace zoometer {

/// Reads the table `sweep` of a file with these bytes; nothing from a database without any table,
/// because a run that was killed early leaves one. Nothing is written, and no other file is read.
/// Throws Error{malformed} for a database of another kind, a damaged one, or one with a journal
/// beside it, Error{io} if SQLite cannot read it.
std::optional<SweepTable> read_sweep_database(const std::string& path,
                                              std::span<const std::byte> bytes);

/// Rolls back what an interrupted sweep left half-written, if there is a journal. Throws Error if
/// the journal is not one that this program wrote.
void recover_sweep_database(const std::string& path);

/// The bytes of a database with these rows.
std::string sweep_database(const SweepColumns& columns, const std::vector<SweepRow>& rows);

/// Opens a database for more rows, or fills an empty file; `finish` closes it.
std::unique_ptr<SweepWriter> open_sweep_database(const std::string& path,
                                                 const SweepColumns& columns, bool keeps_rows);

}  // namespace zoometer
