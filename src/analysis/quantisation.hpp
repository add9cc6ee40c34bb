#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/model_weights.hpp"
#include "analysis/module_names.hpp"
#include "models/language/configuration.hpp"
#include "util/seeded_hash.hpp"
#include "zoometer/analysis/hardware.hpp"

namespace zoometer {

/// A way to store weights in fewer bits. docs/language_models.md has the formulas.
struct Scheme {
  enum class Kind : std::uint8_t {
    plain,        ///< every weight in one floating-point type
    ggml,         ///< a file of llama.cpp
    gptq,         ///< integers, zero points and scales of groups, an index of the groups
    awq,          ///< the same without the index
    packed,       ///< compressed-tensors: integers and scales of groups
    mlx,          ///< integers, scales and biases of groups, also of embeddings and the head
    fp8_block,    ///< float8 with a scale for each block of 128 x 128
    fp8_tensor,   ///< float8 with two scales for each matrix
    fp8_channel,  ///< float8 with a scale for each row
    int8,         ///< bitsandbytes: a scale for each row
    nf4,          ///< bitsandbytes: 4 bits with a scale for each 64
    nf4_double,   ///< the same with scales in 8 bits
    mxfp4,        ///< 4 bits with a power of two for each 32, of experts where there are some
    mxfp8,        ///< float8 with a power of two for each 32
    nvfp4,        ///< 4 bits with a float8 for each 16, and two scales for each matrix
  };
  std::string name;  ///< "Q4_K_M", "gptq:4:128"
  Kind kind = Kind::plain;
  DType dtype = DType::float16;  ///< of plain weights
  std::int64_t bits = 4;         ///< of gptq, awq, packed and mlx
  std::int64_t group = 128;      ///< of the same: weights of a scale; of fp8_block: its side
  /// Modules whose weights are left alone; null: none.
  std::shared_ptr<ModuleNames> left_alone = {};
  /// Where each module has a scheme of its own: these, and all others are left alone.
  TextMap<Kind> own_kinds = {};
  bool has_zero_points = false;   ///< packed
  bool has_group_index = false;   ///< packed
  bool is_of_all_linear = false;  ///< mxfp4: also where there are experts
  bool has_fp4_experts = false;   ///< fp8_block: experts in 4 bits, scales as powers of two
};

/// What a model is to llama.cpp's rules.
struct WeightContext {
  std::string model_type;  ///< "llama"
  /// The type of weights that a scheme leaves alone, where a configuration names none.
  std::optional<DType> usual_type = {};
  bool has_float32_routers = false;  ///< as the files of MiniMax
  // What llama.cpp's rules and its converter ask, of a configuration:
  std::int64_t groups = 1;      ///< query heads for each key head, in the first layer; 0: no heads
  std::int64_t experts = 0;     ///< of a layer
  std::int64_t latent_key = 0;  ///< of a head of latent attention that is cut: not rotated; 0: none
  std::int64_t latent_value = 0;  ///< of a value of it
  bool has_mamba2 = false;
  std::int64_t gate_rows = 0;   ///< of a delta net's gate that is in one layer with its keys
  std::int64_t gated_rows = 1;  ///< of that layer
  /// Tables of frequencies that only GGUF files have: name and numbers.
  std::vector<std::pair<std::string, std::int64_t>> rotary_tables = {};
};

/// A scheme by its name: a type of llama.cpp in any case ("Q4_K_M"), "float16", "gptq:BITS:GROUP",
/// "awq", "w4a16", "mlx:BITS:GROUP", "fp8-block", "fp8", "fp8-channel", "int8", "nf4",
/// "nf4:double", "mxfp4", "nvfp4". Throws Error{unknown_name} with a suggestion.
Scheme scheme_of(std::string_view name);

/// The scheme that a configuration says its checkpoint has (`quantization_config`), with its lists
/// of modules that are left alone; nothing if it has none. An unknown one is `unknown`.
std::optional<Scheme> scheme_of_configuration(const Setting& settings, std::string& unknown);

/// What else a configuration says of stored weights.
WeightContext weight_context(const Setting& settings);

/// The schemes that a table of them shows.
std::vector<std::string_view> usual_schemes();

/// Weights after a scheme.
struct StoredSize {
  std::int64_t bytes = 0;
  std::int64_t parameters = 0;  ///< that they stand for
  std::int64_t stored = 0;      ///< elements of all tensors, packed integers as their containers
  std::int64_t in_file = 0;     ///< of llama.cpp: `bytes` with what each tensor is filled up with
  std::map<std::string, std::int64_t> elements_by_type;  ///< of these: "int32", "Q4_K"
  double bits_per_weight() const noexcept;
};

/// The bytes of the tensors. Those of each weight are added to `each`, if it is not null. Throws
/// Error{overflow}.
StoredSize size_after(const Scheme& scheme, std::span<const ModelWeight> weights,
                      const WeightContext& context, std::vector<std::int64_t>* each = nullptr);

/// The same for weights as they are, without a scheme.
StoredSize size_of_weights(std::span<const ModelWeight> weights,
                           std::vector<std::int64_t>* each = nullptr);

/// The type in which a device multiplies this weight after a scheme: float8 and int8 where both
/// factors have it, else the type of the activations.
NumberType product_type(const Scheme& scheme, const ModelWeight& weight, NumberType activations);

/// The names of the mixtures of types that llama.cpp's llama-quantize makes.
std::vector<std::string_view> llama_quantize_names();
/// The same as bytes; `name` is one of them. Implemented in llama_quantize.cpp.
StoredSize size_after_llama_quantize(std::string_view name, std::span<const ModelWeight> weights,
                                     const WeightContext& context,
                                     std::vector<std::int64_t>* each = nullptr);

}  // namespace zoometer
