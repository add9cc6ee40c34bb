#include "import/weights/safetensors_index.hpp"

#include <fmt/core.h>

#include <charconv>
#include <filesystem>

#include "import/weights/json_scanner.hpp"
#include "import/weights/safetensors_header.hpp"
#include "util/paths.hpp"
#include "util/seeded_hash.hpp"
#include "util/text.hpp"
#include "zoometer/util/checked.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t searched = 4096;  // metadata are before the map, and short
constexpr std::size_t most_files = 100'000;
constexpr int most_looked_at = 10'000;  // the folder may be a whole disk

/// What an index says, in its order.
struct Named {
  std::string_view name;  ///< of the file's text
  std::uint32_t file = 0;
};
struct Index {
  std::vector<Named> tensors;
  std::vector<std::string> files;
  std::int64_t total_size = -1;  ///< bytes of all data; -1: not said
  Arena unescaped;               ///< names that the file does not have as they are
  bool has_rest = false;         ///< there is text after the closing brace
};

/// A path that stays in the folder of the index.
void check_inside(const std::string& file) {
  bool is_inside = !file.empty() && file.front() != '/' && file.find('\0') == std::string::npos;
  for (const fs::path& part : fs::path(file)) is_inside = is_inside && part != "..";
  if (is_inside) return;
  throw Error(ErrorCode::malformed, "the index names a file outside of its folder",
              {"a path within the folder", escape_controls(file)});
}

class IndexReader {
 public:
  IndexReader(std::string_view text, Index& index) : text_(text), json_(text), index_(index) {}

  void read() {
    bool has_map = false;
    json_.open('{');
    for (bool is_first = true; json_.next('}', is_first); is_first = false) {
      const std::string_view key = json_.key();
      if (key == "weight_map") {
        has_map = true;
        read_map();
      } else if (key == "metadata" && json_.is_at('{')) {
        read_metadata();
      } else {
        json_.skip();
      }
    }
    if (!has_map) json_.fail("weight_map");
    index_.has_rest = !json_.is_at_end();
  }

 private:
  void read_map() {
    json_.open('{');
    for (bool is_first = true; json_.next('}', is_first); is_first = false) {
      std::string_view name = json_.key();
      if (!is_of_file(name)) name = index_.unescaped.copy(name);
      index_.tensors.push_back({name, file_of(json_.text())});
    }
  }
  bool is_of_file(std::string_view name) const noexcept {
    return name.data() >= text_.data() && name.data() <= text_.data() + text_.size();
  }
  void read_metadata() {
    json_.open('{');
    for (bool is_first = true; json_.next('}', is_first); is_first = false) {
      const bool is_size = json_.key() == "total_size";
      if (!is_size || json_.is_at('"') || json_.is_at('{') || json_.is_at('[')) {
        json_.skip();
        continue;
      }
      const std::string_view number = json_.scalar();  // some are written as 1.5e10 or null
      double size = -1;
      std::from_chars(number.data(), number.data() + number.size(), size);
      if (size >= 0 && size < 0x1p62) index_.total_size = static_cast<std::int64_t>(size);
    }
  }
  std::uint32_t file_of(std::string_view file) {
    if (!index_.tensors.empty()) {
      const std::uint32_t last = index_.tensors.back().file;
      if (index_.files[last] == file) return last;
    }
    // "m" and "./m" are one file, which is read once.
    const auto [entry, is_new] = by_file_.emplace(fs::path(file).lexically_normal().string(),
                                                  static_cast<std::uint32_t>(index_.files.size()));
    if (!is_new) return entry->second;
    if (index_.files.size() == most_files)
      throw Error(ErrorCode::limit, "files of the index", {"at most 100000", "more"});
    check_inside(std::string(file));
    index_.files.push_back(entry->first);
    return entry->second;
  }

  std::string_view text_;
  JsonScanner json_;
  Index& index_;
  TextMap<std::uint32_t> by_file_;
};

/// Opens a file of the index where it is there and not a stand-in for it.
bool read_shard(const std::string& path, StoredWeights& weights) {
  if (!is_file(path)) return false;
  const MappedFile file(path);
  if (file.text().starts_with("version https://")) return false;  // a Git LFS pointer
  const std::size_t first = weights.tensors().size();
  try {
    const std::size_t data = read_safetensors_header(file, weights);
    check_contiguous(weights.tensors().subspan(first),
                     static_cast<std::int64_t>(file.size() - data));
    file.check();
  } catch (Error& error) {
    if (error.place.model.empty()) error.place.model = path;
    throw;
  }
  return true;
}

/// Notes where the names of the index and of the headers differ.
void compare_names(const Index& index, const std::vector<bool>& is_read, StoredWeights& weights) {
  std::size_t missing = 0;
  std::string_view first;
  std::size_t named = 0;
  for (const Named& tensor : index.tensors) {
    if (!is_read[tensor.file]) continue;
    ++named;
    if (weights.find(tensor.name) != nullptr) continue;
    if (missing++ == 0) first = tensor.name;
  }
  if (missing > 0) {
    weights.notes.push_back(
        fmt::format("the index names {} tensors that its files do not have, such as {}", missing,
                    escape_controls(first)));
  }
  const std::size_t stored = weights.tensors().size();
  if (stored + missing > named) {
    weights.notes.push_back(fmt::format("the files have {} tensors that the index does not name",
                                        stored + missing - named));
  }
}

void compare_size(const Index& index, StoredWeights& weights) {
  if (index.total_size < 0) return;
  std::int64_t bytes = 0;
  for (const StoredTensor& tensor : weights.tensors()) bytes = checked_add(bytes, tensor.bytes());
  if (bytes == index.total_size) return;
  weights.notes.push_back(fmt::format("total_size of the index is {}; the headers have {} bytes",
                                      index.total_size, bytes));
}

}  // namespace

bool is_safetensors_index(const MappedFile& file) noexcept {
  const std::string_view start = file.text().substr(0, searched);
  const std::size_t first = start.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && start[first] == '{' &&
         start.find("\"weight_map\"") != std::string_view::npos;
}

std::vector<std::string> files_of_index(const MappedFile& file) {
  Index index;
  IndexReader(file.text(), index).read();
  file.check();
  return std::move(index.files);
}

void read_safetensors_index(const MappedFile& file, StoredWeights& weights) {
  Index index;
  IndexReader(file.text(), index).read();
  file.check();
  if (index.has_rest) weights.notes.emplace_back("text after the index's end was not read");
  const fs::path folder = fs::path(file.path()).parent_path();
  std::vector<bool> is_read(index.files.size());
  std::size_t missing_files = 0;
  for (std::size_t i = 0; i < index.files.size(); ++i) {
    is_read[i] = read_shard((folder / index.files[i]).string(), weights);
    if (!is_read[i]) ++missing_files;
  }
  if (missing_files < index.files.size()) compare_names(index, is_read, weights);
  if (missing_files == 0) return compare_size(index, weights);
  const auto of_missing = static_cast<std::uint32_t>(weights.files.size());
  weights.files.push_back(file.path());
  weights.reserve(weights.tensors().size() + index.tensors.size());
  std::size_t unknown = 0;
  for (const Named& tensor : index.tensors) {
    if (is_read[tensor.file]) continue;
    StoredTensor known_by_name;
    known_by_name.name = tensor.name;
    known_by_name.file = of_missing;
    weights.add(known_by_name);
    ++unknown;
  }
  weights.ignored.push_back(fmt::format(
      "{} of {} files of the index are not here: of {} tensors only the names are known",
      missing_files, index.files.size(), unknown));
}

std::string weights_in(const std::string& folder) {
  for (const std::string_view name : {"model.safetensors.index.json", "model.safetensors"}) {
    std::string path = (fs::path(folder) / name).string();
    if (is_file(path)) return path;
  }
  std::error_code problem;
  fs::directory_iterator entry(folder, problem);
  std::string index, single;
  int indexes = 0;
  int singles = 0;
  for (int i = 0; i < most_looked_at && !problem && entry != fs::directory_iterator(); ++i) {
    const std::string path = entry->path().string();
    if (path.ends_with(".safetensors.index.json")) {
      index = path;
      ++indexes;
    } else if (path.ends_with(".safetensors")) {
      single = path;
      ++singles;
    }
    entry.increment(problem);
  }
  if (indexes == 1) return index;
  return singles == 1 ? single : std::string();
}

}  // namespace zoometer
