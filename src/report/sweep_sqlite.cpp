#include "report/sweep_sqlite.hpp"

#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "util/error.hpp"

namespace zoometer {
namespace {

constexpr int application = 0x7A6F6F73;  // "zoos"
constexpr int format_version = 1;

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct Finalise {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using StatementHandle = std::unique_ptr<sqlite3_stmt, Finalise>;

/// A database that tells what went wrong with its path.
class Database {
 public:
  Database(const std::string& path, int flags) : path_(path) {
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
    handle_.reset(handle);
    if (code != SQLITE_OK) fail();
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
  DatabaseWriter(const std::string& path, SweepColumns columns, bool keeps_rows)
      : columns_(std::move(columns)),
        database_(std::make_unique<Database>(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) {
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

  void finish() override {
    database_->execute("COMMIT");
    insert_.reset();
    database_.reset();
  }

 private:
  void make_table() {
    std::string definition;
    for (const SweepColumn& column : columns_.list())
      definition += fmt::format("{} {}, ", column.name, sql_type(column.type));
    database_->execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {};",
                                   application, format_version));
    database_->execute("CREATE TABLE sweep (" + definition +
                       "PRIMARY KEY (model, batch, resolution, dtype))");
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

[[noreturn]] void refuse(const std::string& path) {
  Error error(ErrorCode::malformed, "no sweep: a SQLite database of another kind");
  error.place.model = path;
  throw error;
}

}  // namespace

std::optional<SweepTable> read_sweep_database(const std::string& path) {
  // What an interrupted run has left half-written is taken back by whoever may write.
  const bool may_write = access(path.c_str(), W_OK) == 0;
  Database database(path, may_write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
  const StatementHandle tables = database.prepare("SELECT count(*) FROM sqlite_schema");
  if (database.step(tables) && sqlite3_column_int(tables.get(), 0) == 0) return std::nullopt;
  const StatementHandle kind = database.prepare("PRAGMA application_id");
  if (!database.step(kind) || sqlite3_column_int(kind.get(), 0) != application) refuse(path);
  const StatementHandle select = database.prepare("SELECT * FROM sweep ORDER BY rowid");
  const int count = sqlite3_column_count(select.get());
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.emplace_back(sqlite3_column_name(select.get(), i));
  const std::optional<SweepColumns> columns = sweep_columns_of(names);
  if (!columns) refuse(path);
  SweepTable table{*columns, {}, SweepFormat::sqlite, 0};
  while (database.step(select)) {
    SweepRow& row = table.rows.emplace_back();
    for (int i = 0; i < count; ++i) row.push_back(text_of(select.get(), i));
  }
  return table;
}

std::unique_ptr<SweepWriter> open_sweep_database(const std::string& path,
                                                 const SweepColumns& columns, bool keeps_rows) {
  if (!keeps_rows) {
    for (const char* suffix : {"", "-journal"}) unlink((path + suffix).c_str());
  }
  return std::make_unique<DatabaseWriter>(path, columns, keeps_rows);
}

}  // namespace zoometer
