#pragma once

// Files that are whole, made of any bytes: most mutations of a real file break its outer form, and
// never reach what reads its content. Each byte of the input is a decision.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zoometer::fuzz {

/// The input, byte by byte; zeros after its end.
class Decisions {
 public:
  Decisions(const std::uint8_t* data, std::size_t size) : bytes_(data, size) {}
  bool is_over() const noexcept { return at_ >= bytes_.size(); }
  unsigned byte() noexcept { return is_over() ? 0 : bytes_[at_++]; }
  unsigned below(std::size_t count) noexcept { return byte() % static_cast<unsigned>(count); }
  std::string_view pick(std::span<const std::string_view> words) noexcept {
    return words[below(words.size())];
  }
  /// Mostly small, now and then enormous or negative.
  std::int64_t size() noexcept {
    const unsigned first = byte();
    if (first < 200) return first % 9;
    std::int64_t value = 0;
    for (unsigned i = 0; i <= first % 8; ++i) value = value << 8U | byte();
    return first % 2 == 0 ? value : -value;
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

// -- ONNX ---------------------------------------------------------------------------------------

inline std::string varint(std::uint64_t value) {
  std::string text;
  for (; value >= 0x80; value >>= 7U) text += static_cast<char>(value | 0x80U);
  return text + static_cast<char>(value);
}
inline std::string number_field(unsigned field, std::int64_t value) {
  return varint(field << 3U) + varint(static_cast<std::uint64_t>(value));
}
inline std::string bytes_field(unsigned field, std::string_view bytes) {
  return varint(field << 3U | 2U) + varint(bytes.size()) + std::string(bytes);
}

/// A ModelProto whose graph, functions and subgraphs follow the schema.
class OnnxMaker {
 public:
  explicit OnnxMaker(Decisions& decisions) : decisions_(decisions) {}

  std::string model() {
    std::string text = number_field(1, 8) + bytes_field(2, "pytorch") + bytes_field(7, graph(0));
    text += bytes_field(8, number_field(2, 7 + decisions_.below(20)));
    if (decisions_.below(3) == 0) text += bytes_field(25, function());
    text += bytes_field(8, bytes_field(1, "f") + number_field(2, 1));
    return text;
  }

 private:
  static constexpr std::string_view operators[] = {"Conv",
                                                   "MatMul",
                                                   "Gemm",
                                                   "Add",
                                                   "Mul",
                                                   "Relu",
                                                   "Reshape",
                                                   "Transpose",
                                                   "Concat",
                                                   "Split",
                                                   "Slice",
                                                   "Gather",
                                                   "Shape",
                                                   "ConstantOfShape",
                                                   "Expand",
                                                   "Loop",
                                                   "If",
                                                   "Scan",
                                                   "Constant",
                                                   "SequenceInsert",
                                                   "SequenceEmpty",
                                                   "ConcatFromSequence",
                                                   "SplitToSequence",
                                                   "SequenceAt",
                                                   "SequenceMap",
                                                   "Cast",
                                                   "Range",
                                                   "Tile",
                                                   "Pad",
                                                   "Resize",
                                                   "LSTM",
                                                   "Attention",
                                                   "QuantizeLinear",
                                                   "DequantizeLinear",
                                                   "Squeeze",
                                                   "Unsqueeze",
                                                   "ReduceSum",
                                                   "TopK",
                                                   "Einsum",
                                                   "f",
                                                   "Unknown"};
  static constexpr std::string_view names[] = {
      "x", "y", "a", "b", "c", "w", "s", "", "a.b.c", "layer.0.weight", "</script>\x1b[31m"};
  static constexpr std::string_view attributes[] = {"axis",
                                                    "axes",
                                                    "perm",
                                                    "kernel_shape",
                                                    "pads",
                                                    "strides",
                                                    "group",
                                                    "to",
                                                    "value",
                                                    "body",
                                                    "then_branch",
                                                    "else_branch",
                                                    "num_scan_inputs",
                                                    "equation",
                                                    "hidden_size",
                                                    "keepdims"};

  std::string name() { return std::string(decisions_.pick(names)); }
  std::string scope() { return "/" + name() + "/" + name() + "/" + name(); }

  std::string shape_type() {
    std::string dims;
    for (unsigned i = decisions_.below(5); i-- > 0;) {
      const bool is_named = decisions_.below(4) == 0;
      dims +=
          bytes_field(1, is_named ? bytes_field(2, name()) : number_field(1, decisions_.size()));
    }
    return bytes_field(1, number_field(1, 1 + decisions_.below(16)) + bytes_field(2, dims));
  }
  std::string value_info() { return bytes_field(1, name()) + bytes_field(2, shape_type()); }

  std::string tensor() {
    std::string text;
    const unsigned rank = decisions_.below(3);
    for (unsigned i = 0; i < rank; ++i) text += number_field(1, decisions_.size());
    text += number_field(2, decisions_.below(2) == 0 ? 7 : 1) + bytes_field(8, name());
    for (unsigned i = decisions_.below(6); i-- > 0;) text += number_field(7, decisions_.size());
    return text;
  }

  std::string attribute(int depth) {
    std::string text = bytes_field(1, decisions_.pick(attributes));
    switch (decisions_.below(6)) {
    case 0: return text + number_field(3, decisions_.size()) + number_field(20, 2);
    case 1: return text + bytes_field(4, name()) + number_field(20, 3);
    case 2: return text + bytes_field(5, tensor()) + number_field(20, 4);
    case 3: return text + bytes_field(21, name()) + number_field(20, 2);
    case 4:
      if (depth < 4) return text + bytes_field(6, graph(depth + 1)) + number_field(20, 5);
      [[fallthrough]];
    default:
      for (unsigned i = decisions_.below(5); i-- > 0;) text += number_field(8, decisions_.size());
      return text + number_field(20, 7);
    }
  }

  std::string node(int depth) {
    std::string text;
    for (unsigned i = decisions_.below(4); i-- > 0;) text += bytes_field(1, name());
    for (unsigned i = 1 + decisions_.below(2); i-- > 0;) text += bytes_field(2, name());
    text += bytes_field(3, scope());
    const std::string_view type = decisions_.pick(operators);
    text += bytes_field(4, type);
    for (unsigned i = decisions_.below(3); i-- > 0;) text += bytes_field(5, attribute(depth));
    if (type == "f") text += bytes_field(7, "f");
    return text;
  }

  std::string graph(int depth) {
    std::string text = bytes_field(2, name());
    for (unsigned i = decisions_.below(3); i-- > 0;) text += bytes_field(11, value_info());
    for (unsigned i = decisions_.below(3); i-- > 0;) text += bytes_field(5, tensor());
    for (unsigned i = 1 + decisions_.below(6); i-- > 0 && !decisions_.is_over();)
      text += bytes_field(1, node(depth));
    for (unsigned i = decisions_.below(3); i-- > 0;) text += bytes_field(12, value_info());
    if (decisions_.below(4) == 0) text += bytes_field(13, value_info());
    return text;
  }

  std::string function() {
    std::string text = bytes_field(1, "f") + bytes_field(10, "f");
    for (unsigned i = decisions_.below(3); i-- > 0;) text += bytes_field(4, name());
    for (unsigned i = decisions_.below(3); i-- > 0;) text += bytes_field(5, name());
    for (unsigned i = 1 + decisions_.below(4); i-- > 0;) text += bytes_field(7, node(1));
    return text;
  }

  Decisions& decisions_;
};

// -- programs of torch.export -------------------------------------------------------------------

/// The JSON of an exported program that follows the schema.
class ProgramMaker {
 public:
  explicit ProgramMaker(Decisions& decisions) : decisions_(decisions) {}

  std::string program() {
    std::string nodes, values = tensor_value("x");
    const unsigned count = 1 + decisions_.below(8);
    for (unsigned i = 0; i < count && !decisions_.is_over(); ++i) {
      const std::string output = "v" + std::to_string(i);
      nodes += (i > 0 ? "," : "") + node(output);
      values += "," + tensor_value(output);
      made_.push_back(output);
    }
    const std::string last = made_.empty() ? "x" : made_.back();
    return R"({"graph_module":{"graph":{"inputs":[{"as_tensor":{"name":"x"}}],"outputs":[{"as_tensor":{"name":")" +
           last + R"("}}],"nodes":[)" + nodes + R"(],"tensor_values":{)" + values +
           R"(},"sym_int_values":{},"sym_bool_values":{}},"signature":{"input_specs":[{"user_input":{"arg":{"as_tensor":{"name":"x"}}}}],"output_specs":[{"user_output":{"arg":{"as_tensor":{"name":")" +
           last +
           R"("}}}}]},"module_call_graph":[]},"range_constraints":{"s0":{"min_val":2,"max_val":9}}})";
  }

 private:
  static constexpr std::string_view operators[] = {
      "relu.default",       "add.Tensor",        "mul.Tensor",
      "mm.default",         "linear.default",    "conv2d.default",
      "view.default",       "permute.default",   "cat.default",
      "slice.Tensor",       "select.int",        "sum.dim_IntList",
      "expand.default",     "unbind.int",        "split.Tensor",
      "copy_.default",      "embedding.default", "scaled_dot_product_attention.default",
      "index_put_.default", "unknown.default"};

  std::string number() { return std::to_string(decisions_.size()); }

  std::string size() {
    if (decisions_.below(5) != 0) return R"({"as_int":)" + number() + "}";
    constexpr std::string_view sizes[] = {"s0", "2*s0 + 1", "Mod(s0, 0)", "s0//(s0 - s0)", "s1"};
    return R"({"as_expr":{"expr_str":")" + std::string(decisions_.pick(sizes)) +
           R"(","hint":{"as_int":)" + number() + "}}}";
  }

  std::string tensor_value(const std::string& name) {
    std::string sizes;
    const unsigned rank = decisions_.below(5);
    for (unsigned i = 0; i < rank; ++i) sizes += (i > 0 ? "," : "") + size();
    return "\"" + name + R"(":{"dtype":)" + std::to_string(1 + decisions_.below(14)) +
           R"(,"sizes":[)" + sizes + "]}";
  }

  std::string tensor_name() {
    return made_.empty() || decisions_.below(3) == 0 ? "x" : made_[decisions_.below(made_.size())];
  }

  std::string argument() {
    const auto named = [&] { return R"({"name":")" + tensor_name() + R"("})"; };
    switch (decisions_.below(6)) {
    case 0: return R"({"as_int":)" + number() + "}";
    case 1: return R"({"as_ints":[)" + number() + "," + number() + "]}";
    case 2: return R"({"as_tensors":[)" + named() + "," + named() + "]}";
    case 3: return R"({"as_none":true})";
    default: return R"({"as_tensor":)" + named() + "}";
    }
  }

  std::string node(const std::string& output) {
    std::string inputs;
    for (unsigned i = decisions_.below(4); i-- > 0;)
      inputs +=
          std::string(inputs.empty() ? "" : ",") + R"({"name":"self","arg":)" + argument() + "}";
    return R"({"target":"torch.ops.aten.)" + std::string(decisions_.pick(operators)) +
           R"(","inputs":[)" + inputs + R"(],"outputs":[{"as_tensor":{"name":")" + output +
           R"("}}],"metadata":{"nn_module_stack":"L__self__,,M;L__self___a,a,torch.nn.A"}})";
  }

  Decisions& decisions_;
  std::vector<std::string> made_;
};

}  // namespace zoometer::fuzz
