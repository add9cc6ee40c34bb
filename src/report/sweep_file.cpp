#include "report/sweep_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>
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
  const std::string line = std::string(buffer.GetString(), buffer.GetSize()) + "\n";
  return visible_json(line).value_or(line);
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

/// The process that has locked a file, for a message; empty if the system does not say.
std::string holder_of(const struct stat& status) {
  std::ifstream locks("/proc/locks");
  const std::string place = fmt::format(":{} ", status.st_ino);
  for (std::string line; std::getline(locks, line);) {
    if (line.find(place) == std::string::npos) continue;
    std::istringstream words(line);
    std::string number, kind, strength, access, process;
    if (words >> number >> kind >> strength >> access >> process) return process;
  }
  return {};
}

[[noreturn]] void refuse_second(const std::string& path, const struct stat& status) {
  Error error(ErrorCode::io, "another sweep is writing it");
  const std::string holder = holder_of(status);
  if (!holder.empty()) error.hint = "process " + holder;
  error.place.model = path;
  throw error;
}

/// The file that a sweep writes its rows to, locked: no other sweep writes it. Links are not
/// followed, since others may foresee its name.
class PartFile {
 public:
  /// `keeps`: the file is there, and more rows are added to it. Otherwise there is a new one.
  PartFile(std::string path, bool keeps) : path_(std::move(path)) {
    if (!keeps) remove_old();
    fd_ = open_file(keeps ? 0 : O_CREAT | O_EXCL);
    if (fd_ < 0) cannot_write(path_, errno);
    lock(fd_);
  }
  ~PartFile() {
    if (fd_ >= 0) close(fd_);
  }
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  const std::string& path() const noexcept { return path_; }
  /// Another descriptor of the same file. The lock lasts as long as one of them.
  int descriptor() const {
    const int fd = fcntl(fd_, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) cannot_write(path_, errno);
    return fd;
  }

 private:
  int open_file(int flags) const noexcept {
    return open(path_.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, 0666);
  }

  /// Removes what is there, unless another sweep writes it.
  void remove_old() {
    fd_ = open_file(0);
    struct stat status {};
    if (fd_ >= 0 && fstat(fd_, &status) == 0 && S_ISREG(status.st_mode)) lock(fd_);
    unlink(path_.c_str());
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

  void lock(int fd) const {
    struct stat opened {
    }, there{};
    if (fstat(fd, &opened) != 0) cannot_write(path_, errno);
    if (!S_ISREG(opened.st_mode) || opened.st_uid != geteuid()) {
      Error error(ErrorCode::io, "cannot write: not a regular file of this user");
      error.place.model = path_;
      throw error;
    }
    // A sweep that was killed holds its lock for a moment longer.
    constexpr int most_tries = 20;
    constexpr auto pause = std::chrono::milliseconds(50);
    bool is_locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
    for (int i = 1; !is_locked && errno == EWOULDBLOCK && i < most_tries; ++i) {
      std::this_thread::sleep_for(pause);
      is_locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
    }
    if (!is_locked && errno != EWOULDBLOCK) return;  // a file system without locks
    // Another sweep may have replaced it before it was locked.
    const bool is_there = lstat(path_.c_str(), &there) == 0 && there.st_ino == opened.st_ino;
    if (!is_locked || !is_there) refuse_second(path_, opened);
  }

  std::string path_;
  int fd_ = -1;
};

/// Appends lines to a descriptor, which it closes, or to standard output.
class RowWriter final : public SweepWriter {
 public:
  /// `fd`: -1 is standard output.
  RowWriter(SweepFormat format, const std::string& path, const SweepColumns& columns, int fd,
            const SweepTable* kept)
      : format_(format),
        path_(path),
        columns_(columns),
        fd_(fd) {
    const auto end = kept == nullptr ? 0 : static_cast<off_t>(kept->whole_bytes);
    if (kept != nullptr && (ftruncate(fd_, end) != 0 || lseek(fd_, end, SEEK_SET) < 0))
      cannot_write(path_, errno);
    if (kept == nullptr && format == SweepFormat::csv) pending_ = csv_head(columns);
  }
  ~RowWriter() override {
    if (fd_ >= 0) close(fd_);
  }
  RowWriter(const RowWriter&) = delete;
  RowWriter& operator=(const RowWriter&) = delete;

  void write(const SweepRow& row) override {
    pending_ += line_of(format_, columns_, row);
    // A row of a slow model is not held back: a killed sweep loses what it computed since.
    constexpr std::size_t enough = 1U << 16U;
    constexpr auto most_wait = std::chrono::milliseconds(200);
    const auto now = std::chrono::steady_clock::now();
    if (pending_.size() < enough && now - written_ < most_wait) return;
    write_pending();
    written_ = now;
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
  int fd_;
  std::string pending_;
  std::chrono::steady_clock::time_point written_ = std::chrono::steady_clock::now();
};

/// Writes to a part file and moves it to its place.
class PlacingWriter final : public SweepWriter {
 public:
  PlacingWriter(std::unique_ptr<PartFile> part, std::unique_ptr<SweepWriter> writer, std::string to)
      : part_(std::move(part)),
        writer_(std::move(writer)),
        to_(std::move(to)) {}

  void write(const SweepRow& row) override { writer_->write(row); }
  void finish() override {
    writer_->finish();
    if (part_->path() != to_ && rename(part_->path().c_str(), to_.c_str()) != 0)
      cannot_write(to_, errno);
  }

 private:
  std::unique_ptr<PartFile> part_;  // to the end: closing it would also end SQLite's locks
  std::unique_ptr<SweepWriter> writer_;
  std::string to_;
};

bool is_in_place(const std::string& path) { return is_stdout(path) || is_written_in_place(path); }

// -- reading -------------------------------------------------------------------------------------

/// Whether a text is a number as JSON writes it.
bool is_json_number(std::string_view text) {
  const auto take_digits = [&] {
    const std::size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(count);
    return count > 0;
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9') return false;
  if (!take_digits()) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (!take_digits()) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (!take_digits()) return false;
  }
  return text.empty();
}

bool fits(SweepColumn::Type type, const std::string& cell) {
  if (type == Type::text || cell.empty()) return true;
  if (!is_json_number(cell)) return false;
  if (type == Type::real) return std::isfinite(std::strtod(cell.c_str(), nullptr));
  std::int64_t number = 0;
  const char* end = cell.data() + cell.size();
  const auto result = std::from_chars(cell.data(), end, number);
  return result.ec == std::errc{} && result.ptr == end;
}

/// A file from elsewhere may have any text in a column of numbers, which reports write as it is.
void check_cells(const SweepTable& table, const std::string& path) {
  const std::size_t head = table.format == SweepFormat::csv ? 1 : 0;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    for (std::size_t k = 0; k < table.columns.size(); ++k) {
      const SweepColumn& column = table.columns.list()[k];
      const std::string& cell = table.rows[i][k];
      if (fits(column.type, cell)) continue;
      refuse(path, i + head + 1,
             fmt::format("{}: expected {}, got {}", column.name,
                         column.type == Type::integer ? "an integer of 64 bits" : "a number",
                         cell.substr(0, 40)));
    }
  }
}

/// What `csv_field` put before a text that looks like a formula.
void drop_formula_mark(std::string& cell) {
  if (cell.size() > 1 && cell[0] == '\'' && csv_formula_starts.find(cell[1]) != std::string::npos)
    cell.erase(0, 1);
}

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
    for (std::string& cell : *record) drop_formula_mark(cell);
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

bool is_database(std::string_view text) {
  return text.starts_with(std::string_view("SQLite format 3\0", 16));
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
  std::optional<SweepTable> table =
      text.starts_with('{') ? read_json_lines(path, text) : read_csv(path, text);
  if (table) check_cells(*table, path);
  return table;
}

std::optional<SweepTable> read_sweep(const std::string& path) {
  const MappedFile file(path);
  try {
    std::optional<SweepTable> table;
    if (is_database(file.text())) {
      table = read_sweep_database(path, file.bytes());
      if (table) check_cells(*table, path);
    } else {
      table = read_sweep_text(file.text(), path);
    }
    file.check();
    return table;
  } catch (const Error&) {
    file.check();  // a read error explains a malformed content
    throw;
  }
}

void recover_sweep(const std::string& path) {
  const PartFile part(path, true);
  const bool has_database = is_database(MappedFile(path).text());
  if (has_database) recover_sweep_database(path);
}

std::string partial_sweep(const std::string& path) { return path + ".part"; }

std::unique_ptr<SweepWriter> open_sweep(const SweepTarget& target, const SweepColumns& columns) {
  if (target.kept == nullptr && is_in_place(target.path)) {
    const int fd = is_stdout(target.path) ? -1 : open_in_place(target.path);
    return std::make_unique<RowWriter>(target.format, target.path, columns, fd, nullptr);
  }
  check_replaceable(target.path);
  const std::string path = resolve_links(target.path);
  const bool is_part = target.kept == nullptr || target.kept_path == partial_sweep(path);
  auto part =
      std::make_unique<PartFile>(is_part ? partial_sweep(path) : path, target.kept != nullptr);
  std::unique_ptr<SweepWriter> writer;
  if (target.format == SweepFormat::sqlite) {
    writer = open_sweep_database(part->path(), columns, target.kept != nullptr);
  } else {
    writer = std::make_unique<RowWriter>(target.format, part->path(), columns, part->descriptor(),
                                         target.kept);
  }
  return std::make_unique<PlacingWriter>(std::move(part), std::move(writer), path);
}

void write_sweep(SweepFormat format, const std::string& path, const SweepColumns& columns,
                 const std::vector<SweepRow>& rows) {
  if (format == SweepFormat::sqlite) return write_output(path, sweep_database(columns, rows));
  std::string text;
  if (format == SweepFormat::csv) text = csv_head(columns);
  for (const SweepRow& row : rows) text += line_of(format, columns, row);
  write_output(path, text);
}

}  // namespace zoometer
