#include "analysis/gguf_size.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "analysis/gguf_tensors.hpp"
#include "import/weights/gguf.hpp"
#include "import/weights/tokenizer.hpp"
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

/// An array: its key, type, the type of its elements, their count, and the elements.
std::int64_t array_bytes(std::string_view key, std::int64_t elements) {
  return 8 + static_cast<std::int64_t>(key.size()) + 4 + 4 + 8 + elements;
}

std::int64_t vocabulary_bytes(const TokenizerTexts& texts) {
  std::int64_t bytes = array_bytes("tokenizer.ggml.tokens", 8 * texts.tokens + texts.token_bytes) +
                       array_bytes("tokenizer.ggml.token_type", 4 * texts.tokens);
  if (texts.has_scores) bytes += array_bytes("tokenizer.ggml.scores", 4 * texts.tokens);
  if (texts.merges > 0)
    bytes += array_bytes("tokenizer.ggml.merges", 8 * texts.merges + texts.merge_bytes);
  constexpr std::int64_t key_of_template = 8 + 23 + 4 + 8;  // tokenizer.chat_template
  return bytes + (texts.template_bytes > 0 ? key_of_template + texts.template_bytes : 0);
}

/// Of each tensor: name, dimensions, type and place.
std::int64_t list_bytes(std::span<const GgufTensor> tensors) {
  std::int64_t bytes = 0;
  for (const GgufTensor& tensor : tensors)
    bytes += static_cast<std::int64_t>(8 + tensor.name.size() + 4 + 8 * tensor.rank + 4 + 8);
  return bytes;
}

std::int64_t embedding_rows(std::span<const ModelWeight> weights) {
  const auto embedding = std::ranges::find(weights, WeightKind::embedding, &ModelWeight::kind);
  return embedding == weights.end() ? 0 : embedding->rows;
}

}  // namespace

std::optional<GgufHeaderSize> gguf_header_size(const ModelFile& file,
                                               std::span<const ModelWeight> weights,
                                               const WeightContext& context) {
  std::error_code problem;
  if (!fs::is_regular_file(file.path, problem)) return {};
  const std::vector<GgufTensor> tensors = gguf_tensors(weights, context);
  std::int64_t elements = 0;
  for (const GgufTensor& tensor : tensors) elements = checked_add(elements, tensor.elements);
  std::vector<std::string> files = {file.path};
  if (fs::path(file.path).extension() != ".gguf") files = gguf_files_beside(file.path);
  for (const std::string& path : files) {
    const std::optional<GgufHeader> header = header_of(path);
    if (header && header->elements == elements && header->split_files <= 1)
      return GgufHeaderSize{header->data_begin};
  }
  const fs::path folder = fs::path(file.path).parent_path();
  const std::optional<TokenizerTexts> texts =
      tokenizer_texts(folder.empty() ? "." : folder.string(), embedding_rows(weights));
  if (!texts) return {};
  constexpr std::int64_t beginning = 24;  // "GGUF", the version and two counts
  const std::int64_t bytes =
      beginning + usual_keys + vocabulary_bytes(*texts) + list_bytes(tensors);
  return GgufHeaderSize{ceil_div(bytes, 32) * 32, texts->file};
}

}  // namespace zoometer
