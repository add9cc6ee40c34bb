#include "registry/cache.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <thread>

#include "util/paths.hpp"
#include "util/private_folder.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

// Raised whenever the format of entries changes.
constexpr int format_version = 1;
constexpr int application = 0x7A6F6F6D;  // "zoom"
constexpr int lock_patience = 1500;      // milliseconds to wait for another process

constexpr std::string_view schema =
    "CREATE TABLE entries(kind TEXT NOT NULL, scope TEXT NOT NULL, name TEXT NOT NULL,"
    " checksum INTEGER NOT NULL, written INTEGER NOT NULL, value BLOB NOT NULL,"
    " PRIMARY KEY(kind, scope, name))";

constexpr const char* file_name = "cache.sqlite3";
// Earlier versions had a write-ahead log. It needs `-shm`, shared memory in a file: who cuts that
// file off ends every process that has it open.
constexpr std::array<const char*, 4> suffixes = {"", "-journal", "-wal", "-shm"};

/// A prepared statement.
class Statement {
 public:
  Statement(sqlite3* db, const char* sql) {
    code_ = sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr);
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void bind(int index, std::string_view text) {
    if (statement_ == nullptr) return;
    sqlite3_bind_text(statement_, index, text.data(), static_cast<int>(text.size()),
                      SQLITE_TRANSIENT);
  }
  void bind_blob(int index, std::string_view bytes) {
    if (statement_ == nullptr) return;
    sqlite3_bind_blob64(statement_, index, bytes.data(), bytes.size(), SQLITE_STATIC);
  }
  void bind(int index, std::int64_t number) {
    if (statement_ != nullptr) sqlite3_bind_int64(statement_, index, number);
  }
  /// Moves to the next row; false if there is none.
  bool step() {
    if (statement_ == nullptr) return false;
    code_ = sqlite3_step(statement_);
    return code_ == SQLITE_ROW;
  }
  /// The result of the last step, or of the preparation.
  int code() const noexcept { return code_; }

  std::int64_t integer(int column) { return sqlite3_column_int64(statement_, column); }
  std::string bytes(int column) {
    const void* data = sqlite3_column_blob(statement_, column);
    const int size = sqlite3_column_bytes(statement_, column);
    return data == nullptr
               ? std::string()
               : std::string(static_cast<const char*>(data), static_cast<std::size_t>(size));
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
  int code_ = SQLITE_OK;
};

bool is_damage(int code) {
  const int primary = code & 0xFF;
  return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_FORMAT;
}

/// The checksum of an entry, including its key, so that values cannot be mixed up.
std::int64_t checksum(std::string_view kind, std::string_view scope, std::string_view name,
                      std::string_view value) {
  uLong sum = crc32(0, nullptr, 0);
  for (const std::string_view part : {kind, scope, name, value}) {
    const auto size = static_cast<std::uint64_t>(part.size());
    sum = crc32_z(sum, reinterpret_cast<const Bytef*>(&size), sizeof size);
    sum = crc32_z(sum, reinterpret_cast<const Bytef*>(part.data()), part.size());
  }
  return static_cast<std::int64_t>(sum);
}

/// The number that a statement returns; if it returns none, sets `code` to the reason.
std::int64_t number(sqlite3* db, const char* sql, int& code) {
  Statement statement(db, sql);
  if (statement.step()) return statement.integer(0);
  code = statement.code();
  return -1;
}

/// Locks the folder while the file is replaced, so that two processes do not replace it twice. Does
/// not wait for ever: another user's process may hold the lock.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder)
      : fd_(::open((folder + "/.cache.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
    constexpr int pause = 20;
    for (int waited = 0; fd_ >= 0 && waited <= lock_patience; waited += pause) {
      if (flock(fd_, LOCK_EX | LOCK_NB) == 0 || (errno != EWOULDBLOCK && errno != EINTR)) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(pause));
    }
    is_taken_ = fd_ >= 0;
  }
  ~FolderLock() {
    if (fd_ >= 0) close(fd_);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

  /// Whether another process held the lock all the time.
  bool is_taken() const noexcept { return is_taken_; }

 private:
  int fd_;
  bool is_taken_ = false;
};

/// Whether the file is of an earlier version, with a write-ahead log: bytes 18 and 19 of its header
/// (SQLite's file format, section 1.3.3).
bool has_write_ahead_log(const std::string& path) {
  std::array<char, 20> header{};
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return false;
  const ssize_t count = pread(fd, header.data(), header.size(), 0);
  close(fd);
  return count == static_cast<ssize_t>(header.size()) && header[18] == 2 && header[19] == 2;
}

/// Runs statements without results; returns SQLite's code.
int run(sqlite3* db, const char* sql) { return sqlite3_exec(db, sql, nullptr, nullptr, nullptr); }

constexpr std::string_view taken = "another process holds its lock";

void remove_files(const std::string& path) {
  for (const char* suffix : suffixes) unlink((path + suffix).c_str());
}

}  // namespace

std::string Cache::path() {
  const auto folder = cache_folder();
  return folder ? *folder + "/" + file_name : std::string();
}

bool Cache::exists() {
  const std::string file = path();
  return !file.empty() && access(file.c_str(), F_OK) == 0;
}

std::int64_t Cache::clear() {
  const std::string file = path();
  if (file.empty()) return 0;
  std::int64_t bytes = 0;
  const FolderLock lock(*cache_folder());
  if (lock.is_taken()) {
    Error error(ErrorCode::io, "cannot remove: " + std::string(taken));
    error.place.model = file;
    throw error;
  }
  for (const char* suffix : suffixes) {
    const std::string name = file + suffix;
    struct stat status {};
    if (stat(name.c_str(), &status) != 0) continue;
    if (unlink(name.c_str()) != 0) {
      Error error(ErrorCode::io, "cannot remove: " + std::string(std::strerror(errno)));
      error.place.model = name;
      throw error;
    }
    bytes += status.st_size;
  }
  return bytes;
}

Cache::Cache(Notify notify, bool is_used) : notify_(std::move(notify)) {
  if (is_used) open();
}

Cache::~Cache() { sqlite3_close(db_); }

void Cache::give_up(std::string_view why) {
  sqlite3_close(db_);
  db_ = nullptr;
  notify_("answers are not kept: " + std::string(why));
}

bool Cache::connect() {
  sqlite3_close(db_);
  db_ = nullptr;
  const int code =
      sqlite3_open_v2(path().c_str(), &db_,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (db_ == nullptr) return false;
  sqlite3_extended_result_codes(db_, 1);
  sqlite3_busy_timeout(db_, lock_patience);
  if (code != SQLITE_OK) return false;
  // Exclusive, SQLite keeps the index of a write-ahead log in its own memory.
  if (has_write_ahead_log(path())) run(db_, "PRAGMA locking_mode = EXCLUSIVE");
  // Nothing is synced: a process that is killed leaves a journal, and after a power failure damage
  // is found as any other.
  const int set = run(db_, "PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = OFF;"
                           "PRAGMA locking_mode = NORMAL");
  return (set & 0xFF) != SQLITE_BUSY;
}

void Cache::open() {
  const std::string file = path();
  if (file.empty()) return give_up("neither XDG_CACHE_HOME nor HOME is set");
  std::error_code problem;
  std::filesystem::create_directories(*cache_folder(), problem);
  if (problem) return give_up(*cache_folder() + ": " + problem.message());
  if (is_open_to_others(*cache_folder()))
    return give_up(*cache_folder() + ": another user may write to it");
  if (!connect()) return give_up(file + ": " + sqlite3_errmsg(db_));
  if (state() != State::ready) make("is damaged or has another format");
}

Cache::State Cache::state() {
  int code = SQLITE_ROW;
  const std::int64_t version = number(db_, "PRAGMA user_version", code);
  const std::int64_t owner = number(db_, "PRAGMA application_id", code);
  if (version == format_version && owner == application) return schema_state();
  const std::int64_t tables = number(db_, "SELECT count(*) FROM sqlite_schema", code);
  if (code != SQLITE_ROW) return is_damage(code) ? State::unusable : State::unreachable;
  return version == 0 && owner == 0 && tables == 0 ? State::empty : State::unusable;
}

Cache::State Cache::schema_state() {
  // A table with other columns would accept entries but not return them.
  Statement tables(db_, "SELECT group_concat(sql, ';') FROM sqlite_schema");
  if (tables.step()) return tables.bytes(0) == schema ? State::ready : State::unusable;
  return is_damage(tables.code()) ? State::unusable : State::unreachable;
}

Cache::State Cache::whole_state() {
  const State head = state();
  if (head != State::ready) return head;
  Statement check(db_, "PRAGMA integrity_check(1)");
  if (check.step()) return check.bytes(0) == "ok" ? State::ready : State::unusable;
  return is_damage(check.code()) ? State::unusable : State::unreachable;
}

bool Cache::create() {
  const std::string sql = "BEGIN IMMEDIATE;" + std::string(schema) +
                          "; PRAGMA application_id = " + std::to_string(application) +
                          "; PRAGMA user_version = " + std::to_string(format_version) + "; COMMIT;";
  return run(db_, sql.c_str()) == SQLITE_OK;
}

void Cache::make(std::string_view why) {
  const std::string file = path();
  const FolderLock lock(*cache_folder());
  if (lock.is_taken()) return give_up(file + ": " + std::string(taken));
  if (!connect()) return give_up(file + ": " + sqlite3_errmsg(db_));
  const State now = whole_state();
  if (now == State::ready) return;  // another process was faster
  if (now == State::unreachable) return give_up(file + ": " + sqlite3_errmsg(db_));
  if (now != State::empty) {
    notify_("the cache " + file + " " + std::string(why) + ": created a new one");
    remove_files(file);
    if (!connect()) return give_up(file + ": " + sqlite3_errmsg(db_));
  }
  if (!create()) give_up(file + ": " + sqlite3_errmsg(db_));
}

void Cache::drop(std::string_view kind, std::string_view scope, std::string_view name) {
  notify_("the cache " + path() + " has a damaged entry: ignored it");
  int code = SQLITE_OK;
  {
    Statement erase(db_, "DELETE FROM entries WHERE kind = ? AND scope = ? AND name = ?");
    erase.bind(1, kind);
    erase.bind(2, scope);
    erase.bind(3, name);
    erase.step();
    code = erase.code();
  }
  judge(code);
}

void Cache::judge(int code) {
  if (is_damage(code)) {
    make("is damaged");
  } else if (code != SQLITE_DONE && code != SQLITE_ROW && code != SQLITE_OK) {
    give_up(path() + ": " + sqlite3_errmsg(db_));
  }
}

std::optional<std::string> Cache::get(std::string_view kind, std::string_view scope,
                                      std::string_view name) {
  if (db_ == nullptr) return std::nullopt;
  std::optional<std::string> value;
  bool is_whole = true;
  int code = SQLITE_OK;
  {
    Statement select(
        db_, "SELECT value, checksum FROM entries WHERE kind = ? AND scope = ? AND name = ?");
    select.bind(1, kind);
    select.bind(2, scope);
    select.bind(3, name);
    if (select.step()) {
      value = select.bytes(0);
      is_whole = checksum(kind, scope, name, *value) == select.integer(1);
    }
    code = select.code();
  }
  judge(code);
  if (is_whole) return value;
  drop(kind, scope, name);
  return std::nullopt;
}

std::vector<Cache::Entry> Cache::all(std::string_view kind) {
  std::vector<Entry> entries;
  if (db_ == nullptr) return entries;
  std::vector<Entry> damaged;
  int code = SQLITE_OK;
  {
    Statement select(db_, "SELECT scope, name, value, checksum FROM entries WHERE kind = ?");
    select.bind(1, kind);
    while (select.step()) {
      Entry entry{select.bytes(0), select.bytes(1), select.bytes(2)};
      const bool is_whole =
          checksum(kind, entry.scope, entry.name, entry.value) == select.integer(3);
      (is_whole ? entries : damaged).push_back(std::move(entry));
    }
    code = select.code();
  }
  judge(code);
  for (const Entry& entry : damaged) drop(kind, entry.scope, entry.name);
  return entries;
}

int Cache::write(std::string_view kind, std::string_view scope, std::string_view name,
                 std::string_view value) {
  Statement insert(db_, "INSERT OR REPLACE INTO entries(kind, scope, name, checksum, written,"
                        " value) VALUES(?, ?, ?, ?, ?, ?)");
  insert.bind(1, kind);
  insert.bind(2, scope);
  insert.bind(3, name);
  insert.bind(4, checksum(kind, scope, name, value));
  insert.bind(5, static_cast<std::int64_t>(std::time(nullptr)));
  insert.bind_blob(6, value);
  insert.step();
  return insert.code();
}

void Cache::put(std::string_view kind, std::string_view scope, std::string_view name,
                std::string_view value) {
  if (db_ == nullptr) return;
  const int code = write(kind, scope, name, value);
  judge(code);
  if (is_damage(code) && db_ != nullptr) judge(write(kind, scope, name, value));
}

std::vector<Cache::Usage> Cache::usage() {
  std::vector<Usage> kinds;
  if (db_ == nullptr) return kinds;
  int code = SQLITE_OK;
  {
    Statement select(db_, "SELECT kind, count(*), sum(length(value)), min(written), max(written)"
                          " FROM entries GROUP BY kind ORDER BY kind");
    while (select.step()) {
      kinds.push_back({select.bytes(0), select.integer(1), select.integer(2), select.integer(3),
                       select.integer(4)});
    }
    code = select.code();
  }
  judge(code);
  return kinds;
}

}  // namespace zoometer
