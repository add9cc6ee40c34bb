#include "analysis/gguf_size.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "import/weights/gguf.hpp"
#include "zoometer/util/checked.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

namespace fs = std::filesystem;

constexpr int most_entries = 10'000;  // the folder may be a whole disk

/// The GGUF files in the folder of a file, in the order of their names.
std::vector<std::string> gguf_files_beside(const std::string& path) {
  std::vector<std::string> files;
  std::error_code problem;
  const fs::path folder = fs::path(path).parent_path();
  fs::directory_iterator entry(folder.empty() ? fs::path(".") : folder, problem);
  for (int i = 0; i < most_entries && !problem && entry != fs::directory_iterator(); ++i) {
    std::error_code none;
    if (entry->path().extension() == ".gguf" && entry->is_regular_file(none))
      files.push_back(entry->path().string());
    entry.increment(problem);
  }
  std::ranges::sort(files);
  return files;
}

std::optional<GgufHeader> header_of(const std::string& path) {
  try {
    const MappedFile file(path);
    if (!is_gguf_file(file)) return {};
    auto header = gguf_header(file.text());
    file.check();
    return header;
  } catch (const Error&) {
    return {};
  }
}

std::int64_t rounded(std::int64_t bytes, std::int64_t multiple) {
  return checked_mul(ceil_div(bytes, multiple), multiple);
}

}  // namespace

std::optional<GgufFrame> gguf_frame(const ModelFile& file, std::span<const ModelWeight> weights,
                                    const WeightContext& context) {
  std::error_code problem;
  if (!fs::is_regular_file(file.path, problem)) return {};
  std::int64_t elements = context.rotary_factors;
  for (const ModelWeight& weight : weights) elements = checked_add(elements, weight.elements);
  std::vector<std::string> files = {file.path};
  if (fs::path(file.path).extension() != ".gguf") files = gguf_files_beside(file.path);
  for (const std::string& path : files) {
    const std::optional<GgufHeader> header = header_of(path);
    if (header && header->elements == elements && header->split_files <= 1)
      return GgufFrame{header->data_begin, header->alignment};
  }
  return {};
}

std::int64_t gguf_file_bytes(const GgufFrame& frame, const StoredSize& size,
                             std::span<const std::int64_t> each) {
  std::int64_t bytes = frame.header;
  std::int64_t others = size.bytes;  // the table of rotary factors
  for (const std::int64_t weight : each) {
    bytes = checked_add(bytes, rounded(weight, frame.alignment));
    others -= weight;
  }
  return checked_add(bytes, rounded(others, frame.alignment));
}

}  // namespace zoometer
