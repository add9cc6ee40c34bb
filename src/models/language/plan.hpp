#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// A language model as its sizes and the names of its tensors. A family's file makes the plan from a
// configuration; decoder.cpp and stack.cpp build the modules and trace what passes. Views live as
// long as the program. An empty name means that there is no such layer.

namespace zoometer {

enum class NormKind : std::uint8_t {
  rms,           ///< weight
  layer,         ///< weight and bias
  layer_weight,  ///< a layer norm without a bias
  plain,         ///< without parameters
};

enum class ActivationKind : std::uint8_t { silu, gelu, relu, squared_relu, tanh };

enum class QueryKeyNorm : std::uint8_t {
  none,
  head,        ///< RMS over each head, one weight for all heads
  whole,       ///< RMS over all heads together
  head_layer,  ///< layer norm over each head
  each_head,   ///< layer norm over each head with a weight of its own: (heads, features)
  head_list,   ///< the same as a module for each head
};

/// The rank of what an adapter adds to a linear layer (LoRA: Hu and others, 2021).
struct AdapterRank {
  std::string_view layer;  ///< its name in the plan: "q_proj"
  std::int64_t rank = 1;
};
using AdapterRanks = std::vector<AdapterRank>;

/// Self-attention with keys and values that groups of query heads share.
struct AttentionPlan {
  std::int64_t heads = 1;
  std::int64_t key_value_heads = 1;
  std::int64_t head = 1;        ///< features of a query and of a key head
  std::int64_t value_head = 0;  ///< features of a value head; 0: as many
  bool query_bias = false;
  bool key_bias = false;
  bool value_bias = false;
  bool output_bias = false;
  std::string_view query = "q_proj";
  std::string_view key = "k_proj";
  std::string_view value = "v_proj";
  std::string_view output = "o_proj";
  std::string_view fused = {};  ///< query, key and value in one layer instead of the three
  bool is_transposed = false;   ///< weights are (in, out)
  QueryKeyNorm query_key_norm = QueryKeyNorm::none;
  std::string_view query_norm = "q_norm";
  std::string_view key_norm = "k_norm";
  std::string_view value_norm = {};   ///< without a weight
  bool has_fused_gate = false;        ///< the query's layer also gives a gate of the output
  std::string_view gate = {};         ///< a layer that gives the gate of the output
  std::int64_t gate_features = 0;     ///< of that layer
  std::string_view output_norm = {};  ///< an RMS norm before the output's layer
  std::string_view sinks = {};        ///< a learnt score of each head
  std::int64_t rotary = -1;           ///< rotated features of a head; -1: all
  std::int64_t window = 0;            ///< tokens that a query sees, its own included; 0: all
  std::int64_t chunk = 0;             ///< of chunked attention; 0: none
  bool sees_last_chunk = false;       ///< queries of a tower see the chunk before, too
  bool uses_shared_keys = false;      ///< of an earlier layer: its own are stored, but unused
  bool value_is_key = false;          ///< no layer of values
  std::int64_t index_heads = 0;       ///< MiniMax-M3's index of blocks of keys; 0: none
  std::int64_t index_head = 0;        ///< its features
  std::int64_t selected = 0;          ///< keys that an index selects; 0: all
  bool is_causal = true;              ///< a query sees no later key
  bool is_cross = false;              ///< keys and values are of the encoder's result
  bool adds_distances = false;        ///< scores get T5's bias for each distance
  std::int64_t distance_rows = 0;     ///< of the table of these, in the first layer only
  AdapterRanks adapters = {};
};

/// Latent attention: keys and values of all heads from one short vector (DeepSeek-V2, 2024).
struct LatentPlan {
  std::int64_t heads = 1;
  std::int64_t query_rank = 0;  ///< of the query's vector; 0: none, one layer
  std::int64_t rank = 1;        ///< of the vector of keys and values: `kv_lora_rank`
  std::int64_t plain = 1;       ///< features of a head that are not rotated: `qk_nope_head_dim`
  std::int64_t rotary = 1;      ///< those that are: `qk_rope_head_dim`
  std::int64_t value = 1;       ///< features of a value head
  bool bias = false;            ///< of the layers to the vectors, and of the output
  bool is_rotated = true;
  std::int64_t gate_features = 0;  ///< of a layer `g_proj` that gates the heads' results; 0: none
  std::string_view output = "o_proj";  ///< the layer out
  std::int64_t index_heads = 0;        ///< of the index of keys (DeepSeek-V3.2); 0: none here
  std::int64_t index_head = 0;         ///< its features
  std::int64_t selected = 0;           ///< keys that it selects; 0: all
  AdapterRanks adapters = {};
};

/// Attention over a window of keys that are values, too, and over keys that stand for several
/// tokens (DeepSeek-V4, 2026).
struct CompressedPlan {
  std::int64_t heads = 1;
  std::int64_t head = 1;
  std::int64_t rotary = 0;
  std::int64_t query_rank = 1;
  std::int64_t groups = 1;       ///< of the output's first layer
  std::int64_t output_rank = 1;  ///< of each group
  std::int64_t window = 128;
  std::int64_t ratio = 0;  ///< tokens that a compressed key stands for; 0: none are compressed
  bool overlaps = false;   ///< a compressed key sees the tokens of the one before, too
  std::int64_t index_heads = 0;  ///< of the index of compressed keys; 0: none
  std::int64_t index_head = 0;
  std::int64_t selected = 0;
};

/// Layers whose past is a state of fixed size.
struct StatePlan {
  enum class Kind : std::uint8_t {
    mamba1,
    mamba2,
    delta,
    kimi_delta,
    short_convolution,
    rwkv4,
    rwkv5,
    gated_recurrence,  ///< RecurrentGemma's
    decayed,           ///< MiniMax-01's linear attention
  };
  Kind kind = Kind::mamba1;
  std::int64_t inner = 0;      ///< features: mamba's
  std::int64_t state = 0;      ///< mamba: of each feature
  std::int64_t kernel = 4;     ///< of the convolution
  std::int64_t rank = 0;       ///< mamba1: of the time step
  std::int64_t heads = 0;      ///< of the values
  std::int64_t head = 0;       ///< features of a value head
  std::int64_t key_heads = 0;  ///< delta: of query and key
  std::int64_t key_head = 0;   ///< delta: their features
  std::int64_t groups = 1;     ///< mamba2
  bool bias = false;           ///< of the layers in and out
  bool convolution_bias = true;
  bool has_norm = true;        ///< mamba2, and mamba1's norms of step, b and c (Jamba)
  bool is_fused = false;       ///< delta: in_proj_qkvz and in_proj_ba
  bool is_separate = false;    ///< delta: q_proj, k_proj and v_proj, each with a convolution (OLMo)
  bool has_full_rank = false;  ///< kimi_delta: f_proj and g_proj instead of two layers each
  bool has_full_gate = false;  ///< kimi_delta: g_proj instead of two layers
  bool shares_decay = false;   ///< kimi_delta: the heads share the decays of their features
  bool output_bias = false;    ///< mamba2: of the layer out
  std::string_view output = "o_proj";  ///< kimi_delta: the layer out
  AdapterRanks adapters = {};          ///< of mamba2 and delta: of the layers in and out
};

/// A feed-forward network.
struct FeedForwardPlan {
  std::int64_t width = 1;
  std::string_view gate = "gate_proj";  ///< empty: without a gate
  std::string_view up = "up_proj";
  std::string_view down = "down_proj";
  std::string_view fused = {};  ///< gate and up in one layer instead of the two
  bool bias = false;
  bool down_bias = false;
  bool is_transposed = false;  ///< weights are (in, out)
  ActivationKind activation = ActivationKind::silu;
  std::string_view norm = {};      ///< an RMS norm before `down`
  bool learns_activation = false;  ///< alpha_p and alpha_n (1,) of the activation (Apertus)
  bool has_receptance = false;  ///< RWKV's gate of the result, and mixtures with the token before
  AdapterRanks adapters = {};
};

/// A mixture of experts.
struct ExpertsPlan {
  enum class Layout : std::uint8_t {
    split,             ///< a matrix for each expert: experts.3.gate_proj.weight
    fused,             ///< experts.gate_up_proj (E, 2 width, in), experts.down_proj (E, in, width)
    fused_transposed,  ///< experts.gate_up_proj (E, in, 2 width), experts.down_proj (E, width, in)
    granite,           ///< input_linear.weight (E, 2 width, in), output_linear.weight
    parts,             ///< gate_proj.weight (E, width, in) and so on, without "experts"
  };
  std::int64_t experts = 1;
  std::int64_t chosen = 1;  ///< for each token
  std::int64_t width = 1;
  std::int64_t latent = 0;  ///< features that the experts take; 0: the model's
  std::string_view latent_down = "fc1_latent_proj";
  std::string_view latent_up = "fc2_latent_proj";
  std::string_view latent_norm = {};  ///< an RMS norm of the experts' result, before `latent_up`
  Layout layout = Layout::split;
  std::string_view router = "gate";
  bool router_bias = false;
  std::int64_t hashed_tokens = 0;  ///< rows of a table of experts by token, instead of a correction
  std::string_view correction = {};         ///< a bias of the choice, (experts,), in the block
  std::string_view router_correction = {};  ///< the same, in the router
  bool learns_correction = false;           ///< it is a parameter
  std::string_view list = "experts";
  std::string_view gate = "gate_proj";  ///< empty: without a gate
  std::string_view up = "up_proj";
  std::string_view down = "down_proj";
  bool bias = false;  ///< of fused experts
  ActivationKind activation = ActivationKind::silu;
  std::string_view shared = {};  ///< a feed-forward network that every token passes
  FeedForwardPlan shared_plan = {};
  std::string_view shared_gate = {};  ///< a layer to one number that scales it
  std::int64_t idle_experts = 0;      ///< experts of the router that return their input
  std::string_view norm_after = {};   ///< an RMS norm of the result (A.X K1)
};

/// One layer: what mixes tokens, and what every token passes.
struct LayerPlan {
  std::string_view mixer_name = "self_attn";
  std::variant<std::monostate, AttentionPlan, LatentPlan, StatePlan, CompressedPlan> mixer = {};
  std::string_view second_name = {};  ///< a state beside the attention (Falcon-H1)
  StatePlan second = {};
  std::string_view feed_forward_name = "mlp";  ///< empty: its layers are the layer's own
  std::variant<std::monostate, FeedForwardPlan, ExpertsPlan> feed_forward = {};
  std::string_view before_all = {};  ///< a norm of the layer's input (RWKV's first layer)
  std::string_view before_mixer = "input_layernorm";
  std::string_view after_mixer = {};
  std::string_view before_feed_forward = "post_attention_layernorm";
  std::string_view after_feed_forward = {};
  std::string_view cross_name = {};  ///< an attention over the encoder's result, between the two
  AttentionPlan cross = {};
  std::string_view before_cross = {};
  std::string_view after_cross = {};
  std::string_view mixer_scale = {};         ///< a factor of each feature of the mixer's result
  std::string_view feed_forward_scale = {};  ///< and of the feed-forward network's
  bool is_post_norm = false;  ///< the norms after are of the sums with the layer's input (BERT)
  bool is_parallel = false;   ///< both read the layer's input, by one norm or by two
  std::int64_t streams = 0;   ///< copies of the features that the layers mix (DeepSeek-V4); 0: one
  bool is_second_half = false;     ///< a further half of the module of the layer before (LongCat)
  std::string_view shortcut = {};  ///< `experts` from the first half's middle to the second's end
  // Gemma 3n: predictions of a layer's result, which it corrects, and a path of low rank
  std::int64_t alternatives = 0;   ///< copies of the features; 0: one
  std::int64_t side_rank = 0;      ///< of the path of low rank (LAuReL); 0: none
  bool scales_correction = false;  ///< `correct_output_scale` is used
  // Gemma 4
  bool has_scalar = false;              ///< layer_scalar (1,)
  std::int64_t per_layer_features = 0;  ///< an input of each layer
  bool has_experts_beside = false;      ///< `experts` and three norms beside the feed-forward
  ExpertsPlan experts = {};
};

/// One step of a stack: a layer or a change of shape. Which members matter is the kind's.
struct Step {
  enum class Kind : std::uint8_t {
    tokens,         ///< a row of a table (out features) of `rows` for each index
    shared_tokens,  ///< the same of the decoder's table
    positions,      ///< adds a row of a table for each place, from row `first` on
    grid_table,     ///< adds a parameter (rows, rows, features) or another shape to a picture's
                    ///< patches
    types,          ///< adds row 0 of a table of `rows` kinds of tokens
    class_token,    ///< a learnt token before the others; `rows`: dimensions of its shape
    patches,        ///< a convolution of a picture by steps of its kernel: tokens
    flat_patches,   ///< the same as a linear layer of each patch's pixels
    convolution,    ///< over the grid of tokens, or over time
    linear,
    norm,
    activation,
    feed_forward,
    layers,       ///< `plans`, named from number `first` on
    merge,        ///< the features of rows x rows patches become those of one token
    pool,         ///< their mean instead
    first_token,  ///< the other tokens are left out
    last_token,
    drop_first,        ///< the first token is left out
    last_logits,       ///< the last token only, unless all logits are asked for
    tied_head,         ///< a linear layer with the table of tokens, and a bias
    stored,            ///< a tensor of `shape` that no product reads
    product,           ///< a matrix (in, out) that is no linear layer of its own
    over_time,         ///< (N, features, frames) becomes (N, frames, features)
    spectrum,          ///< (N, frames, bins) becomes patches of one feature
    frames,            ///< the features of a row of patches become those of one token
    half_gate,         ///< half of the features, times the sigmoid of the others
    square_attention,  ///< of the mean over all patches of a square of rows x rows (Molmo)
    probe,             ///< attention of one learnt query over all tokens
    keep,              ///< the tokens so far, also for `join`
    join,              ///< what was kept, side by side
    residual,          ///< `inner`, whose result is added to what it took
    branch,            ///< `inner`, whose result is one of the stack's further results
  };
  Kind kind = Kind::linear;
  std::string name = {};  ///< path of the module or parameter, from the model on
  std::int64_t in = 0;    ///< features, channels
  std::int64_t out = 0;
  std::int64_t rows = 0;
  std::int64_t first = 0;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;
  std::int64_t frames = 0;   ///< of patches over time; 0: none
  std::int64_t groups = 1;   ///< of a convolution over time
  std::int64_t repeats = 1;  ///< how often `plans` run one after the other (ALBERT)
  bool bias = true;
  bool is_buffer = false;
  NormKind norm = NormKind::layer;
  ActivationKind activation = ActivationKind::gelu;
  FeedForwardPlan network = {};
  std::vector<LayerPlan> plans = {};
  std::vector<std::int64_t> shape = {};
  std::vector<Step> inner = {};
};

/// Steps from an input of the graph on: an encoder, or a tower of pictures or sound beside a
/// decoder.
struct StackPlan {
  enum class Use : std::uint8_t {
    alone,    ///< its result is one of the model's
    encoder,  ///< the decoder's layers read its result
    picture,  ///< its result is tokens of the decoder
    sound,    ///< the same
  };
  Use use = Use::alone;
  std::string_view input = "pixel_values";
  std::string_view output = "last_hidden_state";
  std::vector<std::int64_t> sample = {};  ///< the input's sizes but the first; empty: tokens
  std::int64_t most_tokens = 0;           ///< of an input of tokens: its fixed length; 0: any
  std::int64_t frames_per_token = 1;      ///< of sound
  bool is_idle = false;                   ///< it is stored, and nothing passes it
  std::string_view container = {};        ///< the class of its modules; empty: by its use
  NormKind norm_kind = NormKind::layer;   ///< of its layers
  std::int64_t features = 0;              ///< of its layers
  std::vector<Step> steps = {};
};

/// A language model: a decoder, and what is beside it.
struct ModelPlan {
  std::int64_t features = 1;            ///< `hidden_size`
  std::int64_t vocabulary = 1;          ///< rows of the embedding
  std::int64_t embedding_features = 0;  ///< 0: `features`; else with layers in and out (OPT)
  std::string_view root = "model";      ///< path of what is below it
  std::string_view embedding = "embed_tokens";
  std::string_view embedding_weight = "weight";
  std::int64_t further_rows = 0;  ///< of a second table for tokens of pictures (Molmo)
  std::string_view layers = "layers";
  std::string_view norm = "norm";
  std::string_view head = "lm_head";  ///< not below the root; empty: none
  std::int64_t head_outputs = 0;      ///< 0: the vocabulary
  bool head_bias = false;
  bool is_tied = false;               ///< the head's weight is the embedding's
  std::string_view head_buffer = {};  ///< a term of the logits that is not learnt (BART)
  AdapterRanks adapters = {};         ///< of the head
  NormKind norm_kind = NormKind::rms;
  std::string_view positions = {};  ///< a table of learnt positions
  std::int64_t position_rows = 0;
  std::string_view embedding_norm = {};
  std::string_view project_in = {};
  std::string_view project_out = {};
  std::int64_t per_layer_vocabulary = 0;  ///< of Gemma's input of each layer
  std::int64_t first_position = 0;        ///< rows of `positions` that no token uses (BART: 2)
  std::int64_t streams = 0;               ///< of the layers, which hc_head makes one of; 0: one
  std::int64_t alternatives = 0;          ///< of Gemma 3n's layers; 0: one
  std::string_view input = "input_ids";
  std::vector<LayerPlan> plans = {};            ///< none: without a decoder
  std::vector<std::int64_t> other_layers = {};  ///< numbers that are no layers of `plans`
  std::vector<StackPlan> stacks = {};
  StackPlan prediction = {};         ///< layers that predict further tokens: stored, and not run
  std::string_view pair_scale = {};  ///< a factor of the products of two stacks' results (CLIP)
  bool has_pair_bias = false;
  std::vector<std::string> left_out = {};  ///< remarks: what the graph does not have
};

}  // namespace zoometer
