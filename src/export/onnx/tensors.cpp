#include "export/onnx/tensors.hpp"

#include <limits>
#include <protozero/pbf_writer.hpp>

#include "util/text.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

// Field numbers of onnx.proto.
constexpr protozero::pbf_tag_type graph_of_model = 7;
constexpr protozero::pbf_tag_type initializer_of_graph = 5;
namespace stored_tensor_field {
constexpr protozero::pbf_tag_type sizes = 1;
constexpr protozero::pbf_tag_type type = 2;
constexpr protozero::pbf_tag_type name = 8;
constexpr protozero::pbf_tag_type raw = 9;
constexpr protozero::pbf_tag_type external = 13;
constexpr protozero::pbf_tag_type location = 14;
}  // namespace stored_tensor_field
namespace stored_entry_field {
constexpr protozero::pbf_tag_type key = 1;
constexpr protozero::pbf_tag_type value = 2;
}  // namespace stored_entry_field

constexpr std::int32_t external_location = 1;
constexpr std::int64_t page = 4096;  // external data begins at pages, so that it can be mapped
constexpr std::int64_t small_tensor = 1024;  // bytes up to which a tensor stays in the model
constexpr std::size_t largest_message = std::numeric_limits<std::int32_t>::max();

void add_external_entry(protozero::pbf_writer& tensor, std::string_view key,
                        std::string_view value) {
  protozero::pbf_writer entry(tensor, stored_tensor_field::external);
  entry.add_string(stored_entry_field::key, key.data(), key.size());
  entry.add_string(stored_entry_field::value, value.data(), value.size());
}

}  // namespace

OnnxTensors::OnnxTensors(std::string& graph_fields, const std::string& external_data)
    : fields_(graph_fields),
      path_(external_data) {
  if (!path_.empty()) file_.emplace(path_);
}

std::size_t OnnxTensors::size_in_model(std::int64_t bytes) const noexcept {
  const bool is_inside = !file_ || bytes <= small_tensor;
  return 256 + (is_inside ? static_cast<std::size_t>(bytes) : 0);
}

void OnnxTensors::add(const OnnxTensorType& type, std::string_view bytes) {
  protozero::pbf_writer graph(fields_);
  protozero::pbf_writer tensor(graph, initializer_of_graph);
  for (const std::int64_t size : type.shape) tensor.add_int64(stored_tensor_field::sizes, size);
  tensor.add_int32(stored_tensor_field::type, type.type);
  tensor.add_string(stored_tensor_field::name, type.name.data(), type.name.size());
  if (!file_ || static_cast<std::int64_t>(bytes.size()) <= small_tensor)
    return tensor.add_bytes(stored_tensor_field::raw, bytes.data(), bytes.size());

  const std::string padding(static_cast<std::size_t>((page - offset_ % page) % page), '\0');
  file_->write(padding);
  offset_ += static_cast<std::int64_t>(padding.size());
  file_->write(bytes);
  const std::size_t slash = path_.rfind('/');
  add_external_entry(tensor, "location",
                     slash == std::string::npos ? path_ : path_.substr(slash + 1));
  add_external_entry(tensor, "offset", std::to_string(offset_));
  add_external_entry(tensor, "length", std::to_string(bytes.size()));
  tensor.add_enum(stored_tensor_field::location, external_location);
  offset_ += static_cast<std::int64_t>(bytes.size());
}

void OnnxTensors::finish() {
  if (file_) file_->finish();
}

void check_onnx_size(std::size_t bytes) {
  if (bytes <= largest_message) return;
  Error error(ErrorCode::limit, "an ONNX model has at most 2 GiB, this one has " +
                                    format_bytes(static_cast<std::int64_t>(bytes)));
  error.hint = "--external-data writes the parameters to a file beside it";
  throw error;
}

std::string join_onnx_model(const std::string& head, std::string graph_fields) {
  check_onnx_size(head.size() + graph_fields.size());
  // The graph's fields stay in place; only the fields before them are inserted.
  constexpr std::uint32_t length_delimited = 2;
  std::string front = head;
  protozero::add_varint_to_buffer(&front, (graph_of_model << 3U) | length_delimited);
  protozero::add_varint_to_buffer(&front, graph_fields.size());
  graph_fields.insert(0, front);
  return graph_fields;
}

}  // namespace zoometer
