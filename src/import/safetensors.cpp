#include "import/safetensors.hpp"

#include <utility>

#include "import/weights/safetensors_header.hpp"
#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {

Safetensors::Safetensors(const std::string& path) : Safetensors(MappedFile(path)) {}

/// Gaps between tensors are no error here: each is found by its own offset.
Safetensors::Safetensors(MappedFile file) : file_(std::move(file)) {
  StoredWeights weights;
  const std::size_t begin = read_safetensors_header(file_, weights);
  if (weights.headers_only > 0) {
    Error error(ErrorCode::malformed, "the file is a header only, without the numbers");
    error.place.model = file_.path();
    throw error;
  }
  const std::string_view data = file_.text().substr(begin);
  for (const StoredTensor& tensor : weights.tensors()) {
    if (tensor.type->dtype == DType::unknown) {
      Error error(ErrorCode::malformed, "the tensor " + escape_controls(tensor.name) +
                                            " has a dtype that graphs do not have");
      error.place.model = file_.path();
      throw error;
    }
    tensors_.emplace(tensor.name,
                     SafeTensor{tensor.type->dtype,
                                {tensor.shape.begin(), tensor.shape.end()},
                                data.substr(static_cast<std::size_t>(tensor.begin),
                                            static_cast<std::size_t>(tensor.bytes()))});
  }
}

const SafeTensor* Safetensors::find(std::string_view name) const {
  const auto found = tensors_.find(std::string(name));
  return found == tensors_.end() ? nullptr : &found->second;
}

}  // namespace zoometer
