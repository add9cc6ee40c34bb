#include "analysis/quantisation.hpp"

#include <algorithm>
#include <charconv>

#include "util/text.hpp"
#include "zoometer/util/checked.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

using Kind = Scheme::Kind;

struct SchemeName {
  std::string_view name;
  Kind kind;
  std::int64_t bits = 0;  ///< 0: the name takes none
  std::int64_t group = 0;
};

constexpr SchemeName scheme_names[] = {
    {"float32", Kind::plain},
    {"float16", Kind::plain},
    {"bfloat16", Kind::plain},
    {"gptq", Kind::gptq, 4, 128},
    {"awq", Kind::awq, 4, 128},
    {"w4a16", Kind::packed, 4, 128},
    {"w8a16", Kind::packed, 8, 128},
    {"mlx", Kind::mlx, 4, 64},
    {"fp8-block", Kind::fp8_block},
    {"fp8", Kind::fp8_tensor},
    {"fp8-channel", Kind::fp8_channel},
    {"int8", Kind::int8},
    {"nf4", Kind::nf4},
    {"nf4:double", Kind::nf4_double},
    {"mxfp4", Kind::mxfp4},
    {"nvfp4", Kind::nvfp4},
};

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

[[noreturn]] void refuse_scheme(std::string_view name) {
  std::vector<std::string_view> names = llama_quantize_names();
  for (const SchemeName& row : scheme_names) names.push_back(row.name);
  Error error(ErrorCode::unknown_name, "no such scheme of quantisation: " + escape_controls(name));
  error.hint = did_you_mean(name, names);
  throw error;
}

/// The number of a part of "gptq:4:128".
std::int64_t number_in(std::string_view part, std::string_view name) {
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(part.data(), part.data() + part.size(), number);
  if (problem != std::errc() || end != part.data() + part.size() || number < 1 || number > 65'536)
    throw Error(ErrorCode::usage, "the scheme " + escape_controls(name),
                {"NAME:BITS:GROUP", escape_controls(part)});
  return number;
}

void check_bits(const Scheme& scheme) {
  const bool is_known = scheme.bits == 2 || scheme.bits == 3 || scheme.bits == 4 ||
                        scheme.bits == 8 || (scheme.kind == Kind::mlx && scheme.bits <= 8);
  if (is_known && (scheme.kind != Kind::awq || scheme.bits == 4)) return;
  throw Error(
      ErrorCode::usage, "the scheme " + scheme.name,
      {scheme.kind == Kind::awq ? "4 bits" : "2, 3, 4 or 8 bits", std::to_string(scheme.bits)});
}

std::int64_t words_of(std::int64_t numbers, std::int64_t bits) {
  return ceil_div(checked_mul(numbers, bits), 32);
}

/// A tensor of a checkpoint.
struct StoredPart {
  DType dtype;
  std::int64_t elements;
};

/// The tensors that stand for one matrix.
std::vector<StoredPart> parts_of(const Scheme& scheme, const ModelWeight& weight) {
  const std::int64_t rows = weight.rows;
  const std::int64_t columns = weight.columns;
  const std::int64_t elements = checked_mul(rows, columns);
  const std::int64_t groups = ceil_div(columns, scheme.group);
  const std::int64_t scales = checked_mul(rows, groups);
  switch (scheme.kind) {
  case Kind::gptq:  // qweight, qzeros, scales, g_idx
    return {{DType::int32, checked_mul(words_of(columns, scheme.bits), rows)},
            {DType::int32, checked_mul(groups, words_of(rows, scheme.bits))},
            {DType::float16, scales},
            {DType::int32, columns}};
  case Kind::awq:  // qweight, qzeros, scales
    return {{DType::int32, checked_mul(columns, words_of(rows, scheme.bits))},
            {DType::int32, checked_mul(groups, words_of(rows, scheme.bits))},
            {DType::float16, scales}};
  case Kind::packed:  // weight_packed, weight_scale, weight_shape
    return {{DType::int32, checked_mul(rows, words_of(columns, scheme.bits))},
            {weight.dtype, scales},
            {DType::int32, 2},
            {DType::int32,
             scheme.has_zero_points ? checked_mul(groups, words_of(rows, scheme.bits)) : 0},
            {DType::int32, scheme.has_group_index ? columns : 0}};
  case Kind::mlx:  // weight, scales, biases
    return {{DType::uint32, checked_mul(rows, words_of(columns, scheme.bits))},
            {weight.dtype, 2 * scales}};
  case Kind::fp8_block:  // weight, weight_scale_inv
    if (scheme.has_fp4_experts && weight.kind == WeightKind::expert) {
      return {{DType::int8, checked_mul(rows, ceil_div(columns, 2))},
              {DType::float8_e8m0fnu, checked_mul(rows, ceil_div(columns, 32))}};
    }
    return {{DType::float8_e4m3fn, elements},
            {scheme.has_fp4_experts ? DType::float8_e8m0fnu : DType::float32,
             checked_mul(ceil_div(rows, scheme.group), groups)}};
  case Kind::fp8_tensor:  // weight, weight_scale, input_scale
    return {{DType::float8_e4m3fn, elements}, {DType::float32, 2}};
  case Kind::fp8_channel: return {{DType::float8_e4m3fn, elements}, {DType::float32, rows}};
  case Kind::int8:  // weight, SCB
    return {{DType::int8, elements}, {DType::float32, rows}};
  case Kind::nf4:  // weight, absmax, quant_map
    return {{DType::uint8, ceil_div(elements, 2)},
            {DType::float32, ceil_div(elements, 64)},
            {DType::float32, 16}};
  case Kind::nf4_double: {  // absmax in 8 bits, nested_absmax, nested_quant_map, quant_map
    const std::int64_t absmax = ceil_div(elements, 64);
    return {{DType::uint8, ceil_div(elements, 2) + absmax},
            {DType::float32, ceil_div(absmax, 256) + 256 + 16}};
  }
  case Kind::mxfp4:  // blocks, scales
    return {{DType::uint8, checked_mul(rows, ceil_div(columns, 32)) * 17}};
  case Kind::mxfp8:  // weight, weight_scale
    return {{DType::float8_e4m3fn, elements},
            {DType::uint8, checked_mul(rows, ceil_div(columns, 32))}};
  case Kind::nvfp4:  // weight, weight_scale, weight_scale_2, input_scale
    return {{DType::uint8, checked_mul(rows, ceil_div(columns, 2))},
            {DType::float8_e4m3fn, checked_mul(rows, ceil_div(columns, 16))},
            {DType::float32, 2}};
  case Kind::plain:
  case Kind::ggml: break;
  }
  return {{weight.dtype, elements}};
}

/// Layers that DeepSeek's files in FP8 keep: to the features of a prediction, its copy of the head,
/// the weights of an index, and compressors of keys.
bool stays_in_fp8_files(std::string_view path) {
  constexpr std::string_view parts[] = {"eh_proj", "shared_head", "weights_proj", "compressor."};
  return std::ranges::any_of(
      parts, [&](std::string_view part) { return path.find(part) != std::string_view::npos; });
}

/// Whether a scheme has a type for this weight. Embeddings, heads, routers and norms are left alone
/// by all but MLX; MXFP4 is of the experts of a mixture.
bool takes(const Scheme& scheme, const ModelWeight& weight, bool has_experts) {
  switch (weight.kind) {
  case WeightKind::expert: return true;
  case WeightKind::linear:
    if (scheme.kind == Kind::fp8_block && stays_in_fp8_files(weight.path)) return false;
    return scheme.kind != Kind::mxfp4 || !has_experts || scheme.is_of_all_linear;
  case WeightKind::embedding:
  case WeightKind::head:
  case WeightKind::router: return scheme.kind == Kind::mlx && weight.columns % scheme.group == 0;
  case WeightKind::other: return false;
  }
  return false;
}

bool is_left_alone(const Scheme& scheme, const ModelWeight& weight) {
  if (scheme.left_alone == nullptr) return false;
  std::string module = weight.path.substr(0, weight.path.rfind('.'));
  std::ranges::replace(module, '*', '0');  // all experts are as the first
  return scheme.left_alone->has(module);
}

/// Adds tensors to sums, `count` of each.
void add_parts(std::span<const StoredPart> parts, std::int64_t count, StoredSize& size) {
  for (const StoredPart& part : parts) {
    const std::int64_t elements = checked_mul(part.elements, count);
    size.bytes = checked_add(size.bytes, checked_mul(bytes_of(part.elements, part.dtype), count));
    size.stored = checked_add(size.stored, elements);
    std::int64_t& of_type = size.elements_by_type[std::string(name_of(part.dtype))];
    of_type = checked_add(of_type, elements);
  }
}

void add_whole(const ModelWeight& weight, DType dtype, StoredSize& size) {
  const StoredPart whole{dtype, weight.elements};
  add_parts({&whole, 1}, 1, size);
}

/// The type of a weight that is left alone, and of the scales of others.
DType kept_type(const ModelWeight& weight, const WeightContext& context) {
  if (context.has_float32_routers && weight.kind == WeightKind::router) return DType::float32;
  const bool is_declared =
      weight.dtype != DType::float32 || !weight.is_parameter || weight.path.ends_with("A_log");
  return is_declared ? weight.dtype : context.usual_type.value_or(weight.dtype);
}

/// The scheme of one weight; nothing if it is left alone.
std::optional<Scheme> scheme_for(const Scheme& scheme, const ModelWeight& weight,
                                 bool has_experts) {
  if (scheme.own_kinds.empty()) {
    const bool is_taken = takes(scheme, weight, has_experts) && !is_left_alone(scheme, weight);
    return is_taken ? std::optional<Scheme>(scheme) : std::nullopt;
  }
  if (weight.rows == 0) return {};
  std::string module = weight.path.substr(0, weight.path.rfind('.'));
  std::ranges::replace(module, '*', '0');
  while (true) {  // the module, or one around it
    const auto found = scheme.own_kinds.find(module);
    if (found != scheme.own_kinds.end()) {
      Scheme own;
      own.kind = found->second;
      return own;
    }
    const std::size_t dot = module.rfind('.');
    if (dot == std::string::npos) return {};
    module.resize(dot);
  }
}

void add_after(const Scheme& scheme, const ModelWeight& declared, const WeightContext& context,
               bool has_experts, StoredSize& size) {
  if (scheme.kind == Kind::plain) {
    const bool is_narrowed = is_real_floating(declared.dtype) && declared.is_parameter;
    add_whole(declared, is_narrowed ? scheme.dtype : declared.dtype, size);
    return;
  }
  ModelWeight weight = declared;
  weight.dtype = kept_type(declared, context);
  const std::optional<Scheme> own = scheme_for(scheme, weight, has_experts);
  if (own) {
    add_parts(parts_of(*own, weight), weight.matrices, size);
  } else {
    add_whole(weight, weight.dtype, size);
  }
}

}  // namespace

double StoredSize::bits_per_weight() const noexcept {
  return parameters == 0 ? 0 : 8.0 * static_cast<double>(bytes) / static_cast<double>(parameters);
}

Scheme scheme_of(std::string_view name) {
  for (const std::string_view known : llama_quantize_names()) {
    if (lower(known) == lower(name)) return {.name = std::string(known), .kind = Kind::ggml};
  }
  const std::string word = lower(name);
  const std::size_t colon = word.find(':');
  for (const SchemeName& row : scheme_names) {
    const bool takes_numbers = row.bits > 0;
    if (row.name != word && !(takes_numbers && word.substr(0, colon) == row.name)) continue;
    Scheme scheme{.name = word, .kind = row.kind};
    if (row.kind == Kind::plain) scheme.dtype = *dtype_from_name(row.name);
    if (!takes_numbers) return scheme;
    scheme.bits = row.bits;
    scheme.group = row.group;
    if (colon != std::string::npos) {
      const std::size_t second = word.find(':', colon + 1);
      scheme.bits =
          number_in(std::string_view(word).substr(
                        colon + 1, second == std::string::npos ? second : second - colon - 1),
                    word);
      if (second != std::string::npos)
        scheme.group = number_in(std::string_view(word).substr(second + 1), word);
    }
    check_bits(scheme);
    return scheme;
  }
  refuse_scheme(name);
}

std::vector<std::string_view> usual_schemes() {
  std::vector<std::string_view> names = {"bfloat16", "fp8",      "fp8-block", "int8",  "gptq:4:128",
                                         "awq",      "mlx:4:64", "nf4",       "mxfp4", "nvfp4"};
  for (const std::string_view name : llama_quantize_names()) {
    if (name != "F32" && name != "BF16" && name != "TQ1_0" && name != "TQ2_0" &&
        name != "MXFP4_MOE")
      names.push_back(name);
  }
  return names;
}

StoredSize size_of_weights(std::span<const ModelWeight> weights, std::vector<std::int64_t>* each) {
  StoredSize size;
  for (const ModelWeight& weight : weights) {
    if (weight.is_parameter) size.parameters = checked_add(size.parameters, weight.elements);
    const std::int64_t before = size.bytes;
    add_whole(weight, weight.dtype, size);
    if (each != nullptr) each->push_back(size.bytes - before);
  }
  return size;
}

StoredSize size_after(const Scheme& scheme, std::span<const ModelWeight> weights,
                      const WeightContext& context, std::vector<std::int64_t>* each) {
  if (scheme.kind == Kind::ggml)
    return size_after_llama_quantize(scheme.name, weights, context, each);
  const bool has_experts = std::ranges::any_of(
      weights, [](const ModelWeight& weight) { return weight.kind == WeightKind::expert; });
  StoredSize size;
  for (const ModelWeight& declared : weights) {
    if (declared.is_parameter) size.parameters = checked_add(size.parameters, declared.elements);
    const std::int64_t before = size.bytes;
    add_after(scheme, declared, context, has_experts, size);
    if (each != nullptr) each->push_back(size.bytes - before);
  }
  return size;
}

NumberType product_type(const Scheme& scheme, const ModelWeight& weight, NumberType activations) {
  switch (scheme_for(scheme, weight, true).value_or(Scheme{}).kind) {
  case Kind::fp8_block:
  case Kind::fp8_tensor:
  case Kind::fp8_channel:
  case Kind::mxfp8: return NumberType::float8;
  case Kind::nvfp4: return NumberType::float4;
  case Kind::int8: return NumberType::int8;
  default: return activations;
  }
}

}  // namespace zoometer
