#pragma once

#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <utility>

#include "import/importer.hpp"
#include "ir/verify.hpp"

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

}  // namespace zoometer::testing
