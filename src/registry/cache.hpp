#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct sqlite3;

namespace zoometer {

/// Shows the user a line.
using Notify = std::function<void(std::string_view)>;

/// The answers of live and file sources, in an SQLite file in the user's cache folder. Each entry
/// has a checksum. Many processes may use the file at the same time, and any of them may be killed.
/// A damaged file, or one of another format, is reported and created again. Without a folder to
/// write to, nothing is kept and nothing fails.
class Cache {
 public:
  /// `is_used`: otherwise nothing is read or kept.
  explicit Cache(Notify notify, bool is_used = true);
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  /// An entry is identified by its kind ("verdict"), its scope (the versions it depends on), and
  /// its name.
  std::optional<std::string> get(std::string_view kind, std::string_view scope,
                                 std::string_view name);
  struct Entry {
    std::string scope, name, value;
  };
  /// All entries of a kind.
  std::vector<Entry> all(std::string_view kind);
  /// Writes an entry. If the file turns out to be damaged, writes it to the new file.
  void put(std::string_view kind, std::string_view scope, std::string_view name,
           std::string_view value);

  /// The number and size of the entries of a kind.
  struct Usage {
    std::string kind;
    std::int64_t entries = 0, bytes = 0;
    std::int64_t oldest = 0, newest = 0;  ///< seconds since 1970
  };
  std::vector<Usage> usage();

  /// The path of the file; empty if there is no cache folder.
  static std::string path();
  static bool exists();
  /// Removes the file; returns its size in bytes. Throws Error{io}.
  static std::int64_t clear();

 private:
  /// `unreachable`: the file cannot be read now; it is not removed.
  enum class State : std::uint8_t { ready, empty, unusable, unreachable };

  void open();
  bool connect();
  State state();
  /// Checks whether the tables are those of this format.
  State schema_state();
  /// The same as `state`, but checks the whole file.
  State whole_state();
  bool create();
  /// Creates the table in an empty file, or replaces an unusable file. Takes a lock.
  void make(std::string_view why);
  void drop(std::string_view kind, std::string_view scope, std::string_view name);
  void give_up(std::string_view why);
  /// Handles the result of a statement; replaces a damaged file.
  void judge(int code);
  /// Writes an entry; returns SQLite's result.
  int write(std::string_view kind, std::string_view scope, std::string_view name,
            std::string_view value);

  Notify notify_;
  sqlite3* db_ = nullptr;
};

}  // namespace zoometer
