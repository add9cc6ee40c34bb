#include "import/weights/gguf.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "import/weights/ggml_types.hpp"
#include "util/paths.hpp"
#include "util/seeded_hash.hpp"
#include "util/text.hpp"
#include "zoometer/util/checked.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::uint32_t most_ggml_dimensions = 4;  // ggml's own limit
constexpr std::size_t most_kept = 4096;            // numbers of an array, one for each layer
constexpr std::uint64_t most_keys = 4096;
constexpr std::uint64_t most_tensors = 1U << 24;
constexpr std::int64_t most_split_files = 10'000;
constexpr int deepest_array = 4;
constexpr std::int64_t usual_alignment = 32;

/// The types of values, by their numbers in files.
enum class ValueType : std::uint32_t {
  uint8,
  int8,
  uint16,
  int16,
  uint32,
  int32,
  float32,
  boolean,
  text,
  array,
  uint64,
  int64,
  float64,
};

/// The bytes of a number of that type; 0 for texts, arrays and unknown types.
std::size_t bytes_of(ValueType type) noexcept {
  constexpr std::size_t bytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  const auto number = static_cast<std::size_t>(type);
  return number < std::size(bytes) ? bytes[number] : 0;
}

/// Reads numbers and texts from front to back and names what it was reading when the file ends.
class GgufCursor {
 public:
  explicit GgufCursor(std::string_view text) : text_(text) {}

  std::string what = "the header";  ///< what is read, for errors
  bool is_big_endian = false;
  bool has_short_counts = false;  ///< version 1
  bool is_cut = false;            ///< `need` failed: the text ends before the header does

  std::size_t at() const noexcept { return at_; }
  std::size_t left() const noexcept { return text_.size() - at_; }
  void move_to(std::size_t place) noexcept { at_ = std::min(place, text_.size()); }

  [[noreturn]] void fail(std::string expected, std::string found) const {
    Error error(ErrorCode::malformed, what, {std::move(expected), std::move(found)});
    error.place.byte_offset = at_;
    throw error;
  }

  void need(std::uint64_t bytes) {
    if (bytes <= left()) return;
    is_cut = true;
    fail(std::to_string(bytes) + " bytes", std::to_string(left()) + " bytes left");
  }

  template <class Number>
  Number number() {
    need(sizeof(Number));
    std::array<char, sizeof(Number)> bytes;
    std::memcpy(bytes.data(), text_.data() + at_, sizeof(Number));
    if (is_big_endian) std::ranges::reverse(bytes);
    at_ += sizeof(Number);
    return std::bit_cast<Number>(bytes);
  }

  std::uint64_t count() {
    return has_short_counts ? number<std::uint32_t>() : number<std::uint64_t>();
  }

  std::string_view text() {
    const std::uint64_t length = count();
    need(length);
    const std::string_view text = text_.substr(at_, length);
    at_ += length;
    return text;
  }

  void skip(std::uint64_t bytes) {
    need(bytes);
    at_ += bytes;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

Setting integer_setting(std::int64_t number) {
  return {.kind = Setting::Kind::integer, .integer = number, .real = static_cast<double>(number)};
}

Setting real_setting(double number) { return {.kind = Setting::Kind::real, .real = number}; }

/// One file: its keys, its tensors and where its data begin.
class GgufReader {
 public:
  GgufReader(const MappedFile& file, StoredWeights& weights, GgufMetadata& metadata)
      : file_(file),
        in_(file.text()),
        weights_(weights),
        metadata_(metadata) {}

  void read() {
    read_header();
    check_data();
    weights_.files.push_back(file_.path());
  }

  /// Without the data, of which the file may have none.
  void read_header() {
    read_version();
    const std::uint64_t tensors = in_.count();
    const std::uint64_t keys = in_.count();
    limit("keys", keys, most_keys);
    limit("tensors", tensors, most_tensors);
    in_.what = "the keys";
    in_.need(keys * 12);  // a key's length, its type and its value take more
    for (std::uint64_t i = 0; i < keys; ++i) read_key();
    read_alignment();
    in_.what = "the tensors";
    in_.need(tensors * 20);  // a name's length, dimensions, type and offset
    first_ = weights_.tensors().size();
    weights_.reserve(first_ + tensors);
    for (std::uint64_t i = 0; i < tensors; ++i) read_tensor();
  }

  /// Whether the file ends before its header does.
  bool is_cut() const noexcept { return in_.is_cut; }

  /// After `read_header`.
  GgufHeader header() const {
    GgufHeader header;
    header.bytes = in_.at();
    header.data_begin = aligned(static_cast<std::int64_t>(in_.at()));
    header.alignment = alignment_;
    header.split_files = metadata_.size("split.count", 1);
    std::int64_t end = 0;
    for (const StoredTensor& tensor : weights_.tensors().subspan(first_)) {
      end = std::max(end, checked_add(tensor.begin, tensor.bytes()));
      header.elements = checked_add(header.elements, tensor.elements);
    }
    header.file_bytes = checked_add(header.data_begin, end);
    return header;
  }

 private:
  void limit(std::string_view what, std::uint64_t count, std::uint64_t most) {
    if (count > most) in_.fail(fmt::format("at most {} {}", most, what), std::to_string(count));
  }

  void read_version() {
    in_.skip(4);  // "GGUF"
    in_.what = "the version";
    std::uint32_t version = in_.number<std::uint32_t>();
    if ((version & 0xFFFF) == 0 && version != 0) {
      in_.is_big_endian = true;
      version = version >> 24 | (version >> 8 & 0xFF00);
    }
    if (version < 1 || version > 3) {
      Error error(ErrorCode::unsupported, "the version of GGUF",
                  {"1, 2 or 3", std::to_string(version)});
      error.place.byte_offset = 4;
      throw error;
    }
    in_.has_short_counts = version == 1;
    metadata_.version = version;
    metadata_.is_big_endian = in_.is_big_endian;
    in_.what = "the header";
  }

  void read_key() {
    in_.what = "the keys";
    const std::string key(in_.text());
    in_.what = "the key " + escape_controls(key);
    if (!keys_.insert(key).second) in_.fail("each key once", "a duplicate");
    const auto type = static_cast<ValueType>(in_.number<std::uint32_t>());
    metadata_.entries.emplace_back(key, read_value(type, 0));
  }

  Setting read_value(ValueType type, int depth) {
    switch (type) {
    case ValueType::uint8: return integer_setting(in_.number<std::uint8_t>());
    case ValueType::int8: return integer_setting(in_.number<std::int8_t>());
    case ValueType::uint16: return integer_setting(in_.number<std::uint16_t>());
    case ValueType::int16: return integer_setting(in_.number<std::int16_t>());
    case ValueType::uint32: return integer_setting(in_.number<std::uint32_t>());
    case ValueType::int32: return integer_setting(in_.number<std::int32_t>());
    case ValueType::int64: return integer_setting(in_.number<std::int64_t>());
    case ValueType::float32: return real_setting(in_.number<float>());
    case ValueType::float64: return real_setting(in_.number<double>());
    case ValueType::uint64: {
      const std::uint64_t number = in_.number<std::uint64_t>();
      constexpr std::uint64_t largest = std::numeric_limits<std::int64_t>::max();
      return number > largest ? real_setting(static_cast<double>(number))
                              : integer_setting(static_cast<std::int64_t>(number));
    }
    case ValueType::boolean: {
      Setting setting = integer_setting(in_.number<std::uint8_t>() != 0 ? 1 : 0);
      setting.kind = Setting::Kind::flag;
      return setting;
    }
    case ValueType::text: {
      Setting setting{.kind = Setting::Kind::text};
      setting.text = in_.text().substr(0, most_kept);
      return setting;
    }
    case ValueType::array: return read_array(depth);
    }
    in_.fail("a type of values, 0 to 12", std::to_string(static_cast<std::uint32_t>(type)));
  }

  Setting read_array(int depth) {
    if (depth == deepest_array) in_.fail("at most 4 arrays in arrays", "more");
    const auto type = static_cast<ValueType>(in_.number<std::uint32_t>());
    const std::uint64_t count = in_.count();
    Setting setting{.kind = Setting::Kind::list};
    in_.need(count);  // every element takes a byte or more
    setting.integer = static_cast<std::int64_t>(count);
    if (type == ValueType::text) {
      for (std::uint64_t i = 0; i < count; ++i) in_.text();
      return setting;
    }
    const std::size_t bytes = bytes_of(type);
    if (type == ValueType::array) {
      for (std::uint64_t i = 0; i < count; ++i) read_array(depth + 1);
      return setting;
    }
    if (bytes == 0) read_value(type, depth);  // an unknown type, which it names
    if (count > most_kept) {
      in_.skip(count * bytes);
      return setting;
    }
    setting.items.reserve(count);
    for (std::uint64_t i = 0; i < count; ++i) setting.items.push_back(read_value(type, depth));
    return setting;
  }

  void read_alignment() {
    alignment_ = usual_alignment;
    const Setting* given = metadata_.find("general.alignment");
    if (given == nullptr) return;
    in_.what = "the key general.alignment";
    alignment_ = given->integer;
    if (alignment_ < 1 || alignment_ > (std::int64_t{1} << 30) ||
        !std::has_single_bit(static_cast<std::uint64_t>(alignment_)))
      in_.fail("a power of two", std::to_string(given->integer));
  }

  void read_tensor() {
    in_.what = "the tensors";
    StoredTensor tensor;
    const std::string_view name = in_.text();
    in_.what = "the tensor " + escape_controls(name);
    const std::uint32_t dimensions = in_.number<std::uint32_t>();
    if (dimensions > most_ggml_dimensions)
      in_.fail("at most 4 dimensions", std::to_string(dimensions));
    std::array<std::int64_t, most_ggml_dimensions> shape{};
    for (std::uint32_t i = 0; i < dimensions; ++i) {
      const std::uint64_t size = in_.count();
      if (size > std::uint64_t{1} << 40) in_.fail("a size of at most 2^40", std::to_string(size));
      shape[dimensions - 1 - i] = static_cast<std::int64_t>(size);
    }
    const std::uint32_t number = in_.number<std::uint32_t>();
    tensor.type = ggml_type(number);
    if (tensor.type == nullptr) in_.fail("a type of ggml", std::to_string(number));
    const std::uint64_t begin = in_.number<std::uint64_t>();
    if (begin > std::uint64_t{1} << 56) in_.fail("an offset in the file", std::to_string(begin));
    const std::int64_t row = dimensions > 0 ? shape[dimensions - 1] : 1;
    if (row % tensor.type->elements != 0) {
      in_.fail(fmt::format("rows of a multiple of {} elements for {}", tensor.type->elements,
                           tensor.type->name),
               std::to_string(row));
    }
    tensor.name = name;
    tensor.shape = std::span(shape).first(dimensions);
    tensor.begin = static_cast<std::int64_t>(begin);
    tensor.file = static_cast<std::uint32_t>(weights_.files.size());
    weights_.add(tensor);
  }

  std::int64_t aligned(std::int64_t place) const noexcept {
    return (place + alignment_ - 1) / alignment_ * alignment_;
  }

  /// Tensors follow each other, each at a multiple of the alignment. A file that ends where its
  /// data would begin is a header only.
  void check_data() {
    std::vector<const StoredTensor*> tensors;
    for (const StoredTensor& tensor : weights_.tensors().subspan(first_))
      tensors.push_back(&tensor);
    std::ranges::stable_sort(tensors, {}, &StoredTensor::begin);
    std::int64_t end = 0;
    for (const StoredTensor* tensor : tensors) {
      in_.what = "the offset of the tensor " + escape_controls(tensor->name);
      if (tensor->begin != end) in_.fail(std::to_string(end), std::to_string(tensor->begin));
      end = aligned(checked_add(end, tensor->bytes()));
    }
    if (tensors.empty()) return;
    const auto size = static_cast<std::int64_t>(file_.size());
    const std::int64_t data = aligned(static_cast<std::int64_t>(in_.at()));
    const std::int64_t needed = tensors.back()->begin + tensors.back()->bytes();
    if (size <= data) {
      if (needed > 0) ++weights_.headers_only;
      return;
    }
    in_.what = "the data of the tensors";
    if (size - data < needed)
      in_.fail(std::to_string(needed) + " bytes", std::to_string(size - data));
  }

  const MappedFile& file_;
  GgufCursor in_;
  StoredWeights& weights_;
  GgufMetadata& metadata_;
  TextSet keys_;
  std::int64_t alignment_ = usual_alignment;
  std::size_t first_ = 0;
};

void read_one(const MappedFile& file, StoredWeights& weights, GgufMetadata& metadata) {
  try {
    GgufReader(file, weights, metadata).read();
    file.check();
  } catch (Error& error) {
    file.check();
    if (error.place.model.empty()) error.place.model = file.path();
    throw;
  }
}

/// "m-00002-of-00009.gguf": what is before the number, and after it.
struct SplitName {
  std::string before;
  std::string after;
  std::int64_t number = 0;
};

/// The parts of the name of a file of a split model; empty parts for other names.
SplitName split_name(const std::string& path) {
  constexpr std::string_view pattern = "-00000-of-00000.gguf";
  if (path.size() < pattern.size()) return {};
  const std::size_t start = path.size() - pattern.size();
  std::int64_t number = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = path[start + i];
    const bool is_digit = c >= '0' && c <= '9';
    if (pattern[i] == '0' ? !is_digit : c != pattern[i]) return {};
    if (i >= 1 && i <= 5) number = number * 10 + (c - '0');
  }
  return {path.substr(0, start + 1), path.substr(start + 6), number};
}

}  // namespace

const Setting* GgufMetadata::find(std::string_view key) const noexcept {
  for (const auto& [name, value] : entries) {
    if (name == key) return &value;
  }
  return nullptr;
}

std::string_view GgufMetadata::text(std::string_view key) const noexcept {
  const Setting* value = find(key);
  return value != nullptr && value->kind == Setting::Kind::text ? std::string_view(value->text)
                                                                : std::string_view();
}

std::int64_t GgufMetadata::size(std::string_view key, std::int64_t usual) const noexcept {
  const Setting* value = find(key);
  const bool is_size =
      value != nullptr && value->kind == Setting::Kind::integer && value->integer >= 0;
  return is_size ? value->integer : usual;
}

std::optional<GgufHeader> gguf_header(std::string_view start) {
  StoredWeights weights;
  GgufMetadata metadata;
  const MappedFile file("the start of the file", std::as_bytes(std::span(start)));
  GgufReader reader(file, weights, metadata);
  try {
    reader.read_header();
  } catch (const Error&) {
    if (reader.is_cut()) return {};
    throw;
  }
  return reader.header();
}

bool is_gguf_file(const MappedFile& file) noexcept {
  return file.size() >= 8 && file.text().starts_with("GGUF");
}

void read_gguf(const MappedFile& file, StoredWeights& weights, GgufMetadata& metadata) {
  GgufMetadata own;
  StoredWeights first;
  read_one(file, first, own);
  const std::int64_t count = own.size("split.count", 1);
  const SplitName name = split_name(file.path());
  if (count <= 1 || name.before.empty()) {
    weights = std::move(first);
    metadata = std::move(own);
    return;
  }
  if (count > most_split_files)
    throw Error(ErrorCode::limit, "the key split.count", {"at most 10000", std::to_string(count)});
  std::int64_t missing = 0;
  for (std::int64_t i = 1; i <= count; ++i) {
    const std::string path = fmt::format("{}{:05}{}", name.before, i, name.after);
    if (i != name.number && !is_file(path)) {
      ++missing;
      continue;
    }
    GgufMetadata of_file;
    if (i == name.number) {
      read_one(file, weights, of_file);
    } else {
      read_one(MappedFile(path), weights, of_file);
    }
    if (i == 1 || metadata.entries.empty()) metadata = std::move(of_file);
  }
  if (missing > 0)
    weights.ignored.push_back(
        fmt::format("{} of {} files of the model are not here", missing, count));
}

}  // namespace zoometer
