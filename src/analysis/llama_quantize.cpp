// Which type each tensor gets in a file of llama.cpp: the rules of llama-quantize
// (src/llama-quant.cpp of llama.cpp, 2025-10), which give more bits to the tensors that matter
// most. They reproduce the published bits per weight of 24 quantisations of Llama 3.1 8B.
#include <algorithm>
#include <charconv>

#include "analysis/gguf_tensors.hpp"
#include "import/weights/ggml_types.hpp"
#include "zoometer/util/checked.hpp"
#include "zoometer/util/error.hpp"

namespace zoometer {
namespace {

/// A mixture of types.
struct Mixture {
  std::string_view name;
  std::string_view type;    ///< of most tensors
  bool has_imatrix = true;  ///< whether it is usually made with statistics of activations
};

constexpr Mixture mixtures[] = {
    {"F32", "F32"},
    {"F16", "F16"},
    {"BF16", "BF16"},
    {"Q8_0", "Q8_0"},
    {"Q6_K", "Q6_K"},
    {"Q5_K_M", "Q5_K"},
    {"Q5_K_S", "Q5_K"},
    {"Q5_1", "Q5_1"},
    {"Q5_0", "Q5_0", false},
    {"Q4_K_M", "Q4_K"},
    {"Q4_K_S", "Q4_K"},
    {"Q4_1", "Q4_1"},
    {"Q4_0", "Q4_0", false},
    {"IQ4_NL", "IQ4_NL", false},
    {"IQ4_XS", "IQ4_XS", false},
    {"Q3_K_L", "Q3_K"},
    {"Q3_K_M", "Q3_K"},
    {"Q3_K_S", "Q3_K"},
    {"IQ3_M", "IQ3_S"},
    {"IQ3_S", "IQ3_S"},
    {"IQ3_XS", "IQ3_S"},
    {"IQ3_XXS", "IQ3_XXS"},
    {"Q2_K", "Q2_K"},
    {"Q2_K_S", "Q2_K"},
    {"IQ2_M", "IQ2_S"},
    {"IQ2_S", "IQ2_XS"},
    {"IQ2_XS", "IQ2_XS"},
    {"IQ2_XXS", "IQ2_XXS"},
    {"IQ1_M", "IQ1_M"},
    {"IQ1_S", "IQ1_S"},
    {"TQ2_0", "TQ2_0"},
    {"TQ1_0", "TQ1_0"},
    {"MXFP4_MOE", "MXFP4"},
};

/// What a tensor is to the rules, by its name.
enum class Part : std::uint8_t {
  embedding,
  output,
  attention_query,
  attention_key,
  attention_value,
  attention_fused,
  attention_output,
  feed_forward_gate,
  feed_forward_up,
  feed_forward_down,
  other,
};

struct PartName {
  std::string_view name;  ///< anywhere in that of the tensor
  Part part;
};

constexpr PartName part_names[] = {
    {"attn_qkv.weight", Part::attention_fused},     {"attn_v.weight", Part::attention_value},
    {"attn_k.weight", Part::attention_key},         {"attn_q.weight", Part::attention_query},
    {"attn_output.weight", Part::attention_output}, {"ffn_up", Part::feed_forward_up},
    {"ffn_gate", Part::feed_forward_gate},          {"ffn_down", Part::feed_forward_down},
};

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

Part part_of(std::string_view name) {
  if (name == "output.weight") return Part::output;
  if (name == "token_embd.weight" || name == "per_layer_token_embd.weight") return Part::embedding;
  for (const PartName& row : part_names) {
    if (contains(name, row.name)) return row.part;
  }
  return Part::other;
}

/// Matrices that stay as the converter writes them.
constexpr std::string_view kept_names[] = {
    "_norm.weight",   "ffn_gate_inp", "altup",      "laurel",         "per_layer_model_proj",
    "position_embd",  "token_types",  "ssm_conv1d", "shortconv.conv", "indexer.k_proj",
    "indexer.q_proj", "time_mix_",    "attn_rel_b"};
/// Of these, those in float16; the others are float32.
constexpr std::string_view half_names[] = {
    "altup_proj", "altup_router.weight",  "altup_unemb", "laurel_l",
    "laurel_r",   "per_layer_model_proj", "attn_rel_b"};

/// Models that llama.cpp takes for Llama's of 70 billion parameters, by their layers.
bool is_of_70b(const WeightContext& context, std::int64_t layers) {
  if (context.model_type == "jais2") return layers == 68;
  const bool is_llama = is_one_of(context.model_type, {"llama", "mistral", "mixtral"});
  return layers == 80 &&
         (is_llama ? context.groups > 1
                   : is_one_of(context.model_type, {"qwen2", "nemotron-nas", "olmo"}));
}

bool has_any(std::string_view name, std::span<const std::string_view> parts) {
  return std::ranges::any_of(parts, [&](std::string_view part) { return contains(name, part); });
}

bool is_quantised(const GgufTensor& tensor, std::span<const ModelWeight> weights) {
  if (tensor.weight == weights.size()) return false;
  const WeightKind kind = weights[tensor.weight].kind;
  return kind != WeightKind::other && kind != WeightKind::router && tensor.rank > 1 &&
         tensor.name.ends_with("weight") && !has_any(tensor.name, kept_names);
}

/// Every third layer, and the first and the last eighth.
bool takes_more_bits(std::int64_t i, std::int64_t count) {
  return i < count / 8 || i >= 7 * count / 8 || (i - count / 8) % 3 == 2;
}

/// The type that takes rows of that length, where the chosen one does not.
const StorageType& fitting(std::string_view name, std::int64_t columns) {
  const StorageType* type = ggml_type(name);
  if (columns % type->elements == 0) return *type;
  std::string_view other = "IQ4_NL";
  if (name == "Q4_K") other = "Q5_0";
  if (name == "Q5_K") other = "Q5_1";
  if (name == "Q6_K") other = "Q8_0";
  if (is_one_of(name, {"TQ1_0", "TQ2_0"})) other = "Q4_0";
  type = ggml_type(other);
  return columns % type->elements == 0 ? *type : *ggml_type("F16");
}

class LlamaQuantize {
 public:
  LlamaQuantize(const Mixture& mixture, std::span<const GgufTensor> tensors,
                const WeightContext& context)
      : name_(mixture.name),
        usual_(mixture.type),
        has_imatrix_(mixture.has_imatrix),
        is_falcon_(context.model_type == "falcon"),
        experts_(std::max<std::int64_t>(1, context.experts)),
        groups_(context.groups) {
    for (const GgufTensor& tensor : tensors) {
      layers_ = std::max(layers_, layer_of(tensor.name) + 1);
      const Part part = part_of(tensor.name);
      if (part == Part::attention_value || part == Part::attention_fused ||
          contains(tensor.name, "attn_kv_b.weight"))
        ++value_count_;
      if (part == Part::output) has_output_ = true;
    }
    is_70b_ = is_of_70b(context, layers_);
  }

  /// The type of a matrix.
  const StorageType& type_of(const GgufTensor& tensor) {
    if (is_one_of(name_, {"F32", "F16", "BF16"})) return *ggml_type(usual_);
    const std::int64_t columns = tensor.sizes[0];
    return fitting(chosen_type(tensor, columns), columns);
  }

  static std::int64_t layer_of(std::string_view name) {
    const std::size_t begin = name.find("blk.");
    std::int64_t layer = -1;
    if (begin != std::string_view::npos)
      std::from_chars(name.data() + begin + 4, name.data() + name.size(), layer);
    return layer;
  }

 private:
  std::string_view chosen_type(const GgufTensor& tensor, std::int64_t columns) {
    const Part part = part_of(tensor.name);
    const bool is_tied = !has_output_ && tensor.name == "token_embd.weight";
    if (part == Part::output || is_tied) return output_type(columns);
    if (name_ == "MXFP4_MOE") return tensor.rank > 2 ? usual_ : "Q8_0";
    if (part == Part::embedding) return embedding_type();
    if (is_one_of(name_, {"IQ2_XXS", "IQ2_XS", "IQ1_S", "IQ2_S", "IQ2_M", "IQ1_M"}))
      return type_of_few_bits(part);
    const std::int64_t layer = layer_of(tensor.name);
    switch (part) {
    case Part::attention_value: return value_type();
    case Part::attention_key: return experts_ == 8 ? "Q8_0" : query_or_key_type();
    case Part::attention_query: return query_or_key_type();
    case Part::attention_fused: return fused_type();
    case Part::attention_output: return attention_output_type();
    case Part::feed_forward_down: return down_type(layer);
    case Part::feed_forward_gate: return gate_or_up_type(gates_, layer);
    case Part::feed_forward_up: return gate_or_up_type(ups_, layer);
    case Part::embedding:
    case Part::output:
    case Part::other: break;
    }
    return usual_;
  }

  std::string_view output_type(std::int64_t columns) const {
    const bool fits = columns % ggml_type(usual_)->elements == 0;
    if (name_ == "MXFP4_MOE" || is_falcon_ || !fits) return "Q8_0";
    if (is_one_of(name_, {"IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ2_S", "IQ2_M", "IQ1_M"}))
      return "Q5_K";
    return usual_ == "Q8_0" ? usual_ : "Q6_K";
  }

  std::string_view embedding_type() const {
    if (is_one_of(name_, {"IQ2_XXS", "IQ2_XS", "IQ1_S", "IQ1_M"})) return "Q2_K";
    if (is_one_of(name_, {"IQ2_S", "IQ2_M", "IQ3_XXS"})) return "IQ3_S";
    return is_one_of(name_, {"TQ1_0", "TQ2_0"}) ? "Q4_K" : usual_;
  }

  std::string_view type_of_few_bits(Part part) {
    const bool is_2s = is_one_of(name_, {"IQ2_S", "IQ2_M"});
    switch (part) {
    case Part::attention_value:
      ++values_;
      if (groups_ >= 4 || experts_ >= 4) return "Q4_K";
      return is_2s ? "IQ3_S" : "Q2_K";
    case Part::attention_key: return experts_ == 8 ? "Q4_K" : usual_;
    case Part::feed_forward_down: {
      const bool is_early = downs_++ < layers_ / 8;
      if (!is_early) return usual_;
      return is_2s ? "IQ3_S" : "Q2_K";
    }
    case Part::attention_output:
      if (experts_ == 8) return "Q5_K";
      if (is_one_of(name_, {"IQ1_S", "IQ1_M"})) return "IQ2_XXS";
      return is_2s ? "IQ3_S" : usual_;
    default: return usual_;
    }
  }

  std::string_view value_type() {
    const std::int64_t i = values_++;
    std::string_view type = usual_;
    if (name_ == "Q2_K") type = groups_ >= 4 ? "Q4_K" : "Q3_K";
    if (name_ == "Q2_K_S" && groups_ >= 4) type = "Q4_K";
    if (name_ == "IQ3_XXS") type = groups_ >= 4 ? "Q4_K" : !has_imatrix_ ? "IQ3_S" : "IQ3_XXS";
    if (is_one_of(name_, {"IQ3_XS", "IQ3_S"}) && groups_ >= 4) type = "Q4_K";
    if (name_ == "IQ3_M") type = "Q4_K";
    if (name_ == "Q3_K_M") type = i < 2 ? "Q5_K" : "Q4_K";
    if (name_ == "Q3_K_L") type = "Q5_K";
    if (is_one_of(name_, {"IQ4_NL", "IQ4_XS"}) && groups_ >= 4) type = "Q5_K";
    if (is_one_of(name_, {"Q4_K_M", "Q5_K_M"}) && takes_more_bits(i, value_count_)) type = "Q6_K";
    if (name_ == "Q4_K_S" && i < 4) type = "Q5_K";
    if (is_70b_ && is_one_of(type, {"Q3_K", "Q4_K"})) type = "Q5_K";
    return experts_ == 8 ? "Q8_0" : type;
  }

  std::string_view query_or_key_type() const {
    if (name_ == "IQ3_XS") return "IQ3_XXS";
    return name_ == "IQ3_XXS" ? "IQ2_S" : usual_;
  }

  std::string_view fused_type() const {
    if (is_one_of(name_, {"Q3_K_M", "Q3_K_L", "IQ3_M"})) return "Q4_K";
    if (name_ == "Q4_K_M") return "Q5_K";
    return name_ == "Q5_K_M" ? "Q6_K" : usual_;
  }

  std::string_view attention_output_type() const {
    if (is_falcon_) return name_ == "Q3_K_L" ? "Q4_K" : usual_;
    if (experts_ == 8) {
      const bool takes_more =
          is_one_of(name_, {"Q2_K", "IQ3_XS", "IQ3_XXS", "Q3_K_S", "Q3_K_M", "IQ4_NL", "Q4_K_S",
                            "Q4_K_M", "IQ3_S", "IQ3_M", "IQ4_XS"});
      return takes_more ? "Q5_K" : usual_;
    }
    if (name_ == "Q2_K") return "Q3_K";
    if (name_ == "IQ3_XXS") return "IQ3_S";
    if (is_one_of(name_, {"Q3_K_M", "IQ3_M"})) return "Q4_K";
    return name_ == "Q3_K_L" ? "Q5_K" : usual_;
  }

  std::string_view down_type(std::int64_t layer) {
    const std::int64_t counted = downs_++;
    const std::int64_t i = experts_ > 1 ? layer : counted;
    const bool is_early = i < layers_ / 8;
    const bool takes_more = takes_more_bits(i, layers_);
    if (name_ == "Q2_K") return "Q3_K";
    if (name_ == "Q2_K_S") return is_early ? "Q4_K" : usual_;
    if (name_ == "IQ3_XXS" && !has_imatrix_) return is_early ? "Q4_K" : "Q3_K";
    if (name_ == "Q3_K_M") {
      if (i < layers_ / 16) return "Q5_K";
      return !is_falcon_ || takes_more ? "Q4_K" : "Q3_K";
    }
    if (name_ == "IQ3_M" && (is_early || (experts_ == 8 && takes_more))) return "Q4_K";
    if (name_ == "Q3_K_L") return is_falcon_ ? "Q4_K" : "Q5_K";
    if (name_ == "Q4_K_M" && is_falcon_)
      return i < layers_ / 16 ? "Q6_K" : takes_more ? "Q5_K" : "Q4_K";
    if (is_one_of(name_, {"Q4_K_M", "Q5_K_M"}) && takes_more) return "Q6_K";
    if (is_early && is_one_of(name_, {"IQ4_NL", "IQ4_XS"}) && !has_imatrix_) return "Q5_K";
    if (name_ == "Q4_K_S" && !is_falcon_ && is_early) return "Q5_K";
    if (is_early && has_imatrix_ && name_ == "Q4_0") return "Q4_1";
    if (is_early && has_imatrix_ && name_ == "Q5_0") return "Q5_1";
    return usual_;
  }

  std::string_view gate_or_up_type(std::int64_t& counter, std::int64_t layer) {
    const std::int64_t counted = counter++;
    const std::int64_t i = experts_ > 1 ? layer : counted;
    const bool is_inner = i >= layers_ / 8 && i < 7 * layers_ / 8;
    return name_ == "IQ3_XS" && is_inner ? "IQ3_XXS" : usual_;
  }

  std::string_view name_;
  std::string_view usual_;
  bool has_imatrix_;
  bool is_falcon_;
  bool is_70b_ = false;
  bool has_output_ = false;
  std::int64_t layers_ = 0;
  std::int64_t experts_;
  std::int64_t groups_;           // query heads for each key head
  std::int64_t value_count_ = 0;  // layers that have values
  std::int64_t values_ = 0;       // of these, so far
  std::int64_t downs_ = 0, gates_ = 0, ups_ = 0;
};

}  // namespace

std::vector<std::string_view> llama_quantize_names() {
  std::vector<std::string_view> names;
  for (const Mixture& mixture : mixtures) names.push_back(mixture.name);
  return names;
}

StoredSize size_after_llama_quantize(std::string_view name, std::span<const ModelWeight> weights,
                                     const WeightContext& context,
                                     std::vector<std::int64_t>* each) {
  const auto* mixture = std::ranges::find(mixtures, name, &Mixture::name);
  if (mixture == std::end(mixtures))
    throw Error(ErrorCode::unknown_name, "no such quantisation of llama.cpp: " + std::string(name));
  const std::vector<GgufTensor> tensors = gguf_tensors(weights, context);
  LlamaQuantize rules(*mixture, tensors, context);
  StoredSize size;
  std::vector<std::int64_t> of_weight(weights.size() + 1);  // the last: tables of no weight
  for (const GgufTensor& tensor : tensors) {
    const bool is_half = has_any(tensor.name, half_names) && name != "F32";
    const StorageType& type =
        is_quantised(tensor, weights) ? rules.type_of(tensor) : *ggml_type(is_half ? "F16" : "F32");
    const std::int64_t bytes = checked_mul(tensor.elements / type.elements, type.bits / 8);
    size.bytes = checked_add(size.bytes, bytes);
    size.in_file = checked_add(size.in_file, checked_mul(ceil_div(bytes, 32), 32));
    size.stored = checked_add(size.stored, tensor.elements);
    size.elements_by_type[std::string(type.name)] += tensor.elements;
    of_weight[tensor.weight] += bytes;
    if (tensor.weight < weights.size() && weights[tensor.weight].is_parameter)
      size.parameters = checked_add(size.parameters, tensor.elements);
  }
  if (each != nullptr) each->insert(each->end(), of_weight.begin(), of_weight.end() - 1);
  return size;
}

}  // namespace zoometer
