#include "import/hub/local_cache.hpp"

#include <algorithm>
#include <filesystem>

#include "import/hub/access.hpp"
#include "import/hub/store.hpp"
#include "util/paths.hpp"

namespace zoometer {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_files = 10'000;

/// The commit that a branch or a tag is, or whose first digits are given.
std::optional<std::string> snapshot_of(const std::string& folder, const std::string& revision) {
  const std::string snapshots = folder + "/snapshots/";
  if (auto commit = read_file(folder + "/refs/" + revision)) {
    commit->erase(std::min(commit->find_last_not_of(" \r\n") + 1, commit->size()));
    if (is_plain_name(*commit, 1) && is_folder(snapshots + *commit)) return snapshots + *commit;
  }
  if (is_folder(snapshots + revision)) return snapshots + revision;
  std::vector<std::string> fitting;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(snapshots, none)) {
    std::string name = entry.path().filename().string();
    if (name.starts_with(revision)) fitting.push_back(std::move(name));
  }
  return fitting.size() == 1 ? std::optional(snapshots + fitting.front()) : std::nullopt;
}

}  // namespace

std::optional<std::string> hub_snapshot(const HubName& name) {
  std::string folder = "models--" + name.repository;
  if (const std::size_t slash = folder.find('/'); slash != std::string::npos)
    folder.replace(slash, 1, "--");
  return snapshot_of(hub_cache_folder() + "/" + folder, name.revision);
}

std::optional<std::string> hub_folder(std::string_view text) {
  if (!is_plain_name(text, 2)) return {};
  const HubName name = parse_hub_name(text);
  if (auto folder = hub_snapshot(name)) return folder;
  if (!cache_folder()) return {};
  const HubStore store(hub_access(true).endpoint, name.repository);
  const auto commit = store.commit_of(name.revision);
  return commit ? std::optional(store.folder(*commit)) : std::nullopt;
}

std::vector<std::string> files_below(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code problem;
  fs::recursive_directory_iterator entry(folder, problem);
  while (!problem && entry != fs::recursive_directory_iterator() && files.size() < most_files) {
    std::error_code none;
    if (entry->is_regular_file(none)) {
      std::string file = entry->path().lexically_relative(folder).string();
      if (is_inner_path(file)) files.push_back(std::move(file));
    }
    entry.increment(problem);
  }
  return files;
}

}  // namespace zoometer
