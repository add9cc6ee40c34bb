#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/sweep_row.hpp"

namespace zoometer {

/// The format of a file of rows.
enum class SweepFormat : std::uint8_t {
  csv,    ///< RFC 4180 with a line of names
  jsonl,  ///< one JSON object per line, docs/schema/sweep.schema.json
  sqlite  ///< one table `sweep`
};
std::string_view name_of(SweepFormat format) noexcept;
std::optional<SweepFormat> sweep_format_from(std::string_view name) noexcept;
/// The format by the end of a file's name: ".csv", ".jsonl", ".ndjson", ".sqlite", ".sqlite3",
/// ".db".
std::optional<SweepFormat> sweep_format_of_path(std::string_view path) noexcept;

/// The rows of a file and its columns.
struct SweepTable {
  SweepColumns columns;
  std::vector<SweepRow> rows;
  SweepFormat format = SweepFormat::csv;
  std::size_t whole_bytes = 0;  ///< of a text file: the end of its last whole line
};

/// Undoes what an interrupted sweep left half-written in a database of this user's own, so that
/// `read_sweep` can read it. Throws Error{io} if another sweep is writing the file.
void recover_sweep(const std::string& path);

/// Reads a file of any format, found by its content, and writes nothing. A last line that was cut
/// off is skipped, because an interrupted run leaves one. Nothing for a file without a whole line.
/// Throws Error.
std::optional<SweepTable> read_sweep(const std::string& path);
/// The same for the bytes of a text file; `path` is for messages.
std::optional<SweepTable> read_sweep_text(std::string_view text, const std::string& path);

/// Writes rows one by one, so that an interrupted program keeps those it wrote.
class SweepWriter {
 public:
  virtual ~SweepWriter() = default;
  virtual void write(const SweepRow& row) = 0;
  /// Writes pending rows and moves the file to its place. Throws Error{io}.
  virtual void finish() = 0;
};

/// The destination of rows: a file (empty or "-": standard output).
struct SweepTarget {
  SweepFormat format = SweepFormat::csv;
  std::string path;
  std::string kept_path;             ///< the file whose rows are kept
  const SweepTable* kept = nullptr;  ///< rows are appended to these; null: a new file
};

/// Opens a file for rows. A new one is written to `partial_sweep` of its path until it
/// is finished, so that an existing file stays as it is until then.
std::unique_ptr<SweepWriter> open_sweep(const SweepTarget& target, const SweepColumns& columns);

/// The path of the rows of an unfinished sweep: "zoo.csv.part".
std::string partial_sweep(const std::string& path);

/// Writes all rows at once: the file is either complete or as it was.
void write_sweep(SweepFormat format, const std::string& path, const SweepColumns& columns,
                 const std::vector<SweepRow>& rows);

/// A page for a browser.
std::string sweep_html(const SweepColumns& columns, const std::vector<SweepRow>& rows);

}  // namespace zoometer
