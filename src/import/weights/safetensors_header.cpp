#include "import/weights/safetensors_header.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include "import/weights/json_scanner.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::size_t length_bytes = 8;
constexpr std::uint64_t longest_header = 100'000'000;  // what the format's own reader allows
constexpr std::size_t most_dimensions_read = 64;
constexpr std::int64_t most_data = std::int64_t{1} << 56;  // of a file that is not here

constexpr StorageType safetensors_types[] = {
    {"F32", 1, 32, DType::float32},
    {"F64", 1, 64, DType::float64},
    {"F16", 1, 16, DType::float16},
    {"BF16", 1, 16, DType::bfloat16},
    {"F8_E4M3", 1, 8, DType::float8_e4m3fn},
    {"F8_E5M2", 1, 8, DType::float8_e5m2},
    {"F8_E8M0", 1, 8, DType::float8_e8m0fnu},
    {"F8_E4M3FNUZ", 1, 8, DType::float8_e4m3fnuz},
    {"F8_E5M2FNUZ", 1, 8, DType::float8_e5m2fnuz},
    {"F4", 1, 4, DType::float4_e2m1fn},
    {"F6_E2M3", 1, 6, DType::unknown},
    {"F6_E3M2", 1, 6, DType::unknown},
    {"I64", 1, 64, DType::int64},
    {"I32", 1, 32, DType::int32},
    {"I16", 1, 16, DType::int16},
    {"I8", 1, 8, DType::int8},
    {"U64", 1, 64, DType::uint64},
    {"U32", 1, 32, DType::uint32},
    {"U16", 1, 16, DType::uint16},
    {"U8", 1, 8, DType::uint8},
    {"BOOL", 1, 8, DType::boolean},
    {"C64", 1, 64, DType::complex64},
};

[[noreturn]] void fail_in(const MappedFile& file, std::string reason) {
  file.check();
  Error error(ErrorCode::malformed, std::move(reason));
  error.place.model = file.path();
  throw error;
}

std::uint64_t header_length(std::string_view text) noexcept {
  std::uint64_t length = 0;
  std::memcpy(&length, text.data(), length_bytes);
  return length;
}

/// The header of one file.
class HeaderReader {
 public:
  HeaderReader(const MappedFile& file, std::string_view header, std::int64_t data_bytes,
               StoredWeights& weights)
      : file_(file),
        json_(header, length_bytes),
        data_bytes_(data_bytes),
        weights_(weights) {}

  void read() {
    if (!json_.is_at('{')) fail_in(file_, "the header is not a JSON object");
    json_.open('{');
    for (bool is_first = true; json_.next('}', is_first); is_first = false) {
      name_ = json_.key();
      if (name_ == "__metadata__") {
        json_.skip();
      } else {
        read_tensor();
      }
    }
    if (!json_.is_at_end()) json_.fail("the end of the header");
  }

 private:
  [[noreturn]] void refuse(std::string_view what) {
    fail_in(file_, "the tensor " + escape_controls(name_) + std::string(what));
  }

  [[noreturn]] void refuse_twice(std::string_view member) {
    refuse(std::string(" has ").append(member).append(" twice"));
  }

  void read_tensor() {
    if (!json_.is_at('{')) refuse(" is not an object");
    StoredTensor tensor;
    sizes_.clear();
    has_shape_ = has_type_ = false;
    range_.reset();
    json_.open('{');
    for (bool is_first = true; json_.next('}', is_first); is_first = false)
      read_member(json_.key(), tensor);
    if (tensor.type == nullptr) refuse(" has an unknown dtype");
    if (!has_shape_) refuse(" has no shape");
    tensor.name = name_;
    tensor.shape = sizes_;
    tensor.file = static_cast<std::uint32_t>(weights_.files.size());
    const bool is_inside = range_ && range_->begin <= range_->end && range_->end <= data_bytes_;
    if (!is_inside) refuse(" is outside of the file");
    tensor.begin = range_->begin;
    weights_.add(tensor);
    if (weights_.tensors().back().bytes() != range_->end - range_->begin)
      refuse(" has a size that does not match its shape");
  }

  void read_member(std::string_view name, StoredTensor& tensor) {
    if (name == "dtype") {
      if (has_type_) refuse_twice(name);
      has_type_ = true;
      if (json_.is_at('"')) {
        tensor.type = safetensors_type(json_.text());
      } else {
        json_.skip();
      }
    } else if (name == "shape") {
      if (has_shape_) refuse_twice(name);
      sizes_.clear();
      has_shape_ = read_sizes(sizes_, most_dimensions_read);
      if (!has_shape_) refuse(" has no shape");
    } else if (name == "data_offsets") {
      if (range_) refuse_twice(name);
      std::vector<std::int64_t>& range = offsets_;
      range.clear();
      if (!read_sizes(range, 2) || range.size() != 2) refuse(" is outside of the file");
      range_ = Range{range[0], range[1]};
    } else {
      json_.skip();
    }
  }

  /// A list of numbers of at least 0; false if it is something else.
  bool read_sizes(std::vector<std::int64_t>& sizes, std::size_t most) {
    if (!json_.is_at('[')) return false;
    json_.open('[');
    for (bool is_first = true; json_.next(']', is_first); is_first = false) {
      if (sizes.size() == most || json_.is_at('-') || json_.is_at('"') || json_.is_at('n'))
        return false;
      sizes.push_back(json_.size());
    }
    return true;
  }

  struct Range {
    std::int64_t begin = 0;
    std::int64_t end = 0;
  };

  const MappedFile& file_;
  JsonScanner json_;
  std::int64_t data_bytes_;
  StoredWeights& weights_;
  std::string name_;
  std::vector<std::int64_t> sizes_;
  std::vector<std::int64_t> offsets_;
  bool has_type_ = false;
  bool has_shape_ = false;
  std::optional<Range> range_;
};

}  // namespace

const StorageType* safetensors_type(std::string_view name) noexcept {
  for (const StorageType& type : safetensors_types) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

bool is_safetensors_file(const MappedFile& file) noexcept {
  const std::string_view text = file.text();
  if (text.size() < length_bytes + 2 || text[length_bytes] != '{') return false;
  const std::uint64_t length = header_length(text);
  return length >= 2 && length <= longest_header && length <= text.size() - length_bytes;
}

std::size_t read_safetensors_header(const MappedFile& file, StoredWeights& weights) {
  const std::string_view text = file.text();
  if (text.size() < length_bytes)
    fail_in(file, "the file is too short for the length of its header");
  const std::uint64_t length = header_length(text);
  if (length > longest_header || length > text.size() - length_bytes) {
    fail_in(file, "the header would have " + std::to_string(length) +
                      " bytes; is it a safetensors file?");
  }
  const std::size_t data = length_bytes + length;
  const std::size_t first = weights.tensors().size();
  const bool has_data = text.size() > data;
  try {
    const std::int64_t data_bytes =
        has_data ? static_cast<std::int64_t>(text.size() - data) : most_data;
    HeaderReader(file, text.substr(length_bytes, length), data_bytes, weights).read();
  } catch (Error& error) {
    file.check();
    if (error.place.model.empty()) error.place.model = file.path();
    throw;
  }
  weights.files.push_back(file.path());
  const auto has_bytes = [](const StoredTensor& tensor) { return tensor.bytes() > 0; };
  if (!has_data && std::ranges::any_of(weights.tensors().subspan(first), has_bytes))
    ++weights.headers_only;
  return data;
}

std::optional<std::size_t> safetensors_header_bytes(std::string_view start) {
  if (start.size() < length_bytes) return {};
  const std::uint64_t length = header_length(start);
  if (length > longest_header) {
    throw Error(ErrorCode::limit, "the header of a safetensors file",
                {"at most 100000000 bytes", std::to_string(length)});
  }
  return length_bytes + length;
}

void check_contiguous(std::span<const StoredTensor> of_file, std::int64_t data_bytes) {
  std::vector<const StoredTensor*> tensors;
  tensors.reserve(of_file.size());
  for (const StoredTensor& tensor : of_file) tensors.push_back(&tensor);
  std::ranges::stable_sort(tensors, [](const StoredTensor* a, const StoredTensor* b) {
    return a->begin != b->begin ? a->begin < b->begin : a->bytes() < b->bytes();
  });
  const auto refuse = [](std::string what, std::int64_t expected, std::int64_t found) {
    throw Error(ErrorCode::malformed, std::move(what),
                {std::to_string(expected), std::to_string(found)});
  };
  std::int64_t end = 0;
  for (const StoredTensor* tensor : tensors) {
    if (tensor->begin != end) {
      refuse("the tensor " + escape_controls(tensor->name) +
                 (tensor->begin < end ? " overlaps another: its offset"
                                      : " follows a gap: its offset"),
             end, tensor->begin);
    }
    end += tensor->bytes();
  }
  if (data_bytes != 0 && end != data_bytes)
    refuse("the tensors end before the file: bytes of data", end, data_bytes);
}

}  // namespace zoometer
