#include "report/sweep_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "import/json.hpp"
#include "report/sweep_sqlite.hpp"
#include "util/mapped_file.hpp"
#include "util/output.hpp"
#include "util/paths.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

using Type = SweepColumn::Type;

[[noreturn]] void refuse(const std::string& path, std::size_t line, const std::string& message) {
  Error error(ErrorCode::malformed, fmt::format("line {}: {}", line, message));
  error.place.model = path;
  throw error;
}

// -- writing -------------------------------------------------------------------------------------

std::string csv_line(const SweepRow& cells) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) line += ',';
    line += csv_field(cells[i]);
  }
  return line + "\n";
}

std::string csv_head(const SweepColumns& columns) { return columns.names() + "\n"; }

std::string json_line(const SweepColumns& columns, const SweepRow& row) {
  using Buffer = rapidjson::GenericStringBuffer<rapidjson::UTF8<>, JsonAllocator>;
  Buffer buffer;
  rapidjson::Writer<Buffer, rapidjson::UTF8<>, rapidjson::UTF8<>, JsonAllocator> json(buffer);
  json.StartObject();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const SweepColumn& column = columns.list()[i];
    json.Key(column.name.data(), static_cast<rapidjson::SizeType>(column.name.size()));
    if (row[i].empty()) {
      json.Null();
    } else if (column.type == Type::text) {
      const std::string text = to_utf8(row[i]);
      json.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
    } else {
      json.RawValue(row[i].data(), row[i].size(), rapidjson::kNumberType);
    }
  }
  json.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

std::string line_of(SweepFormat format, const SweepColumns& columns, const SweepRow& row) {
  return format == SweepFormat::csv ? csv_line(row) : json_line(columns, row);
}

bool is_stdout(const std::string& path) { return path.empty() || path == "-"; }

[[noreturn]] void cannot_write(const std::string& path, int reason) {
  Error error(ErrorCode::io, std::string("cannot write: ") + std::strerror(reason));
  error.place.model = path;
  throw error;
}

/// Appends lines to a file, or to standard output.
class RowWriter final : public SweepWriter {
 public:
  RowWriter(SweepFormat format, const std::string& path, const SweepColumns& columns,
            const SweepTable* kept)
      : format_(format),
        path_(path),
        columns_(columns) {
    if (!is_stdout(path)) {
      fd_ = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (kept == nullptr ? O_TRUNC : 0),
                 0666);
      const auto end = kept == nullptr ? 0 : static_cast<off_t>(kept->whole_bytes);
      if (fd_ < 0 || (kept != nullptr && ftruncate(fd_, end) != 0) ||
          (kept != nullptr && lseek(fd_, end, SEEK_SET) < 0))
        cannot_write(path_, errno);
    }
    if (kept == nullptr && format == SweepFormat::csv) pending_ = csv_head(columns);
  }
  ~RowWriter() override {
    if (fd_ >= 0) close(fd_);
  }
  RowWriter(const RowWriter&) = delete;
  RowWriter& operator=(const RowWriter&) = delete;

  void write(const SweepRow& row) override {
    pending_ += line_of(format_, columns_, row);
    constexpr std::size_t enough = 1U << 16U;
    if (pending_.size() >= enough) write_pending();
  }

  void finish() override {
    write_pending();
    if (fd_ < 0) return;
    const int reason = close_safely(std::exchange(fd_, -1));
    if (reason != 0) cannot_write(path_, reason);
  }

 private:
  void write_pending() {
    if (fd_ < 0) {
      write_stdout(pending_);
    } else if (const int reason = write_fully(fd_, pending_); reason != 0) {
      cannot_write(path_, reason);
    }
    pending_.clear();
  }

  SweepFormat format_;
  std::string path_;
  SweepColumns columns_;
  int fd_ = -1;
  std::string pending_;
};

void move_file(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) != 0) cannot_write(to, errno);
}

/// Moves the file of another writer to its place.
class PlacingWriter final : public SweepWriter {
 public:
  PlacingWriter(std::unique_ptr<SweepWriter> writer, std::string from, std::string to)
      : writer_(std::move(writer)),
        from_(std::move(from)),
        to_(std::move(to)) {}

  void write(const SweepRow& row) override { writer_->write(row); }
  void finish() override {
    writer_->finish();
    move_file(from_, to_);
  }

 private:
  std::unique_ptr<SweepWriter> writer_;
  std::string from_;
  std::string to_;
};

/// Removed in the end, unless it was moved to its place.
struct TemporaryDatabase {
  std::string path;

  explicit TemporaryDatabase(std::string where) : path(std::move(where)) {}
  ~TemporaryDatabase() {
    for (const char* suffix : {"", "-journal"}) unlink((path + suffix).c_str());
  }
  TemporaryDatabase(const TemporaryDatabase&) = delete;
  TemporaryDatabase& operator=(const TemporaryDatabase&) = delete;
};

/// A device or a pipe is written in place: nothing can be renamed to it.
bool is_in_place(const std::string& path) {
  return is_stdout(path) || (is_anything(path) && !is_file(resolve_links(path)));
}

// -- reading -------------------------------------------------------------------------------------

/// Removes one record of RFC 4180 from the front; nothing if it does not end in a line break.
std::optional<std::vector<std::string>> take_record(std::string_view& text) {
  std::vector<std::string> cells(1);
  bool is_quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_quoted) {
      const bool is_doubled = c == '"' && i + 1 < text.size() && text[i + 1] == '"';
      if (c == '"' && !is_doubled) {
        is_quoted = false;
        continue;
      }
      cells.back() += c;
      if (is_doubled) ++i;
    } else if (c == '"') {
      is_quoted = true;
    } else if (c == ',') {
      cells.emplace_back();
    } else if (c == '\n') {
      text.remove_prefix(i + 1);
      return cells;
    } else if (c != '\r') {
      cells.back() += c;
    }
  }
  return std::nullopt;
}

std::optional<SweepTable> read_csv(const std::string& path, std::string_view text) {
  std::string_view rest = text;
  const auto head = take_record(rest);
  if (!head) return std::nullopt;
  const std::optional<SweepColumns> columns = sweep_columns_of(*head);
  if (!columns)
    refuse(path, 1, "not a sweep: expected columns that begin with model,batch,resolution,dtype");
  SweepTable table{*columns, {}, SweepFormat::csv, text.size() - rest.size()};
  while (auto record = take_record(rest)) {
    if (record->size() != columns->size()) {
      refuse(path, table.rows.size() + 2,
             fmt::format("expected {} fields, got {}", columns->size(), record->size()));
    }
    table.rows.push_back(std::move(*record));
    table.whole_bytes = text.size() - rest.size();
  }
  return table;
}

std::string cell_of(const Json& value) {
  if (value.IsString()) return {value.GetString(), value.GetStringLength()};
  return {};
}

std::optional<SweepTable> read_json_lines(const std::string& path, std::string_view text) {
  std::optional<SweepTable> table;
  std::string_view rest = text;
  for (std::size_t line = 1;; ++line) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return table;
    JsonTree document;
    // Numbers stay as written, so that they keep all digits.
    constexpr unsigned flags =
        rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseIterativeFlag;
    document.Parse<flags>(rest.data(), end);
    if (document.HasParseError() || !document.IsObject()) refuse(path, line, "not a JSON object");
    std::vector<std::string> names;
    SweepRow row;
    for (const auto& member : std::as_const(document).GetObject()) {
      names.emplace_back(member.name.GetString(), member.name.GetStringLength());
      row.push_back(cell_of(member.value));
    }
    if (!table) {
      const std::optional<SweepColumns> columns = sweep_columns_of(names);
      if (!columns)
        refuse(path, line,
               "not a sweep: expected members that begin with model, batch, resolution, dtype");
      table = SweepTable{*columns, {}, SweepFormat::jsonl, 0};
    }
    if (fmt::format("{}", fmt::join(names, ",")) != table->columns.names())
      refuse(path, line, "expected the members of the first line");
    table->rows.push_back(std::move(row));
    rest.remove_prefix(end + 1);
    table->whole_bytes = text.size() - rest.size();
  }
}

}  // namespace

std::string_view name_of(SweepFormat format) noexcept {
  constexpr std::array<std::string_view, 3> names = {"csv", "jsonl", "sqlite"};
  return names[static_cast<std::size_t>(format)];
}

std::optional<SweepFormat> sweep_format_from(std::string_view name) noexcept {
  for (const SweepFormat format : {SweepFormat::csv, SweepFormat::jsonl, SweepFormat::sqlite}) {
    if (name_of(format) == name) return format;
  }
  return std::nullopt;
}

std::optional<SweepFormat> sweep_format_of_path(std::string_view path) noexcept {
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view ending = path.substr(dot + 1);
  if (ending == "csv") return SweepFormat::csv;
  if (ending == "jsonl" || ending == "ndjson") return SweepFormat::jsonl;
  if (ending == "sqlite" || ending == "sqlite3" || ending == "db") return SweepFormat::sqlite;
  return std::nullopt;
}

std::optional<SweepTable> read_sweep_text(std::string_view text, const std::string& path) {
  if (text.starts_with('{')) return read_json_lines(path, text);
  return read_csv(path, text);
}

std::optional<SweepTable> read_sweep(const std::string& path) {
  const MappedFile file(path);
  const std::string_view text = file.text();
  if (text.starts_with(std::string_view("SQLite format 3\0", 16)))
    return read_sweep_database(path, text.size());
  try {
    auto table = read_sweep_text(text, path);
    file.check();
    return table;
  } catch (const Error&) {
    file.check();  // a read error explains a malformed content
    throw;
  }
}

std::string partial_sweep(const std::string& path) { return path + ".part"; }

std::unique_ptr<SweepWriter> open_sweep(const SweepTarget& target, const SweepColumns& columns) {
  if (!is_stdout(target.path)) check_replaceable(target.path);
  if (target.kept == nullptr && is_in_place(target.path))
    return std::make_unique<RowWriter>(target.format, target.path, columns, nullptr);
  const std::string path = resolve_links(target.path);
  const std::string place = target.kept == nullptr ? partial_sweep(path) : target.kept_path;
  std::unique_ptr<SweepWriter> writer;
  if (target.format == SweepFormat::sqlite) {
    writer = open_sweep_database(place, columns, target.kept != nullptr);
  } else {
    writer = std::make_unique<RowWriter>(target.format, place, columns, target.kept);
  }
  if (place == path || place == target.path) return writer;
  return std::make_unique<PlacingWriter>(std::move(writer), place, path);
}

void write_sweep(SweepFormat format, const std::string& path, const SweepColumns& columns,
                 const std::vector<SweepRow>& rows) {
  if (format == SweepFormat::sqlite) {
    check_replaceable(path);
    const std::string place = resolve_links(path);
    const TemporaryDatabase beside(place + ".new");
    const std::unique_ptr<SweepWriter> writer = open_sweep_database(beside.path, columns, false);
    for (const SweepRow& row : rows) writer->write(row);
    writer->finish();
    return move_file(beside.path, place);
  }
  std::string text;
  if (format == SweepFormat::csv) text = csv_head(columns);
  for (const SweepRow& row : rows) text += line_of(format, columns, row);
  write_output(path, text);
}

}  // namespace zoometer
