#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "import/json.hpp"
#include "registry/cache.hpp"

namespace zoometer {

/// What an answer of the user's Python depends on, as the bridge reports it: everything that was
/// read.
struct Rests {
  std::vector<std::string> files;      ///< path, stamp (`stamp_of` or "folder"), path, stamp, ...
  std::vector<std::string> variables;  ///< of the environment: name, digest, name, digest, ...
  std::string unseen;  ///< what no stamp covers: "it uses the network"; empty: nothing

  bool is_empty() const noexcept { return files.empty() && variables.empty(); }
  void add(const Rests& more);
  /// Whether every file and variable is as it was.
  bool are_current() const;
};

/// Reads the members "files", "variables" and "unseen". Throws Error{malformed}.
Rests read_rests(const Json& json);

/// What one process of the bridge has read so far, kept in the cache as a chain: each link has what
/// was read since the one before it, so that a thousand models share what they all depend on. An
/// answer depends on all that its process had read, since what an earlier model imported is not
/// read again.
class RestsChain {
 public:
  explicit RestsChain(Cache& cache) : cache_(&cache) {}

  /// Adds what was read. What cannot be stamped before the first model spoils every answer, and
  /// later the model that is being traced.
  void add(const Rests& rests, bool is_before_models);
  /// The link that the answer about the current model depends on; nothing if it cannot be kept. The
  /// next model begins.
  std::optional<std::string> finish_model();

 private:
  Cache* cache_;
  std::string link_;
  bool is_spoilt_ = false;
  bool is_model_spoilt_ = false;
};

/// Whether links are current, each looked at once.
class RestsCheck {
 public:
  explicit RestsCheck(Cache& cache) : cache_(&cache) {}
  bool is_current(const std::string& link);

 private:
  Cache* cache_;
  std::map<std::string, bool, std::less<>> known_;
};

}  // namespace zoometer
