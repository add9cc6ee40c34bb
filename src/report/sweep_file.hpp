#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/sweep_row.hpp"

namespace zoometer {

/// What holds the rows of a sweep.
enum class SweepFormat : std::uint8_t {
  csv,    ///< RFC 4180 with a line of names
  jsonl,  ///< one JSON object per line, docs/schema/sweep.schema.json
  sqlite  ///< one table `sweep`
};
std::string_view name_of(SweepFormat format) noexcept;
std::optional<SweepFormat> sweep_format_from(std::string_view name) noexcept;
/// The format that a file's name ends in: ".csv", ".jsonl", ".ndjson", ".sqlite", ".sqlite3",
/// ".db".
std::optional<SweepFormat> sweep_format_of_path(std::string_view path) noexcept;

/// Rows of a file with what they are.
struct SweepTable {
  SweepColumns columns;
  std::vector<SweepRow> rows;
  SweepFormat format = SweepFormat::csv;
  std::size_t whole_bytes = 0;  ///< of a text file: where its last whole line ends
};

/// Reads a file of any format, told by its content. A last line that was cut off is left out, as
/// a run that was interrupted leaves one. Nothing for a file without a whole line. Throws Error.
std::optional<SweepTable> read_sweep(const std::string& path);
/// The same for the bytes of a text file; `path` is for messages.
std::optional<SweepTable> read_sweep_text(std::string_view text, const std::string& path);

/// Writes rows one by one, so that what is written stays when the program is interrupted.
class SweepWriter {
 public:
  virtual ~SweepWriter() = default;
  virtual void write(const SweepRow& row) = 0;
  /// Writes what is pending and puts the file in its place. Throws Error{io}.
  virtual void finish() = 0;
};

/// Where rows go: to a file (empty or "-": standard output).
struct SweepTarget {
  SweepFormat format = SweepFormat::csv;
  std::string path;
  std::string kept_path;             ///< the file of which rows are kept
  const SweepTable* kept = nullptr;  ///< they are written on behind; null: the file is made anew
};

/// Opens a file for rows. A new one lies beside its place, as `partial_sweep` of its path, until it
/// is finished, so that what is there stays as it is until then.
std::unique_ptr<SweepWriter> open_sweep(const SweepTarget& target, const SweepColumns& columns);

/// Where the rows of a sweep lie until it is finished: "zoo.csv.part".
std::string partial_sweep(const std::string& path);

/// Writes all rows at once; a file is whole or as it was.
void write_sweep(SweepFormat format, const std::string& path, const SweepColumns& columns,
                 const std::vector<SweepRow>& rows);

/// A page for a browser.
std::string sweep_html(const SweepColumns& columns, const std::vector<SweepRow>& rows);

}  // namespace zoometer
