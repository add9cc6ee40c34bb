#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "util/mapped_file.hpp"
#include "util/seeded_hash.hpp"
#include "zoometer/ir/dtype.hpp"

namespace zoometer {

/// One tensor of a safetensors file. Its bytes are in the mapped file, little-endian.
struct SafeTensor {
  DType dtype = DType::float32;
  std::vector<std::int64_t> shape;
  std::string_view bytes;
};

/// The tensors of a safetensors file: 8 bytes with the length of a header, the header in JSON,
/// {name: {dtype, shape, data_offsets}}, then the data. A file of weights, not of a model.
class Safetensors {
 public:
  /// Throws Error{io} if the file cannot be read, Error{malformed} with the tensor's name if
  /// it contradicts its format.
  explicit Safetensors(const std::string& path);
  /// The same for an open file.
  explicit Safetensors(MappedFile file);

  /// The tensor of that name, or null. Lives as long as this object.
  const SafeTensor* find(std::string_view name) const;
  std::size_t size() const noexcept { return tensors_.size(); }
  const std::string& path() const noexcept { return file_.path(); }
  /// Call it after a tensor's bytes were read: throws Error{io} if they could not be.
  void check() const { file_.check(); }

 private:
  MappedFile file_;
  TextMap<SafeTensor> tensors_;
};

}  // namespace zoometer
