#include <protozero/pbf_writer.hpp>

#include "export/onnx/builder.hpp"
#include "export/onnx/export_rule.hpp"
#include "export/onnx/onnx_copy.hpp"
#include "export/onnx/tensors.hpp"
#include "export/onnx/weights.hpp"
#include "report/graph_writer.hpp"
#include "util/text.hpp"
#include "zoometer/version.hpp"

namespace zoometer {
namespace {

// Field numbers of onnx.proto.
namespace model_field {
constexpr protozero::pbf_tag_type ir_version = 1;
constexpr protozero::pbf_tag_type producer = 2;
constexpr protozero::pbf_tag_type producer_version = 3;
constexpr protozero::pbf_tag_type opset = 8;
constexpr protozero::pbf_tag_type metadata = 14;
}  // namespace model_field
namespace opset_field {
constexpr protozero::pbf_tag_type domain = 1;
constexpr protozero::pbf_tag_type version = 2;
}  // namespace opset_field
namespace written_graph_field {
constexpr protozero::pbf_tag_type name = 2;
constexpr protozero::pbf_tag_type input = 11;
constexpr protozero::pbf_tag_type output = 12;
constexpr protozero::pbf_tag_type value_info = 13;
}  // namespace written_graph_field
namespace entry_field {
constexpr protozero::pbf_tag_type key = 1;
constexpr protozero::pbf_tag_type value = 2;
}  // namespace entry_field

void add_entry(protozero::pbf_writer& parent, protozero::pbf_tag_type tag, std::string_view key,
               std::string_view value) {
  protozero::pbf_writer entry(parent, tag);
  entry.add_string(entry_field::key, key.data(), key.size());
  entry.add_string(entry_field::value, value.data(), value.size());
}

std::string_view kind_of(ParameterKind kind) {
  switch (kind) {
  case ParameterKind::parameter: return "parameter";
  case ParameterKind::buffer: return "buffer";
  case ParameterKind::transient_buffer: return "transient_buffer";
  case ParameterKind::quantisation: return "quantisation";
  case ParameterKind::constant: return "constant";
  }
  return "parameter";
}

class OnnxFile {
 public:
  OnnxFile(const GraphInput& input, const GraphOptions& options, std::int64_t opset)
      : input_(input),
        options_(options),
        graph_(input.graph),
        builder_(input.graph, opset) {}

  std::string write() {
    for (std::size_t i = 0; i < graph_.nodes().size(); ++i)
      write_onnx_node(builder_, static_cast<NodeId>(i));
    builder_.add_outputs(further_outputs());
    note_own_nodes();
    fields_ = builder_.nodes();
    {
      protozero::pbf_writer fields(fields_);
      fields.add_string(written_graph_field::name, to_utf8(escape_controls(input_.model)));
      write_ports(fields);
    }
    if (options_.weights == WeightData::omitted) {
      write_parameters_as_inputs();
    } else {
      write_initializers();
    }
    return finish();
  }

 private:
  void note_own_nodes() const {
    if (options_.remarks == nullptr) return;
    for (const auto& [what, count] : builder_.own_nodes()) {
      options_.remarks->push_back(std::to_string(count) + " x " + what +
                                  ", is written in the domain " + std::string(own_domain) +
                                  ", which other programs cannot run");
    }
  }

  Ints sizes_of(ValueId value) const {
    Ints sizes = graph_.shape(value);
    if (const auto open = builder_.open_axis(value)) sizes[static_cast<std::size_t>(*open)] = -1;
    return sizes;
  }

  std::string info_of(std::string_view name, ValueId value) const {
    return onnx_value_info(name, graph_.value(value).dtype, sizes_of(value));
  }

  /// What the program leaves in its buffers and inputs.
  std::span<const Port> further_outputs() const {
    return input_.file ? std::span<const Port>(input_.file->updates) : std::span<const Port>();
  }

  void write_ports(protozero::pbf_writer& fields) const {
    for (const Port& port : graph_.inputs())
      fields.add_message(written_graph_field::input,
                         info_of(builder_.name_of(port.value), port.value));
    std::vector<bool> is_output(graph_.values().size());
    for (std::size_t i = 0; i < graph_.outputs().size(); ++i) {
      const ValueId value = graph_.outputs()[i].value;
      is_output[value] = true;
      fields.add_message(written_graph_field::output, info_of(builder_.outputs()[i], value));
    }
    for (std::size_t i = 0; i < further_outputs().size(); ++i)
      fields.add_message(
          written_graph_field::output,
          info_of(builder_.outputs()[graph_.outputs().size() + i], further_outputs()[i].value));
    for (const Node& node : graph_.nodes()) {
      for (ValueId value = node.first_output; value < node.first_output + node.output_count;
           ++value) {
        // The output of an unknown operator may have an unknown type.
        if (!is_output[value] && graph_.value(value).dtype != DType::unknown)
          fields.add_message(written_graph_field::value_info,
                             info_of(builder_.name_of(value), value));
      }
    }
  }

  /// The stored parameters, in the state dict's order.
  std::vector<ParameterId> stored_parameters() const {
    std::vector<ParameterId> stored;
    for (const ParameterId id : graph_.parameters_in_order()) {
      if (graph_.parameters()[id].shared_with == no_id) stored.push_back(id);
    }
    return stored;
  }

  /// As torch.onnx.export does without parameters: they are inputs after the model's own.
  void write_parameters_as_inputs() {
    protozero::pbf_writer fields(fields_);
    for (const ParameterId id : stored_parameters()) {
      const ValueId value = graph_.parameters()[id].value;
      fields.add_message(written_graph_field::input, info_of(builder_.name_of(value), value));
    }
    for (const OnnxWeightScale& scale : builder_.weight_scales())
      fields.add_message(written_graph_field::input,
                         onnx_value_info(scale.name, DType::float32, {channels_of(scale)}));
  }

  std::int64_t channels_of(const OnnxWeightScale& scale) const {
    return graph_.shape(graph_.parameters()[scale.weight].value)[0];
  }

  void write_initializers() {
    const OnnxWeights weights(graph_, options_);
    OnnxTensors tensors(fields_, options_.external_data);
    const std::vector<ParameterId> stored = stored_parameters();
    reserve(stored, tensors);
    std::string scratch;
    for (const ParameterId id : stored) {
      const ValueId value = graph_.parameters()[id].value;
      const int type = onnx_type_of(graph_.value(value).dtype);
      tensors.add({builder_.name_of(value), type, graph_.shape(value)}, weights.bytes(id, scratch));
    }
    for (const OnnxWeightScale& scale : builder_.weight_scales()) {
      const Shape shape{channels_of(scale)};
      tensors.add({scale.name, onnx_type_of(DType::float32), shape},
                  weights.scale_bytes(scale.name, scale.weight, scratch));
    }
    tensors.finish();
  }

  /// Reserves the size of the model. Throws if it exceeds the limit of a message.
  void reserve(std::span<const ParameterId> stored, const OnnxTensors& tensors) {
    std::size_t size = fields_.size();
    for (const ParameterId id : stored)
      size += tensors.size_in_model(graph_.bytes(graph_.parameters()[id].value));
    for (const OnnxWeightScale& scale : builder_.weight_scales())
      size += 256 + sizeof(float) * static_cast<std::size_t>(channels_of(scale));
    check_onnx_size(size);
    fields_.reserve(size);
  }

  // -- metadata for this program ------------------------------------------------------------------

  /// A line per module: its path and its type. Names of nodes show neither types nor modules that
  /// are never called.
  std::string module_lines() const {
    std::string lines;
    for (const ModuleId id : graph_.modules_in_order())
      add_line(lines, graph_.module_path(id), graph_.modules()[id].kind);
    return lines;
  }
  /// A line per parameter: its name and its kind.
  std::string parameter_lines() const {
    std::string lines;
    for (const ParameterId id : stored_parameters()) {
      const Parameter& parameter = graph_.parameters()[id];
      add_line(lines, builder_.name_of(parameter.value), kind_of(parameter.kind));
    }
    for (const OnnxWeightScale& scale : builder_.weight_scales())
      add_line(lines, scale.name, kind_of(ParameterKind::transient_buffer));
    return lines;
  }
  static void add_line(std::string& lines, std::string_view first, std::string_view second) {
    lines += to_utf8(escape_controls(first));
    lines += '\t';
    lines += to_utf8(escape_controls(second));
    lines += '\n';
  }

  std::string finish() {
    std::string head;
    protozero::pbf_writer model(head);
    model.add_int64(model_field::ir_version, onnx_ir_version);
    model.add_string(model_field::producer, "zoometer");
    model.add_string(model_field::producer_version, ZOOMETER_VERSION);
    {
      protozero::pbf_writer opset(model, model_field::opset);
      opset.add_string(opset_field::domain, "");
      opset.add_int64(opset_field::version, builder_.opset());
    }
    if (!builder_.own_nodes().empty()) {
      protozero::pbf_writer opset(model, model_field::opset);
      opset.add_string(opset_field::domain, own_domain.data(), own_domain.size());
      opset.add_int64(opset_field::version, own_opset);
    }
    add_entry(model, model_field::metadata, "zoometer.model",
              to_utf8(escape_controls(input_.model)));
    add_entry(model, model_field::metadata, "zoometer.modules", module_lines());
    add_entry(model, model_field::metadata, "zoometer.parameters", parameter_lines());
    return join_onnx_model(head, std::move(fields_));
  }

  const GraphInput& input_;
  const GraphOptions& options_;
  const Graph& graph_;
  OnnxBuilder builder_;
  std::string fields_;  // of the GraphProto
};

std::string write_onnx(const GraphInput& input, const GraphOptions& options) {
  if (input.file && !input.file->is_in_memory) {
    if (std::optional<std::string> copy = copy_onnx_file(*input.file, options))
      return *std::move(copy);
  }
  for (const Repeat& repeat : input.graph.repeats()) {
    if (repeat.times == 1) continue;
    Error error(ErrorCode::unsupported, "a model with long loops cannot be written as ONNX",
                {"loops that are short enough to be unrolled",
                 "nodes that run " + std::to_string(repeat.times) + " times"});
    error.hint = "--trips NAME=N makes a loop shorter";
    throw error;
  }
  try {
    return OnnxFile(input, options, onnx_opset).write();
  } catch (const OnnxNeedsOpset& needed) {
    return OnnxFile(input, options, needed.version).write();
  }
}

}  // namespace

extern constinit const GraphWriter onnx_graph_writer = {
    .name = "onnx",
    .summary = "an ONNX model of opset 17 (18 where an operator needs it), or of the version of "
               "the ONNX file that was read; without "
               "weights, these are inputs after the model's own",
    .write = write_onnx,
    .has_weights = true,
    .is_binary = true};

}  // namespace zoometer
