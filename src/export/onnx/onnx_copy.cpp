#include "export/onnx/onnx_copy.hpp"

#include <algorithm>
#include <filesystem>
#include <protozero/pbf_writer.hpp>
#include <vector>

#include "export/onnx/builder.hpp"
#include "export/onnx/tensors.hpp"
#include "export/onnx/weights.hpp"
#include "import/onnx/reader.hpp"
#include "util/protobuf.hpp"
#include "util/seeded_hash.hpp"

namespace zoometer {
namespace {

// Field numbers of onnx.proto.
namespace copied_model_field {
constexpr protozero::pbf_tag_type graph = 7;
constexpr protozero::pbf_tag_type metadata = 14;
constexpr protozero::pbf_tag_type training = 20;
}  // namespace copied_model_field
namespace copied_graph_field {
constexpr protozero::pbf_tag_type node = 1;
constexpr protozero::pbf_tag_type initializer = 5;
constexpr protozero::pbf_tag_type input = 11;
constexpr protozero::pbf_tag_type output = 12;
constexpr protozero::pbf_tag_type value_info = 13;
constexpr protozero::pbf_tag_type sparse_initializer = 15;
}  // namespace copied_graph_field
namespace copied_entry_field {
constexpr protozero::pbf_tag_type key = 1;
constexpr protozero::pbf_tag_type value = 2;
}  // namespace copied_entry_field

/// TensorProto.DataType of a TypeProto of a tensor; 0 for other types.
int data_type_of(std::string_view type) {
  std::int64_t result = 0;
  ProtobufFields fields(type, type.data(), "TypeProto");
  while (fields.next()) {
    if (fields.number() != 1) continue;
    ProtobufFields tensor(fields.bytes(), type.data(), "TypeProto.Tensor");
    while (tensor.next()) {
      if (tensor.number() == 1) result = tensor.integer();
    }
  }
  return static_cast<int>(result);
}

void copy_bytes(protozero::pbf_writer& to, protozero::pbf_tag_type tag, std::string_view bytes) {
  to.add_bytes(tag, bytes.data(), bytes.size());
}

/// Writes a field as it is. Those of the messages copied here are integers and blocks.
void copy_field(protozero::pbf_writer& to, ProtobufFields& field) {
  const auto number = static_cast<protozero::pbf_tag_type>(field.number());
  if (field.wire_type() == protozero::pbf_wire_type::varint) {
    to.add_int64(number, field.integer());
  } else if (field.wire_type() == protozero::pbf_wire_type::length_delimited) {
    copy_bytes(to, number, field.bytes());
  }
}

class OnnxCopy {
 public:
  OnnxCopy(const MappedFile& file, const TraceOptions& read_with, const GraphOptions& options,
           OnnxOrder order)
      : file_(file),
        options_(options),
        records_(file.text()),
        reader_(file, read_with, graph_, notes_, order) {}

  std::string write() {
    reader_.read(&values_);
    tensors_.emplace(fields_, options_.external_data);
    if (options_.weights != WeightData::omitted) weights_.emplace(graph_, options_);
    std::string head = copy_model();
    for (const std::string& input : weight_inputs_)
      copy_graph_field(copied_graph_field::input, input);
    tensors_->finish();
    return join_onnx_model(head, std::move(fields_));
  }

 private:
  std::string copy_model() {
    std::string head;
    protozero::pbf_writer model(head);
    bool declares_weights = false;
    ProtobufFields fields(file_.text(), file_.text().data(), "ModelProto");
    while (fields.next()) {
      if (fields.number() == copied_model_field::graph) {
        copy_graph(fields.bytes());
      } else if (fields.number() == copied_model_field::metadata) {
        declares_weights |= copy_metadata(model, fields.bytes());
      } else if (fields.number() != copied_model_field::training) {
        copy_field(model, fields);
      }
    }
    if (!weight_lines_.empty() && !declares_weights) {
      protozero::pbf_writer entry(model, copied_model_field::metadata);
      entry.add_string(copied_entry_field::key, onnx_weights_key.data(), onnx_weights_key.size());
      entry.add_string(copied_entry_field::value, weight_lines_);
    }
    return head;
  }

  /// Copies an entry, except for one that this file writes itself. Whether it lists parameters.
  static bool copy_metadata(protozero::pbf_writer& model, std::string_view entry) {
    std::string_view key;
    ProtobufFields fields(entry, entry.data(), "StringStringEntryProto");
    while (fields.next()) {
      if (fields.number() == copied_entry_field::key) key = fields.bytes();
    }
    if (key != onnx_weights_key) copy_bytes(model, copied_model_field::metadata, entry);
    return key == "zoometer.parameters";
  }

  void copy_graph(std::string_view message) {
    const OnnxGraph read = records_.graph(message);
    for (const OnnxValueInfo& output : read.outputs) is_output_.insert(output.name);
    for (const std::string_view node : reader_.in_order(read.nodes)) copy_node(node);
    ProtobufFields fields(message, file_.text().data(), "GraphProto");
    while (fields.next()) {
      switch (fields.number()) {
      case copied_graph_field::initializer: copy_initializer({fields.bytes(), false}); break;
      case copied_graph_field::sparse_initializer: copy_initializer({fields.bytes(), true}); break;
      case copied_graph_field::input: copy_input(fields.bytes()); break;
      case copied_graph_field::output: copy_output(fields.bytes()); break;
      case copied_graph_field::node:
      case copied_graph_field::value_info: break;
      default: {
        protozero::pbf_writer graph(fields_);
        copy_field(graph, fields);
      }
      }
    }
  }

  void copy_graph_field(protozero::pbf_tag_type tag, std::string_view bytes) {
    protozero::pbf_writer graph(fields_);
    copy_bytes(graph, tag, bytes);
  }

  const OnnxValue* find(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? nullptr : &found->second;
  }

  // -- nodes and types ----------------------------------------------------------------------------

  void copy_node(std::string_view message) {
    copy_graph_field(copied_graph_field::node, message);
    records_.node(message, node_);
    const bool has_graph = std::ranges::any_of(
        node_.attributes, [](const OnnxAttribute& each) { return !each.graph.empty(); });
    if (has_graph) return;  // one branch of several was read
    for (const std::string_view name : node_.outputs) {
      const OnnxValue* value = find(name);
      if (value == nullptr || value->id == no_id || !has_exact_shape(*value)) continue;
      if (is_output_.contains(name)) continue;
      const Value& made = graph_.value(value->id);
      if (!made.is_computed()) continue;
      if (const int type = find_onnx_type(made.dtype); type != 0)
        copy_graph_field(copied_graph_field::value_info,
                         onnx_value_info(name, type, graph_.shape(value->id)));
    }
  }

  bool has_exact_shape(const OnnxValue& value) const {
    if (!value.is_tensor() || value.shapeless) return false;
    if (value.id == no_id) return true;
    const Value& made = graph_.value(value.id);
    return !made.has(Value::bounded) && !made.has(Value::assumed);
  }

  /// A port with the sizes that were inferred, or as it is where they are not exact.
  void copy_port(protozero::pbf_tag_type tag, std::string_view message) {
    const OnnxValueInfo info = records_.value_info(message);
    const OnnxValue* value = find(info.name);
    const int type = data_type_of(info.type);  // 0 for sequences, optional values and maps
    if (value == nullptr || type == 0 || !has_exact_shape(*value))
      return copy_graph_field(tag, message);
    copy_graph_field(tag, onnx_value_info(info.name, type, reader_.shape_of(*value)));
  }

  void copy_output(std::string_view message) { copy_port(copied_graph_field::output, message); }

  void copy_input(std::string_view message) {
    const OnnxValueInfo info = records_.value_info(message);
    const OnnxValue* value = find(info.name);
    const StoredTensor* stored = value == nullptr ? nullptr : value->stored;
    if (stored == nullptr) return copy_port(copied_graph_field::input, message);
    // An initializer that older files have among the inputs, or a weight of a file without weights.
    if (!stored->message.empty()) {
      if (!is_replaced(*stored)) copy_graph_field(copied_graph_field::input, message);
      return;
    }
    write_weight({info.name, data_type_of(info.type), stored->type->shape}, *stored);
  }

  // -- weights ------------------------------------------------------------------------------------

  /// Whether the data of a tensor is replaced: it is a weight, or large, and no shape depends on
  /// it. What else the file has, such as scales of integers, indices and limits, stays as it is.
  bool is_replaced(const StoredTensor& stored) const {
    if (stored.id == no_id || stored.was_read || !graph_.value(stored.id).has(Value::is_parameter))
      return false;
    if (options_.weights == WeightData::file) return true;
    const Parameter& parameter = graph_.parameters()[graph_.value(stored.id).producer];
    const auto count = static_cast<std::size_t>(stored.type->numel);
    return count > OnnxReader::most_known ||
           (count > 1 && parameter.kind == ParameterKind::parameter);
  }

  void copy_initializer(const OnnxInitializer& initializer) {
    const OnnxTensor tensor = records_.tensor(initializer);
    const OnnxValue* value = find(tensor.name);
    const StoredTensor* stored = value == nullptr ? nullptr : value->stored;
    if (stored != nullptr && is_replaced(*stored)) {
      return write_weight({tensor.name, static_cast<int>(tensor.data_type), stored->type->shape},
                          *stored);
    }
    if (tensor.is_external) return copy_external(tensor);
    copy_graph_field(initializer.is_sparse ? copied_graph_field::sparse_initializer
                                           : copied_graph_field::initializer,
                     initializer.message);
  }

  /// The copy may be in another folder, so that it gets the data of tensors that it needs itself.
  void copy_external(const OnnxTensor& tensor) {
    const OnnxTensorType type{tensor.name, static_cast<int>(tensor.data_type), tensor.shape};
    const OnnxRecords::External place = records_.external(tensor);
    const std::filesystem::path folder = std::filesystem::path(file_.path()).parent_path();
    const auto size = static_cast<std::size_t>(onnx_bytes(tensor));
    try {
      const MappedFile data((folder / place.location).string());
      const auto offset = static_cast<std::size_t>(place.offset);
      if (offset <= data.size() && size <= data.size() - offset) {
        const std::string bytes(data.text().substr(offset, size));
        data.check();
        return tensors_->add(type, bytes);
      }
    } catch (const Error&) {  // the file beside the model is missing
    }
    weight_inputs_.push_back(onnx_value_info(type.name, type.type, type.shape));
  }

  void write_weight(const OnnxTensorType& type, const StoredTensor& stored) {
    if (weights_ && stored.id != no_id && graph_.value(stored.id).has(Value::is_parameter)) {
      check_onnx_size(fields_.size() + tensors_->size_in_model(graph_.bytes(stored.id)));
      tensors_->add(type, weights_->bytes(graph_.value(stored.id).producer, scratch_));
      return;
    }
    weight_inputs_.push_back(onnx_value_info(type.name, type.type, type.shape));
    weight_lines_.append(type.name).append("\n");
  }

  const MappedFile& file_;
  const GraphOptions& options_;
  Graph graph_;
  ImportNotes notes_;
  OnnxRecords records_;
  OnnxReader reader_;
  OnnxValues values_;
  std::optional<OnnxWeights> weights_;
  std::optional<OnnxTensors> tensors_;
  NameSet is_output_;
  std::vector<std::string> weight_inputs_;  // ValueInfoProto each
  std::string weight_lines_;                // their names
  std::string fields_;                      // of the GraphProto
  std::string scratch_;
  OnnxNode node_;
};

}  // namespace

std::optional<std::string> copy_onnx_file(const ModelFile& source, const GraphOptions& options) {
  const MappedFile file(source.path);
  if (!looks_like_onnx(file.text())) return std::nullopt;
  const auto write = [&](OnnxOrder order) {
    return OnnxCopy(file, source.options, options, order).write();
  };
  std::string written;
  try {
    written = write(OnnxOrder::as_written);
  } catch (const OnnxOutOfOrder&) {
    written = write(OnnxOrder::sorted);
  }
  file.check();
  return written;
}

}  // namespace zoometer
