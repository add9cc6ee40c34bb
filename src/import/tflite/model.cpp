#include "import/tflite/model.hpp"

#include <algorithm>
#include <limits>

#include "util/text.hpp"
#include "zoometer/util/checked.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

/// Element types, by their numbers in files.
constexpr DType tflite_types[] = {
    DType::float32, DType::float16,       DType::int32,      DType::uint8,     DType::int64,
    DType::string,  DType::boolean,       DType::int16,      DType::complex64, DType::int8,
    DType::float64, DType::complex128,    DType::uint64,     DType::unknown,   DType::unknown,
    DType::uint32,  DType::uint16,        DType::int4,       DType::bfloat16,  DType::int2,
    DType::uint4,   DType::float8_e4m3fn, DType::float8_e5m2};

DType type_of(std::int8_t number) {
  const auto index = static_cast<std::size_t>(number);
  return number >= 0 && index < std::size(tflite_types) ? tflite_types[index] : DType::unknown;
}

template <class Number>
std::vector<std::int64_t> numbers_in(std::string_view data) {
  std::vector<std::int64_t> result(data.size() / sizeof(Number));
  const FlatBuffer bytes(data);
  for (std::size_t i = 0; i < result.size(); ++i)
    result[i] = static_cast<std::int64_t>(bytes.load<Number>(i * sizeof(Number)));
  return result;
}

void check_index(std::string_view what, std::int64_t index, std::size_t count, std::uint64_t at) {
  if (index >= 0 && static_cast<std::uint64_t>(index) < count) return;
  FlatBuffer::fail(what, at, "one of " + std::to_string(count), std::to_string(index));
}

}  // namespace

bool looks_like_tflite(std::string_view bytes) noexcept {
  return bytes.size() >= 8 && bytes.substr(4, 4) == "TFL3";
}

TfliteModel::TfliteModel(const MappedFile& file) : buffer_(file.text()) {
  const FlatTable root = buffer_.root();
  version_ = root.number<std::uint32_t>(0);
  description_ = root.text(3);
  codes_ = root.tables(1);
  subgraphs_ = root.tables(2);
  buffers_ = root.tables(4);
  metadata_ = root.tables(6);
  if (subgraphs_.empty()) FlatBuffer::fail("the model", root.at(), "at least one subgraph", "none");
  read_.resize(subgraphs_.size());
  read_entries(root);
}

void TfliteModel::read_entries(const FlatTable& root) {
  const auto names = [&](const FlatTable& signature, unsigned field) {
    std::vector<std::pair<std::string_view, std::uint32_t>> result;
    for (const FlatTable& map : signature.tables(field))
      result.emplace_back(map.text(0), map.number<std::uint32_t>(1));
    return result;
  };
  for (const FlatTable& signature : root.tables(7)) {
    const auto subgraph = signature.number<std::uint32_t>(4);
    check_index("the subgraph of a signature", subgraph, subgraphs_.size(), signature.at());
    entries_.push_back({signature.text(2), subgraph, names(signature, 0), names(signature, 1)});
  }
  if (entries_.empty()) entries_.push_back({"main", 0, {}, {}});
}

std::string_view TfliteModel::metadata(std::string_view name) const {
  for (const FlatTable& entry : metadata_)
    if (entry.text(0) == name) return data(entry.number<std::uint32_t>(1));
  return {};
}

std::string_view TfliteModel::data(std::uint32_t index) const {
  if (index >= buffers_.size()) return {};
  const FlatTable& table = buffers_[index];
  const auto offset = table.number<std::uint64_t>(1);
  const auto size = table.number<std::uint64_t>(2);
  if (offset <= 1 || size <= 1) return table.bytes(0);
  buffer_.need("the data of a buffer", offset, size);
  return buffer_.bytes().substr(offset, size);
}

bool TfliteModel::has_data(std::uint32_t index) const { return index > 0 && !data(index).empty(); }

std::optional<std::vector<std::int64_t>> TfliteModel::integers(const TfliteTensor& tensor,
                                                               std::int64_t most) const {
  if (!tensor.is_constant || tensor.sparsity) return std::nullopt;
  const std::int64_t count = numel(tensor.shape);
  if (count > most) return std::nullopt;
  const std::string_view bytes = data(tensor.buffer);
  if (static_cast<std::uint64_t>(bytes_of(count, tensor.dtype)) != bytes.size())
    return std::nullopt;
  switch (tensor.dtype) {
  case DType::int64: return numbers_in<std::int64_t>(bytes);
  case DType::int32: return numbers_in<std::int32_t>(bytes);
  case DType::uint32: return numbers_in<std::uint32_t>(bytes);
  case DType::int16: return numbers_in<std::int16_t>(bytes);
  case DType::int8: return numbers_in<std::int8_t>(bytes);
  case DType::uint8:
  case DType::boolean: return numbers_in<std::uint8_t>(bytes);
  default: return std::nullopt;
  }
}

TfliteTensor TfliteModel::tensor(const FlatTable& table, std::size_t index) const {
  TfliteTensor tensor;
  const auto fail_shape = [&](const std::string& got) {
    FlatBuffer::fail("the shape of tensor " + std::to_string(index), table.at(),
                     "at most " + std::to_string(most_dimensions) + " sizes of at least -1", got);
  };
  const auto sizes_in = [&](unsigned field) {
    if (const std::uint32_t count = table.count(field); count > most_dimensions)
      fail_shape(std::to_string(count) + " sizes");
    std::vector<std::int32_t> sizes = table.numbers<std::int32_t>(field);
    for (const std::int32_t size : sizes)
      if (size < -1) fail_shape(std::to_string(size));
    return sizes;
  };
  const std::vector<std::int32_t> stored = sizes_in(0);
  const std::vector<std::int32_t> signature = sizes_in(7);
  for (std::size_t i = 0; i < stored.size(); ++i) {
    const bool is_unknown =
        stored[i] < 0 || (signature.size() == stored.size() && signature[i] < 0);
    if (is_unknown) tensor.unknown |= UnknownSizes{1} << i;
    tensor.shape.push_back(stored[i] < 0 ? 1 : stored[i]);
  }
  numel(tensor.shape);  // refuses what is too large
  tensor.has_shape = !stored.empty() || table.flag(8);
  tensor.name = table.text(3);
  tensor.dtype = type_of(table.number<std::int8_t>(1));
  tensor.is_variable = table.flag(5);
  tensor.buffer = table.number<std::uint32_t>(2);
  check_index("the buffer of tensor " + std::to_string(index), tensor.buffer,
              std::max<std::size_t>(1, buffers_.size()), table.at());
  tensor.quantization = table.table(4);
  tensor.sparsity = table.table(6);
  tensor.is_constant =
      !tensor.is_variable && (has_data(tensor.buffer) || table.number<std::uint32_t>(10) > 0);
  return tensor;
}

TfliteNode TfliteModel::node(const FlatTable& table, const TfliteSubgraph& subgraph) const {
  TfliteNode node;
  node.at = table.at();
  const auto index = table.number<std::uint32_t>(0);
  check_index("the code of an operator", index, codes_.size(), node.at);
  const FlatTable& code = codes_[index];
  node.code = static_cast<std::uint32_t>(
      std::max<std::int64_t>({0, code.number<std::int8_t>(0), code.number<std::int32_t>(3)}));
  node.custom = code.text(1);
  if (node.code == custom_code) node.custom_options = table.text(5);
  node.inputs = table.numbers<std::int32_t>(1);
  node.outputs = table.numbers<std::int32_t>(2);
  for (const std::int32_t input : node.inputs)
    if (input != -1)
      check_index("an input of an operator", input, subgraph.tensors.size(), node.at);
  for (const std::int32_t output : node.outputs)
    check_index("an output of an operator", output, subgraph.tensors.size(), node.at);
  node.options = table.table(table.number<std::uint8_t>(3) != 0 ? 4 : 12);
  return node;
}

const TfliteSubgraph& TfliteModel::subgraph(std::uint32_t index) {
  check_index("a subgraph", index, subgraphs_.size(), 0);
  std::optional<TfliteSubgraph>& kept = read_[index];
  if (kept) return *kept;
  const FlatTable& table = subgraphs_[index];
  TfliteSubgraph subgraph;
  subgraph.name = table.text(4);
  const std::vector<FlatTable> tensors = table.tables(0);
  subgraph.tensors.reserve(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i)
    subgraph.tensors.push_back(tensor(tensors[i], i));
  subgraph.inputs = table.numbers<std::int32_t>(1);
  subgraph.outputs = table.numbers<std::int32_t>(2);
  for (const auto* list : {&subgraph.inputs, &subgraph.outputs})
    for (const std::int32_t port : *list)
      check_index("an input or output of a subgraph", port, tensors.size(), table.at());
  for (const std::int32_t input : subgraph.inputs)
    subgraph.tensors[static_cast<std::size_t>(input)].is_constant = false;
  const std::vector<FlatTable> nodes = table.tables(3);
  subgraph.nodes.reserve(nodes.size());
  for (const FlatTable& each : nodes) subgraph.nodes.push_back(node(each, subgraph));
  sort(subgraph, table.at());
  return kept.emplace(std::move(subgraph));
}

/// Runtimes rely on operators in topological order; a file that has another one is sorted.
void TfliteModel::sort(TfliteSubgraph& subgraph, std::uint64_t at) {
  constexpr std::size_t nobody = std::numeric_limits<std::size_t>::max();
  std::vector<std::size_t> makers(subgraph.tensors.size(), nobody);
  for (std::size_t i = 0; i < subgraph.nodes.size(); ++i) {
    for (const std::int32_t output : subgraph.nodes[i].outputs) {
      std::size_t& maker = makers[static_cast<std::size_t>(output)];
      if (maker != nobody && maker != i)
        FlatBuffer::fail("tensor " + std::to_string(output), subgraph.nodes[i].at,
                         "one operator that makes it", "two");
      maker = i;
    }
  }
  const auto is_late = [&](std::size_t i) {
    return std::ranges::any_of(subgraph.nodes[i].inputs, [&](std::int32_t input) {
      const std::size_t maker = input < 0 ? nobody : makers[static_cast<std::size_t>(input)];
      return maker != nobody && maker >= i;
    });
  };
  std::size_t first = 0;
  while (first < subgraph.nodes.size() && !is_late(first)) ++first;
  if (first == subgraph.nodes.size()) return;
  subgraph.was_sorted = true;

  std::vector<std::size_t> waiting(subgraph.nodes.size());
  std::vector<std::vector<std::size_t>> readers(subgraph.nodes.size());
  for (std::size_t i = 0; i < subgraph.nodes.size(); ++i) {
    for (const std::int32_t input : subgraph.nodes[i].inputs) {
      const std::size_t maker = input < 0 ? nobody : makers[static_cast<std::size_t>(input)];
      if (maker == nobody) continue;
      readers[maker].push_back(i);
      ++waiting[i];
    }
  }
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < waiting.size(); ++i)
    if (waiting[i] == 0) order.push_back(i);
  for (std::size_t next = 0; next < order.size(); ++next)
    for (const std::size_t reader : readers[order[next]])
      if (--waiting[reader] == 0) order.push_back(reader);
  if (order.size() != subgraph.nodes.size())
    FlatBuffer::fail("the operators of a subgraph", at, "an order in which they can run",
                     "a cycle");
  std::vector<TfliteNode> sorted;
  sorted.reserve(order.size());
  for (const std::size_t index : order) sorted.push_back(std::move(subgraph.nodes[index]));
  subgraph.nodes = std::move(sorted);
}

}  // namespace zoometer
