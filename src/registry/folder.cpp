#include "registry/folder.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>

#include "import/importer.hpp"
#include "registry/cache_value.hpp"
#include "registry/file_stamp.hpp"
#include "registry/reading_pool.hpp"
#include "util/text.hpp"
#include "zoometer/version.hpp"

namespace zoometer {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::string_view file_kind = "file";
constexpr std::string_view scope = "zoometer " ZOOMETER_VERSION " 3";

/// Paths relative to the folder, sorted, and where links lead from it. Folders without permission
/// are left out.
struct FolderFiles {
  std::vector<std::string> paths;
  std::set<std::string> elsewhere;  ///< folders of files to which links lead
  std::int64_t bytes = 0;
};

FolderFiles files_below(const std::string& folder) {
  FolderFiles files;
  std::error_code problem;
  const auto leave_out = fs::directory_options::skip_permission_denied;
  fs::recursive_directory_iterator entry(folder, leave_out, problem);
  for (; !problem && entry != fs::recursive_directory_iterator(); entry.increment(problem)) {
    std::error_code none;
    if (!entry->is_regular_file(none)) continue;
    files.paths.push_back(entry->path().lexically_relative(folder).string());
    const auto size = entry->file_size(none);
    constexpr std::int64_t most = std::int64_t{1} << 60;
    if (!none)
      files.bytes = std::min(
          most, files.bytes + static_cast<std::int64_t>(std::min<std::uintmax_t>(size, most)));
    if (entry->is_symlink(none))
      files.elsewhere.insert(fs::canonical(entry->path(), none).parent_path().string());
  }
  if (problem) {
    Error error(ErrorCode::io, "cannot read the folder: " + problem.message());
    error.place.model = folder;
    throw error;
  }
  std::sort(files.paths.begin(), files.paths.end(),
            [](const auto& a, const auto& b) { return natural_less(a, b); });
  return files;
}

void try_file(Finding& finding, const std::string& path, Graph& graph) {
  const auto begin = Clock::now();
  try {
    const ImportNotes notes = import_file(path, {}, graph);
    finding.family = notes.format.substr(0, notes.format.find(','));
    take_metrics(finding, graph);
    for (const std::string& note : notes.notes)
      finding.note += (finding.note.empty() ? "" : "; ") + note;
  } catch (const Error& error) {
    take_error(finding, error);
  } catch (const std::bad_alloc&) {
    take_error(finding, Error(ErrorCode::limit, "out of memory"));
  }
  finding.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
}

Finding finding_named(const std::string& name) {
  Finding finding;
  finding.name = name;
  finding.family = "no model";
  finding.task = name_of(Task::other);
  return finding;
}

/// What is kept of a file: its stamp, its format and the verdict.
std::string packed(const std::string& stamp, const Finding& finding) {
  return pack({stamp, finding.family, pack_finding(finding)});
}

bool unpack_into(Finding& finding, std::string_view value, const std::string& stamp) {
  const auto texts = unpack(value);
  if (!texts || texts->size() != 3 || (*texts)[0] != stamp) return false;
  if (!unpack_finding((*texts)[2], finding)) return false;
  finding.family = (*texts)[1];
  return true;
}

/// A file that has to be read.
struct Unread {
  std::size_t index = 0;  ///< of its finding
  std::string path;
  std::string stamp;
};

/// Reads the files of a folder that the cache does not know.
class FolderReading {
 public:
  FolderReading(Discovery& discovery, Cache& cache, const Progress& progress)
      : discovery_(discovery),
        cache_(cache),
        progress_(progress) {}

  /// Takes a file's verdict from the cache, or remembers that it has to be read.
  void look_up(const std::string& path) {
    Unread file{discovery_.findings.size() - 1, path, stamp_of(path)};
    const auto value = cache_.get(file_kind, scope, path);
    if (!value || !unpack_into(discovery_.findings.back(), *value, file.stamp))
      unread_.push_back(std::move(file));
  }

  void read(const std::vector<std::string>& readable, std::int64_t mapped_bytes) {
    ReadingPool pool;
    pool.sandbox = {readable, mapped_bytes};
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    constexpr long most = 4;
    pool.children = static_cast<std::size_t>(std::clamp(processors, 1L, most));
    pool.read = [&](std::size_t i) {
      try {
        Finding finding = finding_named({});
        try_file(finding, unread_[i].path, graph_);
        return packed({}, finding);
      } catch (const std::bad_alloc&) {
        return std::string();
      }
    };
    pool.take = [&](std::size_t i, const std::string& text) { take(i, text); };
    pool.take_end = [&](std::size_t i, const ChildEnd& end, bool is_too_long) {
      Finding& finding = finding_of(i);
      finding.status = Status::failed;
      finding.reason = is_too_long ? "time_limit" : "crash";
      finding.message = is_too_long ? "reading the file takes too long"
                                    : "reading the file ended by " + end.text();
    };
    pool.run(unread_.size());
    show_until(discovery_.findings.size());
  }

 private:
  Finding& finding_of(std::size_t i) {
    show_until(unread_[i].index);
    return discovery_.findings[unread_[i].index];
  }

  void take(std::size_t i, const std::string& text) {
    Finding& finding = finding_of(i);
    if (text.empty()) return take_error(finding, Error(ErrorCode::limit, "out of memory"));
    if (!unpack_into(finding, text, {})) {
      finding.status = Status::failed;
      finding.reason = "crash";
      finding.message = "reading the file gave no answer";
      return;
    }
    const Unread& file = unread_[i];
    // A file that is still being written is tried again the next time.
    if (stamp_of(file.path) == file.stamp)
      cache_.put(file_kind, scope, file.path, packed(file.stamp, finding));
  }

  /// Findings are shown in the order of the files, those that need no reading between the others.
  void show_until(std::size_t end) {
    for (; progress_ && shown_ < end; ++shown_)
      progress_(discovery_.findings[shown_], discovery_.findings.size());
  }

  Discovery& discovery_;
  Cache& cache_;
  const Progress& progress_;
  std::vector<Unread> unread_;
  std::size_t shown_ = 0;
  Graph graph_;
};

}  // namespace

Discovery discover_folder(const std::string& folder, const DiscoveryOptions& options, Cache& cache,
                          const Progress& progress) {
  Discovery discovery;
  discovery.source = folder;
  discovery.has_files = true;
  const FolderFiles files = files_below(folder);
  std::error_code none;
  const fs::path root = fs::canonical(folder, none);
  FolderReading reading(discovery, cache, progress);
  for (const std::string& name : files.paths) {
    if (!options.wants(name)) continue;
    Finding& finding = discovery.findings.emplace_back(finding_named(name));
    if (const std::string* pattern = skip_pattern_of(name, options.skip_patterns)) {
      finding.status = Status::skipped;
      finding.reason = "skip_pattern";
      finding.message = *pattern;
    } else {
      reading.look_up((root / name).string());
    }
  }
  std::vector<std::string> readable(files.elsewhere.begin(), files.elsewhere.end());
  readable.push_back(root.string());
  reading.read(readable, files.bytes);
  return discovery;
}

}  // namespace zoometer
