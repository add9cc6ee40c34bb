// Which type each tensor gets in a file of llama.cpp: the rules of llama-quantize
// (src/llama-quant.cpp of llama.cpp, 2025-10), which give more bits to the tensors that matter
// most. They reproduce the published bits per weight of 24 quantisations of Llama 3.1 8B.
#include <algorithm>

#include "analysis/quantisation.hpp"
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

/// What a tensor is called in GGUF files.
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
  std::string_view name;
  Part part;
};

/// The last module of a path, in the families' names.
constexpr PartName part_names[] = {
    {"q_proj", Part::attention_query},
    {"k_proj", Part::attention_key},
    {"v_proj", Part::attention_value},
    {"qkv_proj", Part::attention_fused},
    {"c_attn", Part::attention_fused},
    {"query_key_value", Part::attention_fused},
    {"Wqkv", Part::attention_fused},
    {"o_proj", Part::attention_output},
    {"out_proj", Part::attention_output},
    {"dense", Part::attention_output},
    {"gate_proj", Part::feed_forward_gate},
    {"w1", Part::feed_forward_gate},
    {"up_proj", Part::feed_forward_up},
    {"w3", Part::feed_forward_up},
    {"gate_up_proj", Part::feed_forward_up},
    {"input_linear", Part::feed_forward_up},
    {"fc1", Part::feed_forward_up},
    {"fc_in", Part::feed_forward_up},
    {"c_fc", Part::feed_forward_up},
    {"dense_h_to_4h", Part::feed_forward_up},
    {"down_proj", Part::feed_forward_down},
    {"w2", Part::feed_forward_down},
    {"output_linear", Part::feed_forward_down},
    {"fc2", Part::feed_forward_down},
    {"fc_out", Part::feed_forward_down},
    {"dense_4h_to_h", Part::feed_forward_down},
};

Part part_of(const ModelWeight& weight) {
  if (weight.kind == WeightKind::embedding) return weight.is_tied ? Part::output : Part::embedding;
  if (weight.kind == WeightKind::head) return Part::output;
  std::string_view path = weight.path;
  if (path.ends_with(".weight")) path.remove_suffix(7);
  const std::string_view last = path.substr(path.rfind('.') + 1);
  if (last == "c_proj")
    return path.ends_with("mlp.c_proj") ? Part::feed_forward_down : Part::attention_output;
  for (const PartName& row : part_names) {
    if (row.name == last) return row.part;
  }
  return Part::other;
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

/// Every third layer, and the first and the last eighth.
bool takes_more_bits(std::int64_t i, std::int64_t count) {
  return i < count / 8 || i >= 7 * count / 8 || (i - count / 8) % 3 == 2;
}

class LlamaQuantize {
 public:
  LlamaQuantize(const Mixture& mixture, std::span<const ModelWeight> weights,
                const WeightContext& context)
      : name_(mixture.name),
        usual_(mixture.type),
        has_imatrix_(mixture.has_imatrix),
        is_falcon_(context.model_type == "falcon") {
    std::int64_t query_rows = 0;
    std::int64_t key_rows = 0;
    for (const ModelWeight& weight : weights) {
      layers_ = std::max(layers_, weight.layer + 1);
      if (weight.kind == WeightKind::expert) experts_ = std::max(experts_, weight.matrices);
      const Part part = part_of(weight);
      if (part == Part::attention_value || part == Part::attention_fused) ++value_count_;
      if (part == Part::attention_query && query_rows == 0) query_rows = weight.rows;
      if (part == Part::attention_key && key_rows == 0) key_rows = weight.rows;
    }
    groups_ = key_rows > 0 ? query_rows / key_rows : 1;
    is_70b_ = layers_ == 80 && groups_ > 1;
  }

  /// The type of a matrix, before its rows are looked at.
  std::string_view type_of(const ModelWeight& weight) {
    const Part part = part_of(weight);
    if (is_one_of(name_, {"F32", "F16", "BF16"})) return usual_;
    if (part == Part::output) return output_type();
    if (name_ == "MXFP4_MOE") return weight.kind == WeightKind::expert ? usual_ : "Q8_0";
    if (part == Part::embedding) return embedding_type();
    if (is_one_of(name_, {"IQ2_XXS", "IQ2_XS", "IQ1_S", "IQ2_S", "IQ2_M", "IQ1_M"}))
      return type_of_few_bits(part);
    switch (part) {
    case Part::attention_value: return value_type();
    case Part::attention_key: return experts_ == 8 ? "Q8_0" : query_or_key_type();
    case Part::attention_query: return query_or_key_type();
    case Part::attention_fused: return fused_type();
    case Part::attention_output: return attention_output_type();
    case Part::feed_forward_down: return down_type(weight.layer);
    case Part::feed_forward_gate: return gate_or_up_type(gates_, weight.layer);
    case Part::feed_forward_up: return gate_or_up_type(ups_, weight.layer);
    case Part::embedding:
    case Part::output:
    case Part::other: break;
    }
    return usual_;
  }

 private:
  std::string_view output_type() const {
    if (name_ == "MXFP4_MOE" || is_falcon_) return "Q8_0";
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
  std::int64_t layers_ = 0;
  std::int64_t experts_ = 1;
  std::int64_t groups_ = 1;       // query heads for each key head
  std::int64_t value_count_ = 0;  // layers that have values
  std::int64_t values_ = 0;       // of these, so far
  std::int64_t downs_ = 0, gates_ = 0, ups_ = 0;
};

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
  LlamaQuantize rules(*mixture, weights, context);
  StoredSize size;
  const auto add = [&](const StorageType& type, std::int64_t elements) {
    size.bytes = checked_add(size.bytes, checked_mul(elements / type.elements, type.bits / 8));
    size.stored = checked_add(size.stored, elements);
    size.elements_by_type[std::string(type.name)] += elements;
  };
  for (const ModelWeight& weight : weights) {
    if (weight.is_parameter) size.parameters = checked_add(size.parameters, weight.elements);
    const bool is_matrix = weight.kind != WeightKind::other && weight.kind != WeightKind::router;
    const std::int64_t before = size.bytes;
    add(is_matrix ? fitting(rules.type_of(weight), weight.columns) : *ggml_type("F32"),
        weight.elements);
    if (each != nullptr) each->push_back(size.bytes - before);
  }
  if (context.rotary_factors > 0) add(*ggml_type("F32"), context.rotary_factors);
  return size;
}

}  // namespace zoometer
