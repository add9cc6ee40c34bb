#include "program_text.hpp"

#include <algorithm>

namespace zoometer::testing {
namespace {

void add(std::string& list, const std::string& item) {
  if (!list.empty()) list += ",";
  list += item;
}

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

std::string sizes_json(const std::string& sizes) {
  if (sizes.empty() || sizes.front() == '{') return sizes;
  std::string json;
  for (std::size_t at = 0; at <= sizes.size();) {
    const std::size_t end = std::min(sizes.find(',', at), sizes.size());
    add(json, "{\"as_int\":" + sizes.substr(at, end - at) + "}");
    at = end + 1;
  }
  return json;
}

std::string meta(const std::string& sizes, int dtype) {
  return "{\"dtype\":" + std::to_string(dtype) + ",\"sizes\":[" + sizes_json(sizes) +
         "],\"requires_grad\":false,\"device\":{\"type\":\"cpu\",\"index\":null},\"strides\":[],"
         "\"storage_offset\":{\"as_int\":0},\"layout\":7}";
}

std::string tensor(const std::string& name) {
  return "{\"as_tensor\":{\"name\":" + quoted(name) + "}}";
}

/// "a,b" as a list of tensors.
std::string tensors(const std::string& names) {
  std::string list;
  for (std::size_t at = 0; at <= names.size();) {
    const std::size_t end = std::min(names.find(',', at), names.size());
    add(list, "{\"name\":" + quoted(names.substr(at, end - at)) + "}");
    at = end + 1;
  }
  return "{\"as_tensors\":[" + list + "]}";
}

std::string argument_json(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  std::string value = text.substr(equals + 1);
  const std::string inside = value.size() > 2 ? value.substr(2, value.size() - 3) : std::string();
  if (value.starts_with("T(")) value = tensor(inside);
  if (value.starts_with("I(")) value = "{\"as_ints\":[" + inside + "]}";
  if (value.starts_with("i(")) value = "{\"as_int\":" + inside + "}";
  if (value.starts_with("f(")) value = "{\"as_float\":" + inside + "}";
  if (value.starts_with("b(")) value = "{\"as_bool\":" + inside + "}";
  if (value.starts_with("S(")) value = "{\"as_string\":" + quoted(inside) + "}";
  if (value.starts_with("L(")) value = tensors(inside);
  return "{\"name\":" + quoted(name) + ",\"arg\":" + value + ",\"kind\":1}";
}

}  // namespace

ProgramText& ProgramText::value(const std::string& name, const std::string& sizes, int dtype) {
  add(values_, quoted(name) + ":" + meta(sizes, dtype));
  return *this;
}

ProgramText& ProgramText::parameter(const std::string& argument, const std::string& name,
                                    const std::string& sizes) {
  add(inputs_, tensor(argument));
  add(input_specs_, "{\"parameter\":{\"arg\":{\"name\":" + quoted(argument) +
                        "},\"parameter_name\":" + quoted(name) + "}}");
  add(old_parameters_, quoted(argument) + ":" + quoted(name));
  return value(argument, sizes);
}

ProgramText& ProgramText::buffer(const std::string& argument, const std::string& name,
                                 const std::string& sizes, bool persistent) {
  add(inputs_, tensor(argument));
  add(input_specs_, "{\"buffer\":{\"arg\":{\"name\":" + quoted(argument) + "},\"buffer_name\":" +
                        quoted(name) + ",\"persistent\":" + (persistent ? "true" : "false") + "}}");
  add(old_buffers_, quoted(argument) + ":" + quoted(name));
  return value(argument, sizes);
}

ProgramText& ProgramText::constant(const std::string& argument, const std::string& name,
                                   const std::string& sizes) {
  add(inputs_, tensor(argument));
  add(input_specs_, "{\"tensor_constant\":{\"arg\":{\"name\":" + quoted(argument) +
                        "},\"tensor_constant_name\":" + quoted(name) + "}}");
  return value(argument, sizes);
}

ProgramText& ProgramText::input(const std::string& argument, const std::string& sizes, int dtype) {
  add(inputs_, tensor(argument));
  add(input_specs_, "{\"user_input\":{\"arg\":" + tensor(argument) + "}}");
  add(old_inputs_, quoted(argument));
  return value(argument, sizes, dtype);
}

ProgramText& ProgramText::raw_node(const std::string& target,
                                   const std::vector<std::string>& arguments,
                                   const std::string& outputs, const std::string& stack) {
  std::string inputs;
  for (const std::string& argument : arguments) add(inputs, argument_json(argument));
  std::string node = "{\"target\":" + quoted(target) + ",\"inputs\":[" + inputs +
                     "],\"outputs\":[" + outputs + "],\"metadata\":{";
  if (!stack.empty()) node += "\"nn_module_stack\":" + quoted(stack);
  add(nodes_, node + "}}");
  return *this;
}

ProgramText& ProgramText::node(const std::string& target, const std::vector<std::string>& arguments,
                               const std::string& output, const std::string& sizes,
                               const std::string& stack, int dtype) {
  raw_node("torch.ops.aten." + target, arguments, tensor(output), stack);
  return value(output, sizes, dtype);
}

ProgramText& ProgramText::symbol(const std::string& name, const std::string& expression) {
  add(symbols_, quoted(name) + ":" + expression);
  return *this;
}

ProgramText& ProgramText::range(const std::string& name, const std::string& least,
                                const std::string& most) {
  add(ranges_, quoted(name) + ":{\"min_val\":" + least + ",\"max_val\":" + most + "}");
  return *this;
}

ProgramText& ProgramText::output(const std::string& argument) {
  add(outputs_, tensor(argument));
  add(output_specs_, "{\"user_output\":{\"arg\":" + tensor(argument) + "}}");
  add(old_outputs_, quoted(argument));
  return *this;
}

ProgramText& ProgramText::module_call(const std::string& path, const std::string& out_spec) {
  const std::string signature =
      out_spec.empty()
          ? "null"
          : "{\"inputs\":[],\"outputs\":[],\"in_spec\":\"\",\"out_spec\":" + quoted(out_spec) + "}";
  add(calls_, "{\"fqn\":" + quoted(path) + ",\"signature\":" + signature + "}");
  return *this;
}

std::string ProgramText::graph() const {
  return "{\"inputs\":[" + inputs_ + "],\"outputs\":[" + outputs_ + "],\"nodes\":[" + nodes_ +
         "],\"tensor_values\":{" + values_ + "},\"sym_int_values\":{" + symbols_ +
         "},\"sym_bool_values\":{},\"is_single_tensor_return\":false,\"custom_obj_values\":{}}";
}

std::string ProgramText::str() const {
  return "{\"graph_module\":{\"graph\":" + graph() + ",\"signature\":{\"input_specs\":[" +
         input_specs_ + "],\"output_specs\":[" + output_specs_ + "]},\"module_call_graph\":[" +
         calls_ + "],\"metadata\":{}},\"opset_version\":{\"aten\":10},\"range_constraints\":{" +
         ranges_ + "},\"schema_version\":{\"major\":8,\"minor\":8},\"torch_version\":\"2.7.0\"}";
}

std::string ProgramText::old_str() const {
  return "{\"graph_module\":{\"graph\":" + graph() + ",\"signature\":{\"inputs_to_parameters\":{" +
         old_parameters_ + "},\"inputs_to_buffers\":{" + old_buffers_ + "},\"user_inputs\":[" +
         old_inputs_ + "],\"user_outputs\":[" + old_outputs_ +
         "],\"buffers_to_mutate\":{},\"backward_signature\":null},\"module_call_graph\":[" +
         calls_ + "]},\"opset_version\":{\"aten\":10},\"range_constraints\":{" + ranges_ +
         "},\"equality_constraints\":[],\"schema_version\":1}";
}

}  // namespace zoometer::testing
