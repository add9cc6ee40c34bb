// Metadata, weights and inputs of an ONNX file.
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "import/onnx/reader.hpp"
#include "models/image_shape.hpp"
#include "util/seeded_hash.hpp"
#include "util/text.hpp"
#include "zoometer/util/checked.hpp"

namespace zoometer {
namespace {

/// Whether PyTorch's exporter made this input: "onnx::MatMul_83" is a weight that it computed. The
/// user's inputs that have no names are numbered by their position.
bool is_computed_weight(std::string_view name, std::size_t position) {
  if (!name.starts_with("onnx::")) return false;
  const std::string_view number = name.substr(name.rfind('_') + 1);
  return !number.empty() && number.find_first_not_of("0123456789") == std::string_view::npos &&
         number != std::to_string(position);
}

struct KindName {
  std::string_view name;
  ParameterKind kind;
};
constexpr KindName kind_names[] = {{"parameter", ParameterKind::parameter},
                                   {"buffer", ParameterKind::buffer},
                                   {"transient_buffer", ParameterKind::transient_buffer},
                                   {"quantisation", ParameterKind::quantisation},
                                   {"constant", ParameterKind::constant}};

/// Calls `take` with the two halves of each line "first<tab>second".
template <class Take>
void for_each_pair(std::string_view lines, Take take) {
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    const std::size_t tab = line.find('\t');
    if (tab != std::string_view::npos) take(line.substr(0, tab), line.substr(tab + 1));
  }
}

}  // namespace

/// Reads what zoometer adds to the files that it writes (see docs/export.md): modules with their
/// classes, including those that are never called, and parameters with their kinds.
void OnnxReader::read_metadata(const OnnxGraph& graph) {
  const auto text_of = [&](std::string_view key) {
    for (const auto& [name, text] : model_.metadata) {
      if (name == key) return text;
    }
    return std::string_view{};
  };
  const std::string_view modules = text_of("zoometer.modules");
  std::string_view root = graph.name;
  bool has_class = false;
  for_each_pair(modules, [&](std::string_view path, std::string_view kind) {
    if (!path.empty()) return;
    root = kind;
    has_class = true;
  });
  modules_.add_root(root, has_class);
  for_each_pair(modules, [&](std::string_view path, std::string_view kind) {
    if (!path.empty()) modules_.declare(path, kind);
  });
  std::string_view weights = text_of(onnx_weights_key);
  while (!weights.empty()) {
    const std::string_view name = weights.substr(0, weights.find('\n'));
    weights.remove_prefix(std::min(weights.size(), name.size() + 1));
    weight_inputs_.insert(name);
  }
  for_each_pair(text_of("zoometer.parameters"), [&](std::string_view name, std::string_view kind) {
    const auto known = std::ranges::find(kind_names, kind, &KindName::name);
    if (known == std::end(kind_names)) return;
    if (declared_kinds_.emplace(name, known->kind).second) declared_names_.push_back(name);
  });
}

/// Parameters are in the state dict's order, not in the order of their first use.
void OnnxReader::enter_declared(OnnxFrame& frame) {
  graph_.set_current_module(0);
  for (const std::string_view name : declared_names_) {
    const OnnxValue* value = frame.scope.find(name);
    if (value != nullptr && value->stored != nullptr) enter(*value, Role::weight, name);
  }
}

void OnnxReader::add_initializers(const OnnxGraph& graph, OnnxFrame& frame) {
  for (const OnnxInitializer& initializer : graph.initializers) {
    StoredTensor* stored = store(records_.tensor(initializer), false, initializer.message);
    if (stored->name.empty()) records_.fail(initializer.message, "an initializer has no name");
    modules_.add_weight_name(stored->name);
    OnnxValue value = OnnxValue::of(stored);
    if (given_.has_values()) [[unlikely]]
      replace_elements(stored->name, value);
    frame.scope.define(stored->name, value);
  }
  const std::optional<std::string_view> duplicate = frame.scope.duplicate_name();
  if (!duplicate) return;
  const auto has_it = [&](const OnnxInitializer& initializer) {
    return records_.tensor(initializer).name == *duplicate;
  };
  const auto first = std::ranges::find_if(graph.initializers, has_it);
  const auto second = std::find_if(std::next(first), graph.initializers.end(), has_it);
  records_.fail(second->message, "duplicate initializer " + in_quotes(*duplicate));
}

const OnnxReader::DataFile& OnnxReader::data_file(std::string_view location) {
  const auto [entry, is_new] = data_files_.try_emplace(location);
  DataFile& file = entry->second;
  if (!is_new) return file;
  namespace fs = std::filesystem;
  const fs::path own = fs::path(file_.path()).parent_path();
  const fs::path path = own / std::string(location);
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    constexpr std::size_t most = 20;
    if (missing_files_.size() < most) missing_files_.emplace(location);
    return file;
  }
  std::error_code problem;
  const fs::path folder = fs::canonical(own.empty() ? fs::path(".") : own, problem);
  const fs::path real = fs::canonical(path, problem);
  const auto [end, ignored] = std::mismatch(folder.begin(), folder.end(), real.begin(), real.end());
  file = {path.string(), status.st_size, S_ISREG(status.st_mode), problem || end == folder.end()};
  return file;
}

std::string OnnxReader::external_file(const OnnxTensor& tensor,
                                      const OnnxRecords::External& place) {
  const DataFile& file = data_file(place.location);
  if (!file.is_inside) {
    records_.fail(tensor.message, "the external data of tensor " + in_quotes(tensor.name) +
                                      " is outside of the model's folder, through a link");
  }
  const std::int64_t needed = checked_add(place.offset, std::max<std::int64_t>(place.length, 0));
  if (file.has_end && needed > file.size) {
    records_.fail(tensor.message, "the external data of tensor " + in_quotes(tensor.name) +
                                      " ends at byte " + std::to_string(needed) + " of " +
                                      std::string(place.location) + ", which has " +
                                      std::to_string(file.size));
  }
  return file.path;
}

void OnnxReader::check_external(const OnnxTensor& tensor) {
  external_file(tensor, records_.external(tensor));
}

bool OnnxReader::read_external(OnnxTensor& tensor, std::string& data) {
  const OnnxRecords::External place = records_.external(tensor);
  const std::string path = external_file(tensor, place);
  data.resize(static_cast<std::size_t>(onnx_bytes(tensor)));
  std::ifstream file(path, std::ios::binary);
  std::error_code problem;
  const bool is_read = !path.empty() && std::filesystem::is_regular_file(path, problem) &&
                       file.seekg(place.offset) &&
                       file.read(data.data(), static_cast<std::streamsize>(data.size()));
  if (!is_read) {
    constexpr std::size_t most = 20;
    if (missing_tensors_.size() < most) missing_tensors_.emplace(tensor.name);
    return false;
  }
  tensor.raw_data = data;
  tensor.is_external = false;
  return true;
}

/// Files that were exported without their weights have them as inputs after the real ones.
std::vector<bool> OnnxReader::find_weight_inputs(const OnnxGraph& graph) {
  std::vector<bool> is_weight(graph.inputs.size(), false);
  if (!declared_names_.empty()) {
    for (std::size_t i = 0; i < graph.inputs.size(); ++i)
      is_weight[i] = declared_kinds_.contains(graph.inputs[i].name);
    return is_weight;
  }
  if (!weight_inputs_.empty()) {
    for (std::size_t i = 0; i < graph.inputs.size(); ++i)
      is_weight[i] = weight_inputs_.contains(graph.inputs[i].name);
    return is_weight;
  }
  const bool has_weights =
      std::any_of(stored_.begin(), stored_.end(), [](const StoredTensor* item) {
        return is_floating(item->dtype) && !item->type->shape.empty();
      });
  const bool has_positions = std::ranges::any_of(
      options_.inputs, [](const InputShape& each) { return each.name.empty(); });
  if (has_weights || graph.inputs.size() < 2 || has_positions) return is_weight;

  NameMap<std::size_t> indices;
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) indices.emplace(graph.inputs[i].name, i);
  OnnxNode node;
  NameMap<std::string_view> aliases;
  for (const std::string_view message : graph.nodes) {
    records_.node(message, node);
    if (node.op_type == "Identity" && node.inputs.size() == 1 && node.outputs.size() == 1) {
      const auto source = aliases.find(node.inputs[0]);
      aliases.emplace(node.outputs[0], source == aliases.end() ? node.inputs[0] : source->second);
    }
    const OnnxOperator* row = handlers_for(node).row;
    if (row == nullptr) continue;
    for (std::size_t k = 1; k < node.inputs.size(); ++k) {
      if (!row->rest.weights.has(k) && !row->rest.statistics.has(k)) continue;
      const auto alias = aliases.find(node.inputs[k]);
      const auto found = indices.find(alias == aliases.end() ? node.inputs[k] : alias->second);
      if (found == indices.end()) continue;
      const OnnxValueInfo& info = graph.inputs[found->second];
      if (is_floating(records_.type(info.type).dtype)) is_weight[found->second] = true;
    }
  }
  for (std::size_t i = 1; i < graph.inputs.size(); ++i) {
    const OnnxValueInfo& info = graph.inputs[i];
    const bool is_own =
        has_own_weight_name(info.name) && is_floating(records_.type(info.type).dtype);
    if (is_own || has_weight_name(info.name)) is_weight[i] = true;
  }
  is_weight[0] = false;
  if (model_.producer_name == "pytorch") take_torch_weights(graph, is_weight);
  for (const InputShape& given : options_.inputs) {
    const auto found = indices.find(given.name);
    if (found != indices.end()) is_weight[found->second] = false;
  }
  return is_weight;
}

/// PyTorch's exporter writes the user's inputs, then the state dict, then what it computed from it.
void OnnxReader::take_torch_weights(const OnnxGraph& graph, std::vector<bool>& is_weight) {
  std::size_t first = 1;
  while (first < graph.inputs.size() && !has_weight_name(graph.inputs[first].name) &&
         !is_computed_weight(graph.inputs[first].name, first))
    ++first;
  std::fill(is_weight.begin() + static_cast<std::ptrdiff_t>(first), is_weight.end(), true);
  std::string open;  // parameters of the model itself have any name
  for (std::size_t i = 1; i < first; ++i) {
    const OnnxValueInfo& info = graph.inputs[i];
    if (is_weight[i] || info.name.starts_with("onnx::")) continue;
    if (!is_floating(records_.type(info.type).dtype)) continue;
    open.append(open.empty() ? "" : ", ").append(info.name.substr(0, 100));
    if (open.size() > 200) break;
  }
  if (open.empty()) return;
  note(
      "the file was exported without parameters (export_params=False): an input may be one, and is "
      "taken as an input: " +
      open);
}

void OnnxReader::add_inputs(const OnnxGraph& graph, OnnxFrame& frame) {
  const std::vector<bool> is_weight = find_weight_inputs(graph);
  take_given_sizes(graph);
  std::size_t weights = 0;
  std::size_t position = 0;
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    const OnnxValueInfo& info = graph.inputs[i];
    // Before IR version 4 initializers are inputs, too.
    if (const OnnxValue* stored = frame.scope.find(info.name); stored != nullptr) {
      if (stored->stored != nullptr) continue;
      records_.fail(graph.message, "duplicate input " + in_quotes(info.name));
    }
    if (!is_weight[i]) {
      add_input(info, position++, frame);
      continue;
    }
    const OnnxType type = records_.type(info.type);
    OnnxTensor tensor;
    tensor.name = info.name;
    tensor.dtype = type.dtype;
    for (std::size_t k = 0; k < type.rank; ++k) tensor.shape.push_back(size_of(type.dimensions[k]));
    frame.scope.define(info.name, OnnxValue::of(store(tensor, false)));
    modules_.add_weight_name(info.name);
    ++weights;
  }
  if (weights > 0) {
    note("the file has no weights: " + std::to_string(weights) + " inputs are taken as weights");
  }
  check_dims(graph);
  for (const InputShape& wanted : options_.inputs) {
    const auto named = [&](const Port& port) { return port.name == wanted.name; };
    if (!wanted.name.empty() &&
        std::none_of(graph_.inputs().begin(), graph_.inputs().end(), named)) {
      throw Error(ErrorCode::unknown_name, "the model has no input " + in_quotes(wanted.name));
    }
  }
}

const InputShape* OnnxReader::given_shape(std::string_view name, std::size_t index) const {
  const InputShape* given = nullptr;
  for (std::size_t i = 0; i < options_.inputs.size(); ++i) {
    const InputShape& option = options_.inputs[i];
    if (option.name.empty() ? i == index : option.name == name) given = &option;
  }
  return given;
}

namespace {

/// The sizes that a type declares, -1 for others.
Shape declared_sizes(const OnnxType& type) {
  Shape shape;
  for (std::size_t i = 0; i < type.rank; ++i) shape.push_back(type.dimensions[i].value);
  return shape;
}

}  // namespace

Shape OnnxReader::input_shape(const OnnxValueInfo& info, const OnnxType& type, std::size_t index) {
  const InputShape* given = given_shape(info.name, index);
  Shape shape;
  if (given == nullptr) {
    add_unsized(info.name, type);
    for (std::size_t i = 0; i < type.rank; ++i) {
      const OnnxDimension& dimension = type.dimensions[i];
      if (dimension.value < 0 && dimension.name.empty()) {
        note("the size of dimension " + std::to_string(i) + " of the input " +
             std::string(info.name) + " is not declared and taken as 1");
      }
      shape.push_back(size_of(dimension));
    }
    return shape;
  }
  shape = given->shape;
  if (type.has_shape) complete_image(shape, declared_sizes(type));
  if (type.has_shape && type.rank != shape.rank()) {
    throw Error(ErrorCode::usage, "the input " + in_quotes(info.name) + ": wrong rank",
                {std::to_string(type.rank) + " dimensions", to_string(shape)});
  }
  for (std::size_t i = 0; i < type.rank; ++i) {
    const OnnxDimension& dimension = type.dimensions[i];
    if (dimension.value >= 0 || dimension.name.empty()) continue;
    see_size(dimension.name);
    const std::int64_t size = size_named(dimension.name).value_or(shape[i]);
    if (size != shape[i]) {
      throw Error(ErrorCode::usage,
                  "the symbolic size " + std::string(dimension.name) + " has two values",
                  {std::to_string(size), std::to_string(shape[i])});
    }
    dims_.set(dimension.name, size);
  }
  return shape;
}

/// Remembers how to give the sizes of an input of which some have no name.
void OnnxReader::add_unsized(std::string_view name, const OnnxType& type) {
  std::string text(name);
  bool is_unsized = false;
  for (std::size_t i = 0; i < type.rank; ++i) {
    const OnnxDimension& dimension = type.dimensions[i];
    const bool has_size = dimension.value >= 0 || !dimension.name.empty();
    is_unsized = is_unsized || !has_size;
    text.append(i == 0 ? "=" : ",").append(has_size ? std::to_string(size_of(dimension)) : "N");
  }
  if (is_unsized) unsized_.push_back(escape_controls(text));
}

/// The names of the sizes of the input that is added next.
void OnnxReader::note_size_names(const OnnxType& type) {
  SizeNames& names = notes_.input_sizes.emplace_back();
  for (std::size_t i = 0; i < type.rank; ++i) {
    const OnnxDimension& dimension = type.dimensions[i];
    names.push_back(dimension.value >= 0 ? std::nullopt
                                         : std::optional<std::string>(dimension.name));
  }
}

OnnxValue OnnxReader::sequence_input(const OnnxValueInfo& info, const OnnxType& type) {
  note("the sequence " + std::string(info.name) + " is taken to have one element");
  Shape shape;
  for (std::size_t i = 0; i < type.rank; ++i) shape.push_back(size_of(type.dimensions[i]));
  OnnxValue element;
  element.kind = OnnxValue::Kind::tensor;
  element.shapeless = !type.has_shape;
  element.id = graph_.add_input(graph_.arena().copy(info.name), shape, type.dtype);
  OnnxValue value;
  value.kind = OnnxValue::Kind::sequence;
  value.sequence = keep_sequence({element});
  return value;
}

void OnnxReader::add_input(const OnnxValueInfo& info, std::size_t index, OnnxFrame& frame) {
  const OnnxType type = records_.type(info.type);
  note_size_names(type);
  OnnxValue value;
  if (type.kind == OnnxType::Kind::sequence) {
    value = sequence_input(info, type);
  } else {
    const Shape shape = input_shape(info, type, index);
    value.kind = OnnxValue::Kind::tensor;
    find_batch(type, shape);
    value.id = graph_.add_input(graph_.arena().copy(info.name), shape, type.dtype);
    value.shapeless = !type.has_shape && shape.empty();
    if (value.shapeless) {
      graph_.mark_assumed(value.id, unknown_rank);
      note("the input " + std::string(info.name) +
           " has no declared shape; give it with --input-shape");
      unsized_.push_back(escape_controls(info.name) + "=N");
    }
    if (given_.has_values()) replace_elements(info.name, value);
  }
  frame.scope.define(info.name, value);
}

}  // namespace zoometer
