#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "import/hub/access.hpp"
#include "import/hub/name.hpp"
#include "import/hub/store.hpp"

namespace zoometer {

class HttpClient;
struct HttpAnswer;

/// One revision of a repository: what was fetched of it before, and without `is_offline` the hub
/// itself, which is asked for what is missing.
class HubRepository {
 public:
  /// Finds the commit that the revision is. A hub that cannot be reached is offline, with a note.
  /// Throws Error{io} with the address, what was expected and what came; its hint says what to do.
  HubRepository(const HubName& name, const HubAccess& access, std::vector<std::string>& notes);
  ~HubRepository();
  HubRepository(const HubRepository&) = delete;
  HubRepository& operator=(const HubRepository&) = delete;

  /// All of its files, in order; nothing if the hub does not list them.
  const std::optional<std::vector<std::string>>& files() const noexcept { return files_; }
  /// False only if it is known that there is no such file.
  bool may_have(std::string_view file) const;

  /// A small file as a whole, at most `most_bytes`; its path here. Nothing if it is not there.
  /// Throws as above.
  std::optional<std::string> whole(const std::string& file, std::int64_t most_bytes);
  /// The header of a safetensors or GGUF file, which is checked against the file's size.
  std::optional<std::string> header(const std::string& file);
  /// Those of several files, some at the same time. Returns how many are not there.
  std::size_t headers(std::span<const std::string> files);

  std::string folder() const { return store_.folder(commit_); }
  const std::string& commit() const noexcept { return commit_; }

 private:
  enum class Part : std::uint8_t { whole, safetensors, gguf };
  void find_commit(std::vector<std::string>& notes);
  bool ask_list(std::vector<std::string>& notes);
  void take(const std::string& commit);
  /// With that client, or its own.
  std::optional<std::string> get(const std::string& file, Part part, std::int64_t most_bytes,
                                 HttpClient* own = nullptr);
  static Part part_of(const std::string& file);
  std::unique_ptr<HttpClient> make_client() const;
  std::string address(const std::string& file) const;
  HttpClient& client();
  [[noreturn]] void refuse(const HttpAnswer& answer);
  std::string similar_names();

  HubName name_;
  HubAccess access_;
  HubStore store_;
  std::unique_ptr<HttpClient> client_;
  std::string commit_;
  std::optional<std::vector<std::string>> files_;
  std::chrono::steady_clock::time_point deadline_;
  std::atomic<std::int64_t> left_;  ///< bytes that may still come
  bool is_current_ = true;  ///< what is in the store is of this commit, and not of an earlier time
};

}  // namespace zoometer
