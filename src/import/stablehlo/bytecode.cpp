#include "import/stablehlo/bytecode.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>

#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

constexpr std::size_t deepest_region = 48;
constexpr std::uint64_t newest_version = 6;

/// A place in one section of the file. Nothing is read beyond the section.
class Cursor {
 public:
  Cursor(std::string_view bytes, std::uint64_t offset) : bytes_(bytes), offset_(offset) {}

  std::uint64_t at() const noexcept { return offset_ + place_; }
  std::size_t left() const noexcept { return bytes_.size() - place_; }
  bool is_at_end() const noexcept { return place_ == bytes_.size(); }

  [[noreturn]] void fail(std::string_view what, std::string expected, std::string got) const {
    fail_hlo(what, at(), std::move(expected), std::move(got));
  }
  std::uint8_t byte() {
    if (is_at_end()) fail("the bytecode", "a byte more", "the end of its section");
    return static_cast<std::uint8_t>(bytes_[place_++]);
  }
  std::string_view take(std::uint64_t count) {
    if (count > left()) {
      fail("the bytecode", std::to_string(count) + " bytes", std::to_string(left()) + " left");
    }
    const std::string_view taken = bytes_.substr(place_, count);
    place_ += count;
    return taken;
  }
  /// The number of trailing zeros of the first byte says how many bytes follow.
  std::uint64_t varint() {
    const std::uint8_t first = byte();
    const int more = first == 0 ? 8 : std::countr_zero(first);
    std::uint64_t value = 0;
    if (more < 8) value = first;
    const std::string_view rest = take(static_cast<std::uint64_t>(more));
    for (std::size_t i = 0; i < rest.size(); ++i) {
      const std::size_t shift = more == 8 ? 8 * i : 8 * (i + 1);
      value |= std::uint64_t{static_cast<std::uint8_t>(rest[i])} << shift;
    }
    return more == 8 ? value : value >> static_cast<unsigned>(more + 1);
  }
  std::int64_t svarint() {
    const std::uint64_t value = varint();
    return static_cast<std::int64_t>(value >> 1U) ^ -static_cast<std::int64_t>(value & 1U);
  }
  /// A number of things of which each takes a byte at least.
  std::uint64_t count(std::string_view what) {
    const std::uint64_t value = varint();
    if (value > left()) {
      fail(what, "at most " + std::to_string(left()) + ", one for each byte left",
           std::to_string(value));
    }
    return value;
  }
  /// A number below `limit`.
  std::uint32_t index(std::string_view what, std::size_t limit) {
    const std::uint64_t value = varint();
    if (value >= limit)
      fail(what, "a number below " + std::to_string(limit), std::to_string(value));
    return static_cast<std::uint32_t>(value);
  }
  std::string_view text() {
    const std::size_t end = bytes_.find('\0', place_);
    if (end == std::string_view::npos) fail("a text of the bytecode", "a final zero byte", "none");
    const std::string_view found = bytes_.substr(place_, end - place_);
    place_ = end + 1;
    return found;
  }
  void align(std::uint64_t to) {
    if (to == 0 || to > 4096 || !std::has_single_bit(to))
      fail("the alignment of a section", "a power of 2 up to 4096", std::to_string(to));
    while (at() % to != 0) byte();
  }
  /// The next section: its id and its bytes.
  std::pair<std::uint8_t, Cursor> section() {
    const std::uint8_t id = byte();
    const std::uint64_t length = varint();
    if ((id & 0x80U) != 0) align(varint());
    const std::uint64_t begin = at();
    return {static_cast<std::uint8_t>(id & 0x7FU), Cursor(take(length), begin)};
  }

 private:
  std::string_view bytes_;
  std::uint64_t offset_;
  std::size_t place_ = 0;
};

/// Where the properties of an operation stand that has no names for them: its attributes in this
/// order. From StableHLO's VhloOps.td; operations that no figure needs attributes of are left out.
struct PropertyNames {
  std::string_view operation;  // with its version
  std::string_view names;
};

constexpr std::string_view convolution_names =
    "batch_group_count feature_group_count input_batch_dimension input_feature_dimension "
    "input_spatial_dimensions kernel_input_feature_dimension kernel_output_feature_dimension "
    "kernel_spatial_dimensions lhs_dilation output_batch_dimension output_feature_dimension "
    "output_spatial_dimensions padding precision_config rhs_dilation window_reversal "
    "window_strides";

constexpr PropertyNames property_names[] = {
    {"batch_norm_grad_v1", "epsilon feature_index"},
    {"batch_norm_inference_v1", "epsilon feature_index"},
    {"batch_norm_training_v1", "epsilon feature_index"},
    {"broadcast_in_dim_v1", "broadcast_dimensions"},
    {"call_v1", "callee"},
    {"compare_v1", "compare_type comparison_direction"},
    {"composite_v1", "composite_attributes decomposition name version"},
    {"composite_v2", "composite_attributes decomposition name version"},
    {"concatenate_v1", "dimension"},
    {"constant_v1", "value"},
    {"convolution_v1", convolution_names},
    {"custom_call_v1",
     "api_version backend_config call_target_name called_computations has_side_effect "
     "operand_layouts output_operand_aliases result_layouts"},
    {"custom_call_v2",
     "api_version backend_config call_target_name called_computations has_side_effect "
     "operand_layouts output_operand_aliases result_layouts result_tilings"},
    {"dot_general_v1",
     "lhs_batching_dimensions lhs_contracting_dimensions precision_config rhs_batching_dimensions "
     "rhs_contracting_dimensions"},
    {"dot_general_v2",
     "accumulation_type allow_imprecise_accumulation lhs_batching_dimensions lhs_component_count "
     "lhs_contracting_dimensions lhs_precision_type num_primitive_operations precision_config "
     "rhs_batching_dimensions rhs_component_count rhs_contracting_dimensions rhs_precision_type"},
    {"dynamic_broadcast_in_dim_v1",
     "broadcast_dimensions known_expanding_dimensions known_nonexpanding_dimensions"},
    {"dynamic_conv_v1", convolution_names},
    {"dynamic_conv_v2",
     "batch_group_count feature_group_count input_batch_dimension input_feature_dimension "
     "input_spatial_dimensions kernel_input_feature_dimension kernel_output_feature_dimension "
     "kernel_spatial_dimensions lhs_dilation output_batch_dimension output_feature_dimension "
     "output_spatial_dimensions precision_config rhs_dilation window_reversal window_strides"},
    {"einsum_v1", "einsum_config"},
    {"fft_v1", "fft_length fft_type"},
    {"func_v1", "arg_attrs function_type res_attrs sym_name sym_visibility"},
    {"gather_v1",
     "collapsed_slice_dims index_vector_dim indices_are_sorted offset_dims slice_sizes "
     "start_index_map"},
    {"gather_v2",
     "collapsed_slice_dims index_vector_dim indices_are_sorted offset_dims operand_batching_dims "
     "slice_sizes start_index_map start_indices_batching_dims"},
    {"get_dimension_size_v1", "dimension"},
    {"pad_v1", "edge_padding_high edge_padding_low interior_padding"},
    {"reduce_v1", "dimensions"},
    {"reduce_window_v1",
     "base_dilations padding window_dilations window_dimensions window_strides"},
    {"reverse_v1", "dimensions"},
    {"select_and_scatter_v1", "padding window_dimensions window_strides"},
    {"slice_v1", "limit_indices start_indices strides"},
    {"sort_v1", "dimension is_stable"},
    {"transpose_v1", "permutation"},
    {"triangular_solve_v1", "left_side lower transpose_a unit_diagonal"},
    {"unary_einsum_v1", "einsum_config"},
};

std::string_view names_of_properties(std::string_view operation) {
  const auto* const found = std::ranges::find(property_names, operation, &PropertyNames::operation);
  return found == std::end(property_names) ? std::string_view{} : found->names;
}

/// "dot_general" of "dot_general_v2". A version that no StableHLO had when this was written stays.
std::string_view without_version(std::string_view name) {
  const std::size_t size = name.size();
  const bool is_known = size > 3 && (name.ends_with("_v1") || name.ends_with("_v2"));
  return is_known ? name.substr(0, size - 3) : name;
}

/// Types of the dialect vhlo without operands, by their codes.
constexpr std::pair<std::uint64_t, DType> plain_types[] = {
    {0, DType::boolean},
    {2, DType::bfloat16},
    {3, DType::float16},
    {4, DType::float32},
    {5, DType::float64},
    {6, DType::float8_e4m3fn},
    {7, DType::float8_e5m2},
    {9, DType::int64},
    {10, DType::int4},
    {11, DType::int8},
    {12, DType::int16},
    {13, DType::int32},
    {14, DType::int64},
    {15, DType::uint4},
    {16, DType::uint8},
    {17, DType::uint16},
    {18, DType::uint32},
    {19, DType::uint64},
    {27, DType::float8_e4m3fnuz},
    {28, DType::float8_e5m2fnuz},
    {31, DType::int2},
    {32, DType::uint2},
    {34, DType::float32},
    {37, DType::float4_e2m1fn},
    {40, DType::float8_e8m0fnu},
};

class BytecodeReader {
 public:
  BytecodeReader(std::string_view bytes, std::uint64_t offset) : bytes_(bytes), offset_(offset) {}

  HloProgram read();

 private:
  /// What the file says of one attribute or type: its bytes, and in which dialect they are.
  struct Entry {
    std::uint32_t dialect;
    bool has_encoding;
    std::string_view bytes;
    std::uint64_t at;
  };
  struct Name {
    std::uint32_t dialect;
    std::string_view name;
  };

  Cursor required(std::uint8_t section, std::string_view what) const;
  void read_strings(Cursor cursor);
  void read_dialects(Cursor cursor);
  void read_entries();
  void read_properties(Cursor cursor);
  void read_types();
  void read_type(std::uint32_t index, std::size_t depth);
  void read_tensor_type(HloType& type, Cursor& cursor, std::size_t depth);
  void read_attribute(std::uint32_t index);
  void read_vhlo(HloAttribute& attribute, Cursor& cursor);
  void read_builtin(HloAttribute& attribute, Cursor& cursor);
  void read_items(HloAttribute& attribute, Cursor& cursor, std::uint64_t per_item);
  std::int64_t integer_of(std::uint32_t type, Cursor& cursor);

  HloOperation read_operation(Cursor& cursor);
  void read_regions(HloOperation& operation, Cursor& cursor);
  HloRegion read_region(Cursor& cursor);
  HloBlock read_block(Cursor& cursor);
  void read_operations(HloBlock& block, Cursor& cursor, std::uint64_t count);
  void read_arguments(HloBlock& block, Cursor& cursor);
  void skip_use_orders(Cursor& cursor, std::size_t values);
  void read_dictionary(HloOperation& operation, std::uint32_t index);
  void name_properties(HloOperation& operation, std::string_view stored, std::uint64_t at);
  std::uint32_t attribute_index(Cursor& cursor) {
    return cursor.index("an attribute", attribute_entries_.size());
  }
  std::uint32_t type_index(Cursor& cursor) { return cursor.index("a type", type_entries_.size()); }
  std::uint32_t define(Cursor& cursor, std::size_t count);

  std::string_view bytes_;
  std::uint64_t offset_;
  std::uint64_t version_ = 0;
  std::array<std::optional<Cursor>, 16> sections_;
  std::vector<std::string_view> strings_;
  std::vector<std::string_view> dialects_;
  std::vector<Name> names_;
  std::vector<Entry> attribute_entries_;
  std::vector<Entry> type_entries_;
  std::vector<std::pair<std::string_view, std::uint64_t>> properties_;
  std::vector<std::uint8_t> type_state_;
  HloProgram program_;

  /// The values of the function that is being read: how many are visible, and how many were made.
  struct Scope {
    std::vector<std::uint32_t> visible;  // number in the file -> number in the function
    std::size_t next = 0;                // the number that the next definition has
    std::uint32_t made = 0;
  };
  Scope scope_;
  std::size_t depth_ = 0;
  std::uint64_t values_left_ = 0;
  std::uint64_t attributes_left_ = 0;
};

Cursor BytecodeReader::required(std::uint8_t section, std::string_view what) const {
  if (!sections_[section]) fail_hlo("the bytecode", offset_, std::string(what), "none");
  return *sections_[section];
}

HloProgram BytecodeReader::read() {
  Cursor file(bytes_, offset_);
  file.take(4);
  version_ = file.varint();
  if (version_ > newest_version) {
    Error error(ErrorCode::unsupported, "MLIR bytecode of an unknown version",
                {"at most " + std::to_string(newest_version), std::to_string(version_)});
    error.hint = "write it with stablehlo's serialize_portable_artifact";
    throw error;
  }
  program_.producer = file.text();
  while (!file.is_at_end()) {
    const std::uint64_t at = file.at();
    const auto [id, section] = file.section();
    if (id >= sections_.size() || sections_[id])
      fail_hlo("a section of the bytecode", at, "ids up to 8, each once", std::to_string(id));
    sections_[id].emplace(section);
  }
  values_left_ = std::uint64_t{8} * bytes_.size();
  attributes_left_ = values_left_;
  read_strings(required(0, "a section of texts"));
  read_dialects(required(1, "a section of dialects"));
  read_entries();
  if (sections_[8]) read_properties(*sections_[8]);
  read_types();
  program_.attributes.resize(attribute_entries_.size());
  for (std::uint32_t i = 0; i < attribute_entries_.size(); ++i) read_attribute(i);
  Cursor code = required(4, "a section of operations");
  const std::uint64_t header = code.varint();
  if ((header & 1U) != 0) code.fail("the module's block", "no arguments", "some");
  read_operations(program_.top, code, header >> 1U);
  return std::move(program_);
}

void BytecodeReader::read_strings(Cursor cursor) {
  strings_.resize(cursor.count("the number of texts"));
  std::vector<std::uint64_t> lengths(strings_.size());
  for (std::size_t i = lengths.size(); i-- > 0;) lengths[i] = cursor.varint();
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    if (lengths[i] == 0) cursor.fail("the length of a text", "at least 1", "0");
    strings_[i] = cursor.take(lengths[i]).substr(0, lengths[i] - 1);
  }
}

void BytecodeReader::read_dialects(Cursor cursor) {
  const std::uint64_t count = cursor.count("the number of dialects");
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t name = cursor.varint();
    if (version_ >= 1) {
      if ((name & 1U) != 0) cursor.section();
      name >>= 1U;
    }
    if (name >= strings_.size()) cursor.fail("the name of a dialect", "a text", "none");
    dialects_.push_back(strings_[name]);
  }
  if (std::ranges::find(dialects_, "vhlo") == dialects_.end()) {
    Error error(ErrorCode::unsupported, "MLIR bytecode that is no portable StableHLO",
                {"the dialect vhlo", dialects_.empty() ? "none" : std::string(dialects_.back())});
    error.hint = "write it with jax.export, or stablehlo-translate --serialize";
    throw error;
  }
  if (version_ >= 4) cursor.varint();
  while (!cursor.is_at_end()) {
    const std::uint32_t dialect = cursor.index("the dialect of operations", dialects_.size());
    const std::uint64_t names = cursor.count("the number of names");
    for (std::uint64_t i = 0; i < names; ++i) {
      std::uint64_t name = cursor.varint();
      if (version_ >= 5) name >>= 1U;
      if (name >= strings_.size()) cursor.fail("the name of an operation", "a text", "none");
      names_.push_back({dialect, strings_[name]});
    }
  }
}

/// Sizes are in one section and bytes in the other, attributes first.
void BytecodeReader::read_entries() {
  Cursor sizes = required(3, "a section of sizes of attributes");
  Cursor data = required(2, "a section of attributes");
  const std::uint64_t attributes = sizes.varint();
  const std::uint64_t types = sizes.varint();
  if (attributes > bytes_.size() || types > bytes_.size())
    sizes.fail("the number of attributes and types", "fewer than bytes", "more");
  while (!sizes.is_at_end()) {
    const std::uint32_t dialect = sizes.index("the dialect of attributes", dialects_.size());
    const std::uint64_t count = sizes.count("the number of attributes");
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t size = sizes.varint();
      const std::uint64_t at = data.at();
      const Entry entry{dialect, (size & 1U) != 0, data.take(size >> 1U), at};
      (attribute_entries_.size() < attributes ? attribute_entries_ : type_entries_)
          .push_back(entry);
    }
  }
  if (attribute_entries_.size() != attributes || type_entries_.size() != types)
    sizes.fail("the sizes of attributes and types", std::to_string(attributes + types),
               std::to_string(attribute_entries_.size() + type_entries_.size()));
}

void BytecodeReader::read_properties(Cursor cursor) {
  const std::uint64_t count = cursor.count("the number of properties");
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t size = cursor.varint();
    const std::uint64_t at = cursor.at();
    properties_.emplace_back(cursor.take(size), at);
  }
}

// -- types --------------------------------------------------------------------------------------

void BytecodeReader::read_types() {
  program_.types.resize(type_entries_.size());
  type_state_.assign(type_entries_.size(), 0);
  for (std::uint32_t i = 0; i < type_entries_.size(); ++i) read_type(i, 0);
}

void BytecodeReader::read_tensor_type(HloType& type, Cursor& cursor, std::size_t depth) {
  constexpr std::int64_t unknown_size = std::numeric_limits<std::int64_t>::min();
  const std::uint64_t rank = cursor.count("the rank of a tensor");
  if (rank > most_dimensions) {
    throw Error(ErrorCode::limit, "a tensor of the program has too many dimensions",
                {std::to_string(most_dimensions), std::to_string(rank)});
  }
  for (std::uint64_t i = 0; i < rank; ++i) {
    const std::int64_t size = cursor.svarint();
    const bool is_unknown = size == unknown_size || size == -1;
    if (!is_unknown && size < 0)
      cursor.fail("a size of a tensor", "0 or more", std::to_string(size));
    if (is_unknown) type.unknown |= UnknownSizes{1} << i;
    type.shape.push_back(is_unknown ? 1 : size);
  }
  const std::uint32_t element = type_index(cursor);
  read_type(element, depth + 1);
  type.dtype = program_.types[element].dtype;
  type.is_tensor = true;
}

void BytecodeReader::read_type(std::uint32_t index, std::size_t depth) {
  constexpr std::size_t deepest = 64;
  if (type_state_[index] == 2) return;
  const Entry& entry = type_entries_[index];
  if (type_state_[index] == 1 || depth > deepest)
    fail_hlo("a type", entry.at, "one that does not contain itself, at most 64 deep", "deeper");
  type_state_[index] = 1;
  HloType type;
  if (entry.has_encoding) {
    Cursor cursor(entry.bytes, entry.at);
    const std::uint64_t code = cursor.varint();
    if (dialects_[entry.dialect] == "vhlo") {
      const auto* const plain =
          std::ranges::find(plain_types, code, &std::pair<std::uint64_t, DType>::first);
      if (plain != std::end(plain_types)) type.dtype = plain->second;
      if (code == 1) {
        const std::uint32_t element = type_index(cursor);
        read_type(element, depth + 1);
        type.dtype =
            program_.types[element].dtype == DType::float64 ? DType::complex128 : DType::complex64;
      }
      if (code == 24 || code == 30) {  // quantised: its storage
        cursor.varint();
        const std::uint32_t storage = type_index(cursor);
        read_type(storage, depth + 1);
        type.dtype = program_.types[storage].dtype;
      }
      if (code == 21) attribute_index(cursor);
      if (code == 20 || code == 21) read_tensor_type(type, cursor, depth);
    }
  }
  program_.types[index] = type;
  type_state_[index] = 2;
}

// -- attributes ---------------------------------------------------------------------------------

std::int64_t BytecodeReader::integer_of(std::uint32_t type, Cursor& cursor) {
  const std::int64_t bits = bits_of(program_.types[type].dtype);
  if (bits <= 8) return static_cast<std::int8_t>(cursor.byte());
  return cursor.svarint();
}

void BytecodeReader::read_items(HloAttribute& attribute, Cursor& cursor, std::uint64_t per_item) {
  const std::uint64_t count = cursor.count("the length of a list");
  attribute.kind = HloAttribute::Kind::list;
  for (std::uint64_t i = 0; i < count * per_item; ++i)
    attribute.items.push_back(attribute_index(cursor));
}

void BytecodeReader::read_attribute(std::uint32_t index) {
  const Entry& entry = attribute_entries_[index];
  if (!entry.has_encoding) return;
  HloAttribute& attribute = program_.attributes[index];
  Cursor cursor(entry.bytes, entry.at);
  const std::string_view dialect = dialects_[entry.dialect];
  if (dialect == "vhlo") read_vhlo(attribute, cursor);
  if (dialect == "builtin") read_builtin(attribute, cursor);
}

void BytecodeReader::read_vhlo(HloAttribute& attribute, Cursor& cursor) {
  using Kind = HloAttribute::Kind;
  switch (cursor.varint()) {
  case 1: return read_items(attribute, cursor, 1);
  case 2:
  case 3:
  case 4:
  case 7:
  case 11:
  case 12:
  case 13:
  case 16:
    attribute.kind = Kind::number;
    attribute.number = static_cast<std::int64_t>(cursor.varint());
    return;
  case 6: return read_items(attribute, cursor, 2);
  case 9:
    attribute.kind = Kind::number;
    attribute.type = type_index(cursor);
    attribute.number = integer_of(attribute.type, cursor);
    return;
  case 14:
    attribute.kind = Kind::text;
    attribute.text = strings_[cursor.index("a text", strings_.size())];
    return;
  case 15:
    attribute.kind = Kind::tensor;
    attribute.type = type_index(cursor);
    attribute.text = cursor.take(cursor.varint());
    return;
  case 17:
    attribute.kind = Kind::type;
    attribute.type = type_index(cursor);
    return;
  default: return;
  }
}

void BytecodeReader::read_builtin(HloAttribute& attribute, Cursor& cursor) {
  using Kind = HloAttribute::Kind;
  switch (cursor.varint()) {
  case 0: return read_items(attribute, cursor, 1);
  case 1: return read_items(attribute, cursor, 2);
  case 2:
    attribute.kind = Kind::text;
    attribute.text = strings_[cursor.index("a text", strings_.size())];
    return;
  case 4:  // the name of a symbol is a text
  case 14: {
    const std::uint32_t name = attribute_index(cursor);
    const Entry& entry = attribute_entries_[name];
    Cursor inner(entry.bytes, entry.at);
    attribute.kind = Kind::location;
    if (entry.has_encoding && dialects_[entry.dialect] == "builtin" && inner.varint() == 2)
      attribute.text = strings_[inner.index("a text", strings_.size())];
    if (!cursor.is_at_end()) attribute.items = {attribute_index(cursor)};
    return;
  }
  case 10: {
    attribute.kind = Kind::location;
    const std::uint32_t callee = attribute_index(cursor);
    attribute.items = {callee, attribute_index(cursor)};
    return;
  }
  case 11: attribute.kind = Kind::location; return;
  case 12:
  case 13:
    read_items(attribute, cursor, 1);
    attribute.kind = Kind::location;
    return;
  default: return;
  }
}

// -- operations ---------------------------------------------------------------------------------

std::uint32_t BytecodeReader::define(Cursor& cursor, std::size_t count) {
  if (count > scope_.visible.size() - scope_.next) {
    cursor.fail("the values of a region",
                std::to_string(scope_.visible.size()) + ", as it declares", "more");
  }
  const std::size_t first = scope_.next;
  scope_.next += count;
  return count == 0 ? 0 : scope_.visible[first];
}

void BytecodeReader::skip_use_orders(Cursor& cursor, std::size_t values) {
  const std::uint64_t count = values > 1 ? cursor.count("the number of use-list orders") : 1;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (values > 1) cursor.varint();
    const std::uint64_t header = cursor.varint();
    const std::uint64_t numbers = header >> 1U;
    if (numbers > cursor.left())
      cursor.fail("a use-list order", "fewer numbers than bytes", "more");
    for (std::uint64_t each = 0; each < numbers; ++each) cursor.varint();
  }
}

void BytecodeReader::read_dictionary(HloOperation& operation, std::uint32_t index) {
  const std::vector<std::uint32_t>& items = program_.attributes[index].items;
  if (items.size() > attributes_left_) {
    throw Error(ErrorCode::limit, "the operations of the program have too many attributes",
                {"at most 8 for each byte", "more"});
  }
  attributes_left_ -= items.size();
  for (std::size_t i = 0; i + 1 < items.size(); i += 2)
    operation.attributes.emplace_back(program_.attributes[items[i]].text, items[i + 1]);
}

void BytecodeReader::name_properties(HloOperation& operation, std::string_view stored,
                                     std::uint64_t at) {
  std::string_view names =
      names_of_properties(operation.full_name.substr(operation.full_name.find('.') + 1));
  Cursor cursor(stored, at);
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find(' '));
    names.remove_prefix(std::min(names.size(), name.size() + 1));
    if (cursor.is_at_end())
      cursor.fail("the properties of an operation", std::string(name), "none");
    operation.attributes.emplace_back(name, attribute_index(cursor));
  }
}

HloOperation BytecodeReader::read_operation(Cursor& cursor) {
  ++program_.operation_count;
  HloOperation operation;
  operation.at = cursor.at();
  const Name& name = names_[cursor.index("the name of an operation", names_.size())];
  operation.full_name = name.name;
  operation.name = without_version(name.name);
  const std::uint8_t mask = cursor.byte();
  operation.location = attribute_index(cursor);
  if ((mask & 0x01U) != 0) read_dictionary(operation, attribute_index(cursor));
  if ((mask & 0x40U) != 0) {
    const auto& [stored, at] = properties_[cursor.index("properties", properties_.size())];
    name_properties(operation, stored, at);
  }
  if ((mask & 0x02U) != 0) {
    operation.types.resize(cursor.count("the number of results"));
    for (std::uint32_t& type : operation.types) type = type_index(cursor);
    operation.first_result = define(cursor, operation.types.size());
  }
  if ((mask & 0x04U) != 0) {
    operation.operands.resize(cursor.count("the number of operands"));
    for (std::uint32_t& operand : operation.operands)
      operand = scope_.visible[cursor.index("an operand", scope_.visible.size())];
  }
  if ((mask & 0x08U) != 0) {
    const std::uint64_t successors = cursor.count("the number of successors");
    for (std::uint64_t i = 0; i < successors; ++i) cursor.varint();
  }
  if (version_ >= 3 && (mask & 0x20U) != 0) skip_use_orders(cursor, operation.types.size());
  if ((mask & 0x10U) != 0) read_regions(operation, cursor);
  return operation;
}

void BytecodeReader::read_regions(HloOperation& operation, Cursor& cursor) {
  if (++depth_ > deepest_region) {
    throw Error(ErrorCode::limit, "the program's regions are too deep",
                {std::to_string(deepest_region), "more"});
  }
  const std::uint64_t header = cursor.varint();
  const std::uint64_t count = header >> 1U;
  const bool is_isolated = (header & 1U) != 0;
  if (count > cursor.left()) cursor.fail("the number of regions", "fewer than bytes", "more");
  const auto read_all = [&](Cursor& from) {
    for (std::uint64_t i = 0; i < count; ++i) operation.regions.push_back(read_region(from));
  };
  Scope outer;
  if (is_isolated) std::swap(outer, scope_);
  if (is_isolated && version_ >= 2) {
    const std::uint64_t at = cursor.at();
    auto [id, section] = cursor.section();
    if (id != 4) fail_hlo("the regions of an operation", at, "a section 4", std::to_string(id));
    read_all(section);
  } else {
    read_all(cursor);
  }
  if (is_isolated) {
    for (HloRegion& region : operation.regions) {
      region.is_isolated = true;
      region.own_values = scope_.made;
    }
    std::swap(outer, scope_);
  }
  --depth_;
}

HloRegion BytecodeReader::read_region(Cursor& cursor) {
  HloRegion region;
  const std::uint64_t blocks = cursor.count("the number of blocks");
  if (blocks == 0) return region;
  const std::uint64_t values = cursor.varint();
  if (values > values_left_)
    cursor.fail("the number of values of a region", "at most 8 for each byte",
                std::to_string(values));
  values_left_ -= values;
  const std::size_t outer_size = scope_.visible.size();
  const std::size_t outer_next = scope_.next;
  for (std::uint64_t i = 0; i < values; ++i) scope_.visible.push_back(scope_.made++);
  scope_.next = outer_size;
  for (std::uint64_t i = 0; i < blocks; ++i) region.blocks.push_back(read_block(cursor));
  if (scope_.next != scope_.visible.size()) {
    cursor.fail("the values of a region", std::to_string(values) + ", as it declares",
                std::to_string(scope_.next - outer_size));
  }
  scope_.visible.resize(outer_size);
  scope_.next = outer_next;
  return region;
}

HloBlock BytecodeReader::read_block(Cursor& cursor) {
  HloBlock block;
  const std::uint64_t header = cursor.varint();
  if ((header & 1U) != 0) read_arguments(block, cursor);
  read_operations(block, cursor, header >> 1U);
  return block;
}

void BytecodeReader::read_arguments(HloBlock& block, Cursor& cursor) {
  const std::uint64_t count = cursor.count("the number of arguments");
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t type = cursor.varint();
    bool has_location = true;
    if (version_ >= 4) {
      has_location = (type & 1U) != 0;
      type >>= 1U;
    }
    if (type >= type_entries_.size())
      cursor.fail("the type of an argument", "a type of the file", std::to_string(type));
    block.argument_types.push_back(static_cast<std::uint32_t>(type));
    block.argument_locations.push_back(has_location ? attribute_index(cursor) : hlo_none);
  }
  block.first_argument = define(cursor, count);
  if (version_ >= 3 && cursor.byte() != 0) skip_use_orders(cursor, count);
}

void BytecodeReader::read_operations(HloBlock& block, Cursor& cursor, std::uint64_t count) {
  if (count > cursor.left()) {
    cursor.fail("the number of operations", "at most " + std::to_string(cursor.left()),
                std::to_string(count));
  }
  for (std::uint64_t i = 0; i < count; ++i) block.operations.push_back(read_operation(cursor));
}

}  // namespace

bool looks_like_mlir_bytecode(std::string_view bytes) noexcept {
  return bytes.starts_with("ML\xEFR");
}

HloProgram read_mlir_bytecode(std::string_view bytes, std::uint64_t offset) {
  return BytecodeReader(bytes, offset).read();
}

}  // namespace zoometer
