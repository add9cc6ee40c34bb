#include "import/hub/store.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "import/hub/name.hpp"
#include "util/paths.hpp"
#include "util/private_folder.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

namespace fs = std::filesystem;

constexpr const char* listing_name = ".files";
constexpr const char* refs_folder = ".revisions";

/// Letters, digits and points as they are, everything else as one of them.
std::string folder_name(std::string_view text, std::string_view separator) {
  std::string name;
  for (const char c : text) {
    if (c == '/') {
      name += separator;
    } else {
      name += is_plain_name(std::string_view(&c, 1), 1) || c == '.' ? c : '_';
    }
  }
  if (name.starts_with('.')) name.front() = '_';
  return name;
}

std::optional<std::string> hub_root() {
  const auto cache = cache_folder();
  return cache ? std::optional(*cache + "/hub") : std::nullopt;
}

}  // namespace

HubUsage hub_usage() {
  HubUsage usage;
  const auto root = hub_root();
  if (!root) return usage;
  std::error_code problem;
  fs::recursive_directory_iterator entry(*root, problem);
  for (; !problem && entry != fs::recursive_directory_iterator(); entry.increment(problem)) {
    struct stat status {};
    if (lstat(entry->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    usage.oldest = usage.files == 0 ? status.st_mtime : std::min(usage.oldest, status.st_mtime);
    usage.newest = std::max(usage.newest, status.st_mtime);
    usage.bytes += status.st_size;
    ++usage.files;
  }
  return usage;
}

std::int64_t clear_hub() {
  const std::int64_t bytes = hub_usage().bytes;
  const auto root = hub_root();
  std::error_code problem;
  if (root) fs::remove_all(*root, problem);  // removes links, and not what they lead to
  if (!problem) return bytes;
  Error error(ErrorCode::io, "cannot remove: " + problem.message());
  error.place.model = *root;
  throw error;
}

std::string file_name(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

std::string part_name(std::string_view path) { return "." + file_name(path) + ".part"; }

HubStore::HubStore(std::string_view endpoint, std::string_view repository) {
  const auto cache = cache_folder();
  if (!cache) {
    Error error(ErrorCode::io, "there is no folder for what is fetched");
    error.hint = "set HOME or XDG_CACHE_HOME";
    throw error;
  }
  root_ = *cache;
  const std::string_view host = endpoint.substr(endpoint.find("://") + 3);
  below_ = "hub/" + folder_name(host, "_") + "/" + folder_name(repository, "--");
}

std::string HubStore::folder(const std::string& commit) const {
  return root_ + "/" + below_ + "/" + commit;
}

std::string HubStore::below(const std::string& commit, std::string_view file) const {
  std::string path = below_ + "/" + commit;
  if (const std::size_t slash = file.rfind('/'); slash != std::string_view::npos)
    path.append("/").append(file.substr(0, slash));
  return path;
}

std::optional<std::string> HubStore::commit_of(std::string_view revision) const {
  const std::string repository = root_ + "/" + below_;
  if (auto commit = read_file(repository + "/" + refs_folder + "/" + folder_name(revision, "--"))) {
    if (is_plain_name(*commit, 1) && is_folder(folder(*commit))) return *commit;
  }
  std::vector<std::string> fitting;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(repository, none)) {
    std::string name = entry.path().filename().string();
    if (!name.starts_with('.') && name.starts_with(revision)) fitting.push_back(std::move(name));
  }
  return fitting.size() == 1 ? std::optional(fitting.front()) : std::nullopt;
}

void HubStore::set_commit(std::string_view revision, const std::string& commit) {
  PrivateFolder(root_, below_ + "/" + refs_folder).write(folder_name(revision, "--"), commit);
}

std::optional<std::vector<std::string>> HubStore::files(const std::string& commit) const {
  const auto text = read_file(folder(commit) + "/" + listing_name);
  if (!text) return {};
  std::vector<std::string> files;
  for (std::size_t begin = 0; begin < text->size();) {
    const std::size_t end = std::min(text->find('\n', begin), text->size());
    std::string name = text->substr(begin, end - begin);
    if (is_inner_path(name)) files.push_back(std::move(name));
    begin = end + 1;
  }
  return files;
}

void HubStore::set_files(const std::string& commit, const std::vector<std::string>& files) {
  std::string text;
  for (const std::string& name : files) text.append(name).append("\n");
  PrivateFolder(root_, below(commit, "")).write(listing_name, text);
}

std::optional<std::string> HubStore::find(const std::string& commit, std::string_view file) const {
  std::string path = folder(commit) + "/" + std::string(file);
  return is_file(path) ? std::optional(std::move(path)) : std::nullopt;
}

}  // namespace zoometer
