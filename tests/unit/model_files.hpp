#pragma once

#include <charconv>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "import/importer.hpp"
#include "ir/verify.hpp"
#include "util/zip.hpp"

namespace zoometer::testing {

/// A file as a graph, which is valid, and what its reader noted.
struct ReadModel {
  Graph graph;
  ImportNotes notes;
};

/// Model files of one format.
class ModelFiles {
 public:
  /// `folder` ends with a slash; bytes that a test makes have the name `name`.
  ModelFiles(std::string folder, std::string name)
      : folder_(std::move(folder)),
        name_(std::move(name)) {}

  std::string path(const std::string& name) const { return folder_ + name; }
  std::string bytes_of(const std::string& name) const {
    std::ifstream stream(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  ReadModel read(const std::string& name, const TraceOptions& options = {}) const {
    ReadModel read;
    read.notes = import_file(path(name), options, read.graph);
    verify(read.graph);
    return read;
  }
  ReadModel read_bytes(const std::string& bytes, const TraceOptions& options = {}) const {
    ReadModel read;
    const MappedFile file(name_, std::as_bytes(std::span(bytes)));
    read.notes = import_file(file, options, read.graph);
    verify(read.graph);
    return read;
  }

 private:
  std::string folder_, name_;
};

/// Calls `check` with each file of an archive of golden ones, and with the figures in its name:
/// NAME-FIGURE-FIGURE. Returns how many there are.
template <class Check>
std::size_t for_each_golden(const std::string& path, Check check) {
  const MappedFile file(path);
  const ZipArchive archive(file.bytes());
  for (const ZipEntry& entry : archive.entries()) {
    std::vector<std::int64_t> figures;
    for (std::size_t dash = entry.name.find('-'); dash != std::string_view::npos;
         dash = entry.name.find('-', dash + 1)) {
      figures.emplace_back(-1);
      std::from_chars(entry.name.data() + dash + 1, entry.name.data() + entry.name.size(),
                      figures.back());
    }
    check(std::string(entry.name), std::string(archive.read(entry).view()), figures);
  }
  return archive.entries().size();
}

}  // namespace zoometer::testing
