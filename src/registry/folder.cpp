#include "registry/folder.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "import/importer.hpp"
#include "registry/cache_value.hpp"
#include "registry/file_stamp.hpp"
#include "util/text.hpp"
#include "zoometer/version.hpp"

namespace zoometer {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::string_view file_kind = "file";
constexpr std::string_view scope = "zoometer " ZOOMETER_VERSION " 3";

/// Paths relative to the folder, sorted. Folders without permission are left out.
std::vector<std::string> files_below(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code problem;
  const auto leave_out = fs::directory_options::skip_permission_denied;
  fs::recursive_directory_iterator entry(folder, leave_out, problem);
  for (; !problem && entry != fs::recursive_directory_iterator(); entry.increment(problem)) {
    std::error_code none;
    if (entry->is_regular_file(none))
      files.push_back(entry->path().lexically_relative(folder).string());
  }
  if (problem) {
    Error error(ErrorCode::io, "cannot read the folder: " + problem.message());
    error.place.model = folder;
    throw error;
  }
  std::sort(files.begin(), files.end(),
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

Finding find_out(const std::string& name, const std::string& path, Cache& cache, Graph& graph) {
  Finding finding;
  finding.name = name;
  finding.family = "no model";
  finding.task = name_of(Task::other);
  const std::string before = stamp_of(path);
  if (const auto value = cache.get(file_kind, scope, path)) {
    const auto texts = unpack(*value);
    if (texts && texts->size() == 3 && (*texts)[0] == before &&
        unpack_finding((*texts)[2], finding)) {
      finding.family = (*texts)[1];
      return finding;
    }
  }
  try_file(finding, path, graph);
  // A file that is still being written is tried again the next time.
  if (stamp_of(path) == before)
    cache.put(file_kind, scope, path, pack({before, finding.family, pack_finding(finding)}));
  return finding;
}

}  // namespace

Discovery discover_folder(const std::string& folder, const DiscoveryOptions& options, Cache& cache,
                          const Progress& progress) {
  Discovery discovery;
  discovery.source = folder;
  discovery.has_files = true;
  std::vector<std::string> wanted;
  for (std::string& name : files_below(folder)) {
    if (options.wants(name)) wanted.push_back(std::move(name));
  }
  std::error_code none;
  const fs::path root = fs::canonical(folder, none);
  Graph graph;
  for (const std::string& name : wanted) {
    Finding finding;
    if (const std::string* pattern = skip_pattern_of(name, options.skip_patterns)) {
      finding.name = name;
      finding.family = "no model";
      finding.task = name_of(Task::other);
      finding.status = Status::skipped;
      finding.reason = "skip_pattern";
      finding.message = *pattern;
    } else {
      finding = find_out(name, (root / name).string(), cache, graph);
    }
    if (progress) progress(finding, wanted.size());
    discovery.findings.push_back(std::move(finding));
  }
  return discovery;
}

}  // namespace zoometer
