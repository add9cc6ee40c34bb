#pragma once

// Small files of weights, made in memory: safetensors and GGUF without numbers.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace zoometer::testing {

/// A safetensors file with that header and so many bytes of data.
inline std::string safetensors(const std::string& header, std::size_t data_bytes) {
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(header.size() >> (8 * i) & 0xFF);
  return file + header + std::string(data_bytes, '\0');
}

/// Writes a GGUF file.
class GgufWriter {
 public:
  explicit GgufWriter(std::uint32_t version = 3, bool is_big_endian = false)
      : version_(version),
        is_big_endian_(is_big_endian) {}

  GgufWriter& text_key(std::string_view key, std::string_view value) {
    return raw_key(key, 8, string(value));
  }
  GgufWriter& size_key(std::string_view key, std::uint32_t value) {
    return raw_key(key, 4, number(value));
  }
  GgufWriter& flag_key(std::string_view key, bool value) {
    return raw_key(key, 7, std::string(1, value ? '\1' : '\0'));
  }
  /// An array of texts: a vocabulary.
  GgufWriter& texts_key(std::string_view key, std::size_t texts) {
    std::string value = number(std::uint32_t{8}) + count(texts);
    for (std::size_t i = 0; i < texts; ++i) value += string("t" + std::to_string(i));
    return raw_key(key, 9, value);
  }
  GgufWriter& sizes_key(std::string_view key, const std::vector<std::uint32_t>& sizes) {
    std::string value = number(std::uint32_t{4}) + count(sizes.size());
    for (const std::uint32_t size : sizes) value += number(size);
    return raw_key(key, 9, value);
  }
  GgufWriter& raw_key(std::string_view key, std::uint32_t type, const std::string& value) {
    keys_ += string(key) + number(type) + value;
    ++key_count_;
    return *this;
  }
  /// Sizes are the innermost first, as in files. `bytes` of data follow the other tensors'.
  GgufWriter& tensor(std::string_view name, const std::vector<std::uint64_t>& sizes,
                     std::uint32_t type, std::uint64_t bytes) {
    tensor_at(name, sizes, type, data_);
    data_ = (data_ + bytes + 31) / 32 * 32;
    return *this;
  }
  GgufWriter& tensor_at(std::string_view name, const std::vector<std::uint64_t>& sizes,
                        std::uint32_t type, std::uint64_t begin) {
    tensors_ += string(name) + number(static_cast<std::uint32_t>(sizes.size()));
    for (const std::uint64_t size : sizes) tensors_ += count(size);
    tensors_ += number(type) + number(begin);
    ++tensor_count_;
    return *this;
  }

  std::string number(auto value) const {
    std::string bytes(sizeof(value), '\0');
    std::memcpy(bytes.data(), &value, sizeof(value));
    if (is_big_endian_) std::ranges::reverse(bytes);
    return bytes;
  }
  /// A count or a length, which version 1 has in 32 bits.
  std::string count(std::uint64_t value) const {
    return version_ == 1 ? number(static_cast<std::uint32_t>(value)) : number(value);
  }
  std::string string(std::string_view text) const { return count(text.size()) + std::string(text); }

  std::string header() const {
    std::string file =
        "GGUF" + number(version_) + count(tensor_count_) + count(key_count_) + keys_ + tensors_;
    file.resize((file.size() + 31) / 32 * 32);
    return file;
  }
  std::string file() const { return header() + std::string(data_, '\0'); }

 private:
  std::uint32_t version_;
  bool is_big_endian_;
  std::string keys_;
  std::string tensors_;
  std::uint64_t key_count_ = 0;
  std::uint64_t tensor_count_ = 0;
  std::uint64_t data_ = 0;
};

/// A folder for the files of a test.
class Folder {
 public:
  Folder() {
    std::string pattern = ::testing::TempDir() + "zoometer_weights_XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  std::string path(std::string_view name = {}) const { return (path_ / name).string(); }
  std::string write(std::string_view name, const std::string& content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path(name);
  }

 private:
  std::filesystem::path path_;
};

}  // namespace zoometer::testing
