#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zoometer {

/// What was fetched of one repository of a hub, in zoometer's own cache: hub/HOST/ORG--NAME/COMMIT.
/// Weights are there as their headers, so the hub's own cache, whose files are whole, is not it.
/// Small files are as they are in the repository.
class HubStore {
 public:
  /// Touches nothing. Throws Error{io} where there is no folder for a cache.
  HubStore(std::string_view endpoint, std::string_view repository);

  /// The commit that a revision was when it was last asked for, or whose first digits it is.
  std::optional<std::string> commit_of(std::string_view revision) const;
  void set_commit(std::string_view revision, const std::string& commit);

  /// The names of all files of the repository at that commit; nothing if they are not known.
  std::optional<std::vector<std::string>> files(const std::string& commit) const;
  void set_files(const std::string& commit, const std::vector<std::string>& files);

  std::string folder(const std::string& commit) const;
  /// The path of a file that is there, or nothing.
  std::optional<std::string> find(const std::string& commit, std::string_view file) const;

  /// The folder of the file below `root()`; files that come in parts are `part_name`.
  const std::string& root() const noexcept { return root_; }
  std::string below(const std::string& commit, std::string_view file) const;

 private:
  std::string root_;   ///< of all repositories
  std::string below_;  ///< this repository's folder
};

/// The files of all hubs that are kept.
struct HubUsage {
  std::int64_t files = 0;
  std::int64_t bytes = 0;
  std::int64_t oldest = 0;  ///< when it was written, in seconds since 1970
  std::int64_t newest = 0;
};
HubUsage hub_usage();

/// Removes them; returns their bytes. Throws Error{io}.
std::int64_t clear_hub();

/// The last part of a path, and the name under which its beginning is kept.
std::string file_name(std::string_view path);
std::string part_name(std::string_view path);

}  // namespace zoometer
