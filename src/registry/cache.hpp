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

/// Tells the user something, a line.
using Tell = std::function<void(std::string_view)>;

/// What live and file sources answered, kept in an SQLite file in the user's cache folder. Entries
/// bear a checksum. Many processes may use it at once, and any may be killed at any moment. A file
/// that is damaged or of another format is told and made anew; without a folder to write to
/// nothing is kept, and nothing fails.
class Cache {
 public:
  explicit Cache(Tell tell);
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  /// An entry is found by its kind ("verdict"), the scope that it holds in, and its name.
  std::optional<std::string> get(std::string_view kind, std::string_view scope,
                                 std::string_view name);
  struct Entry {
    std::string scope, name, value;
  };
  /// All entries of a kind.
  std::vector<Entry> all(std::string_view kind);
  /// Keeps an entry. Where that shows the file to be damaged, the entry is in the new one.
  void put(std::string_view kind, std::string_view scope, std::string_view name,
           std::string_view value);

  /// Entries and bytes of one kind.
  struct Usage {
    std::string kind;
    std::int64_t entries = 0, bytes = 0;
    std::int64_t oldest = 0, newest = 0;  ///< seconds since 1970
  };
  std::vector<Usage> usage();

  /// Where the file is; empty where there is no cache folder.
  static std::string path();
  static bool exists();
  /// Removes the file; returns the bytes that it took. Throws Error{io}.
  static std::int64_t clear();

 private:
  /// `unreachable`: the file cannot be read now, which is no reason to take it away.
  enum class State : std::uint8_t { ready, empty, unusable, unreachable };

  void open();
  bool connect();
  State state();
  /// Whether the tables are those of this format.
  State schema_state();
  /// The same as `state`, of a file that is looked at from end to end.
  State whole_state();
  bool create();
  /// Gives an empty file its table, or makes an unusable one anew; under a lock.
  void make(std::string_view why);
  void drop(std::string_view kind, std::string_view scope, std::string_view name);
  void give_up(std::string_view why);
  /// Looks at what a statement returned: damage makes the file anew.
  void judge(int code);
  /// Writes an entry; returns what SQLite told.
  int write(std::string_view kind, std::string_view scope, std::string_view name,
            std::string_view value);

  Tell tell_;
  sqlite3* db_ = nullptr;
};

/// Texts as one value, and back; nothing where the value is not of that form.
std::string pack(const std::vector<std::string>& texts);
std::optional<std::vector<std::string>> unpack(std::string_view value);

/// Compresses a value, and back; nothing where it is not of that form.
std::string deflate_text(std::string_view text);
std::optional<std::string> inflate_text(std::string_view value);

}  // namespace zoometer
