#include "report/sweep_sqlite.hpp"

#include <fmt/core.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <new>
#include <utility>

#include "util/mapped_file.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr int application = 0x7A6F6F73;  // "zoos"
constexpr int format_version = 1;

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct FreeMemory {
  void operator()(unsigned char* bytes) const { sqlite3_free(bytes); }
};
struct Finalise {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using StatementHandle = std::unique_ptr<sqlite3_stmt, Finalise>;

/// A database whose errors name its path.
class Database {
 public:
  Database(const std::string& path, int flags) : path_(path) {
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
    handle_.reset(handle);
    if (code != SQLITE_OK) fail();
    distrust();
  }
  /// A database that is in memory and is only read: nothing beside the file is looked at.
  Database(const std::string& path, std::span<const std::byte> bytes)
      : Database(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY) {
    path_ = path;
    // With SQLITE_DESERIALIZE_READONLY, SQLite does not change the bytes.
    auto* data = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(bytes.data()));
    const auto size = static_cast<sqlite3_int64>(bytes.size());
    const int code =
        sqlite3_deserialize(handle_.get(), "main", data, size, size, SQLITE_DESERIALIZE_READONLY);
    if (code != SQLITE_OK) fail();
    execute("PRAGMA cell_size_check = ON");
  }

  /// The bytes of the file that it would be.
  std::string serialise() {
    sqlite3_int64 size = 0;
    const std::unique_ptr<unsigned char, FreeMemory> bytes(
        sqlite3_serialize(handle_.get(), "main", &size, 0));
    if (bytes == nullptr) throw std::bad_alloc();
    return {reinterpret_cast<const char*>(bytes.get()), static_cast<std::size_t>(size)};
  }

  void execute(const std::string& sql) {
    if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail();
  }
  StatementHandle prepare(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(handle_.get(), sql.c_str(), -1, &statement, nullptr) != SQLITE_OK)
      fail();
    return StatementHandle(statement);
  }
  /// Limits values to the size of the file: SQLite allocates as much as a record claims.
  void limit_values(std::size_t file_bytes) {
    constexpr std::size_t enough = 1U << 16U;  // for what a killed run has not written yet
    const auto most = static_cast<int>(std::clamp<std::size_t>(file_bytes, enough, INT_MAX));
    sqlite3_limit(handle_.get(), SQLITE_LIMIT_LENGTH, most);
  }
  /// Whether there is a row.
  bool step(const StatementHandle& statement) {
    const int code = sqlite3_step(statement.get());
    if (code != SQLITE_ROW && code != SQLITE_DONE) fail();
    return code == SQLITE_ROW;
  }

  [[noreturn]] void fail() {
    Error error(ErrorCode::io, std::string("SQLite: ") + sqlite3_errmsg(handle_.get()));
    error.place.model = path_;
    throw error;
  }

 private:
  /// A file from elsewhere must not contain code that SQLite would run.
  void distrust() {
    for (const int setting : {SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_VIEW,
                              SQLITE_DBCONFIG_TRUSTED_SCHEMA})
      sqlite3_db_config(handle_.get(), setting, 0, nullptr);
    sqlite3_db_config(handle_.get(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  }

  std::string path_;
  std::unique_ptr<sqlite3, CloseDatabase> handle_;
};

std::string_view sql_type(SweepColumn::Type type) {
  switch (type) {
  case SweepColumn::Type::text: return "TEXT";
  case SweepColumn::Type::integer: return "INTEGER";
  case SweepColumn::Type::real: return "REAL";
  }
  return "TEXT";
}

std::string definition_of(const SweepColumns& columns) {
  std::string definition = "CREATE TABLE sweep (";
  for (const SweepColumn& column : columns.list())
    definition += fmt::format("{} {}, ", column.name, sql_type(column.type));
  return definition + "PRIMARY KEY (model, batch, resolution, dtype))";
}

std::string text_of(sqlite3_stmt* statement, int column) {
  if (sqlite3_column_type(statement, column) == SQLITE_NULL) return {};
  if (sqlite3_column_type(statement, column) == SQLITE_FLOAT)
    return fmt::format("{}", sqlite3_column_double(statement, column));
  const unsigned char* text = sqlite3_column_text(statement, column);
  const int size = sqlite3_column_bytes(statement, column);
  return {reinterpret_cast<const char*>(text), static_cast<std::size_t>(size)};
}

class DatabaseWriter final : public SweepWriter {
 public:
  DatabaseWriter(std::unique_ptr<Database> database, SweepColumns columns, bool keeps_rows)
      : columns_(std::move(columns)),
        database_(std::move(database)) {
    database_->execute("BEGIN");
    if (!keeps_rows) make_table();
    std::string places;
    for (std::size_t i = 0; i < columns_.size(); ++i) places += i == 0 ? "?" : ", ?";
    insert_ = database_->prepare("INSERT INTO sweep VALUES (" + places + ")");
  }

  void write(const SweepRow& row) override {
    for (std::size_t i = 0; i < row.size(); ++i) bind(static_cast<int>(i) + 1, row[i], i);
    database_->step(insert_);
    sqlite3_reset(insert_.get());
    constexpr std::size_t rows_per_transaction = 1000;
    if (++pending_ < rows_per_transaction) return;
    database_->execute("COMMIT");
    database_->execute("BEGIN");
    pending_ = 0;
  }

  void commit() { database_->execute("COMMIT"); }
  void finish() override {
    commit();
    insert_.reset();
    database_.reset();
  }

 private:
  void make_table() {
    database_->execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {};",
                                   application, format_version));
    database_->execute(definition_of(columns_));
  }

  void bind(int place, const std::string& cell, std::size_t column) {
    sqlite3_stmt* statement = insert_.get();
    if (cell.empty()) {
      sqlite3_bind_null(statement, place);
      return;
    }
    switch (columns_.list()[column].type) {
    case SweepColumn::Type::integer:
      sqlite3_bind_int64(statement, place, std::strtoll(cell.c_str(), nullptr, 10));
      break;
    case SweepColumn::Type::real:
      sqlite3_bind_double(statement, place, std::strtod(cell.c_str(), nullptr));
      break;
    case SweepColumn::Type::text:
      sqlite3_bind_text(statement, place, cell.data(), static_cast<int>(cell.size()),
                        SQLITE_TRANSIENT);
      break;
    }
  }

  SweepColumns columns_;
  std::unique_ptr<Database> database_;
  StatementHandle insert_;
  std::size_t pending_ = 0;
};

[[noreturn]] void refuse(const std::string& path, std::string message) {
  Error error(ErrorCode::malformed, std::move(message));
  error.place.model = path;
  throw error;
}

[[noreturn]] void refuse_kind(const std::string& path) {
  refuse(path, "not a sweep: a SQLite database of another kind");
}

/// Pages that are used several times could give more rows than the file has bytes.
void check_pages(Database& database, const std::string& path) {
  const StatementHandle check = database.prepare("PRAGMA quick_check(1)");
  if (!database.step(check)) return;
  const std::string report = text_of(check.get(), 0);
  if (report == "ok") return;
  const std::string finding = report.substr(report.rfind('\n') + 1);  // below a title
  refuse(path, "SQLite: the database is damaged or cannot be read: " + finding);
}

/// The columns of the table, which must be exactly as this program makes it.
SweepColumns columns_of(Database& database, const std::string& path) {
  const StatementHandle kind = database.prepare("PRAGMA application_id");
  if (!database.step(kind) || sqlite3_column_int(kind.get(), 0) != application) refuse_kind(path);
  const StatementHandle table =
      database.prepare("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = 'sweep'");
  if (!database.step(table)) refuse_kind(path);
  const StatementHandle column = database.prepare("SELECT name FROM pragma_table_info('sweep')");
  std::vector<std::string> names;
  while (database.step(column)) names.push_back(text_of(column.get(), 0));
  const std::optional<SweepColumns> columns = sweep_columns_of(names);
  if (!columns || text_of(table.get(), 0) != definition_of(*columns)) refuse_kind(path);
  return *columns;
}

}  // namespace

namespace {

/// Whether the journal at a path could make SQLite remove another file: it ends with that file's
/// name, if several databases were changed together. This program never does that.
bool names_another_file(const std::string& journal) {
  constexpr std::string_view magic = "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7";
  const MappedFile file(journal);
  return file.text().ends_with(magic);
}

}  // namespace

void recover_sweep_database(const std::string& path) {
  const std::string journal = path + "-journal";
  struct stat status {};
  if (lstat(journal.c_str(), &status) != 0) return;
  if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || names_another_file(journal))
    refuse(journal, "not the journal of an interrupted sweep: it is left as it is");
  {
    Database database(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW);
    database.step(database.prepare("SELECT count(*) FROM sqlite_schema"));
  }
  unlink(journal.c_str());  // SQLite leaves one that was not begun
}

std::optional<SweepTable> read_sweep_database(const std::string& path,
                                              std::span<const std::byte> bytes) {
  struct stat status {};
  if (lstat((path + "-journal").c_str(), &status) == 0 && status.st_size > 0) {
    Error error(ErrorCode::malformed, "the sweep that writes it was interrupted, or still runs");
    error.hint = "end it with zoometer sweep --resume";
    error.place.model = path;
    throw error;
  }
  Database database(path, bytes);
  database.limit_values(bytes.size());
  const StatementHandle tables = database.prepare("SELECT count(*) FROM sqlite_schema");
  if (database.step(tables) && sqlite3_column_int(tables.get(), 0) == 0) return std::nullopt;
  SweepTable table{columns_of(database, path), {}, SweepFormat::sqlite, 0};
  check_pages(database, path);
  const StatementHandle select = database.prepare("SELECT * FROM sweep ORDER BY rowid");
  while (database.step(select)) {
    SweepRow& row = table.rows.emplace_back();
    for (std::size_t i = 0; i < table.columns.size(); ++i)
      row.push_back(text_of(select.get(), static_cast<int>(i)));
  }
  return table;
}

std::unique_ptr<SweepWriter> open_sweep_database(const std::string& path,
                                                 const SweepColumns& columns, bool keeps_rows) {
  if (!keeps_rows) unlink((path + "-journal").c_str());
  auto database = std::make_unique<Database>(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW);
  return std::make_unique<DatabaseWriter>(std::move(database), columns, keeps_rows);
}

std::string sweep_database(const SweepColumns& columns, const std::vector<SweepRow>& rows) {
  auto database =
      std::make_unique<Database>(":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY);
  Database& own = *database;
  DatabaseWriter writer(std::move(database), columns, false);
  for (const SweepRow& row : rows) writer.write(row);
  writer.commit();
  return own.serialise();
}

}  // namespace zoometer
