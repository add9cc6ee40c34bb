#include "models/language/defaults.hpp"

#include <algorithm>
#include <iterator>

namespace zoometer {
namespace {

struct ClassDefaults {
  std::string_view model_type;
  std::string_view sizes;
};

// Of the configuration classes of transformers 5.0, and the vocabulary of DeepSeek-V2 of 5.24. By
// name, in the order of characters.
constexpr ClassDefaults classes[] = {
    {"afmoe", "vocab_size=200192 hidden_size=2048 num_hidden_layers=32 num_attention_heads=16 "
              "head_dim=128 intermediate_size=6144 moe_intermediate_size=1408 num_experts=64 "
              "num_experts_per_tok=6 num_shared_experts=2 sliding_window=1024"},
    {"albert", "vocab_size=30000 hidden_size=4096 num_hidden_layers=12 num_attention_heads=64 "
               "intermediate_size=16384 max_position_embeddings=512 type_vocab_size=2 "
               "embedding_size=128"},
    {"apertus", "vocab_size=131072 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
                "intermediate_size=14336"},
    {"apertus1p5_text",
     "vocab_size=266752 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
     "intermediate_size=14336 max_position_embeddings=65536"},
    {"arcee", "vocab_size=32000 hidden_size=2560 num_hidden_layers=32 num_attention_heads=32 "
              "intermediate_size=18432"},
    {"axk1", "vocab_size=163840 hidden_size=7168 num_hidden_layers=61 num_attention_heads=64 "
             "num_key_value_heads=64 intermediate_size=18432 moe_intermediate_size=2048 "
             "n_routed_experts=192 num_experts_per_tok=8 n_shared_experts=1 q_lora_rank=1536 "
             "kv_lora_rank=512 qk_nope_head_dim=128 qk_rope_head_dim=64 v_head_dim=128"},
    {"bailing_hybrid",
     "num_shared_experts=1 num_experts_per_token=8 vocab_size=157184 hidden_size=2560 "
     "num_hidden_layers=42 num_attention_heads=32 num_key_value_heads=32 head_dim=128 "
     "intermediate_size=6144 moe_intermediate_size=768 num_experts=512 "
     "first_k_dense_replace=2 kv_lora_rank=512 qk_nope_head_dim=128 "
     "qk_rope_head_dim=128 v_head_dim=128"},
    {"bamba", "vocab_size=128000 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
              "num_key_value_heads=8 intermediate_size=14336"},
    {"bart", "vocab_size=50265 d_model=1024"},
    {"bert", "vocab_size=30522 hidden_size=768 num_hidden_layers=12 num_attention_heads=12 "
             "intermediate_size=3072"},
    {"biogpt", "vocab_size=42384 hidden_size=1024 num_hidden_layers=24 num_attention_heads=16 "
               "intermediate_size=4096 max_position_embeddings=1024"},
    {"bitnet", "vocab_size=128256 hidden_size=2560 num_hidden_layers=30 num_attention_heads=20 "
               "num_key_value_heads=5 intermediate_size=6912"},
    {"blenderbot", "vocab_size=8008 d_model=2560 encoder_layers=2 decoder_layers=24 "
                   "encoder_attention_heads=32 decoder_attention_heads=32 encoder_ffn_dim=10240 "
                   "decoder_ffn_dim=10240 max_position_embeddings=128"},
    {"blenderbot-small",
     "vocab_size=50265 d_model=512 encoder_layers=8 decoder_layers=8 "
     "encoder_attention_heads=16 decoder_attention_heads=16 encoder_ffn_dim=2048 "
     "decoder_ffn_dim=2048 max_position_embeddings=512"},
    {"bloom", "vocab_size=250880 hidden_size=64 n_layer=2 n_head=8"},
    {"camembert", "vocab_size=30522 hidden_size=768 num_hidden_layers=12 num_attention_heads=12 "
                  "intermediate_size=3072 max_position_embeddings=512 type_vocab_size=2"},
    {"clip_text_model",
     "vocab_size=49408 hidden_size=512 num_hidden_layers=12 num_attention_heads=8 "
     "intermediate_size=2048"},
    {"clip_vision_model", "hidden_size=768 num_hidden_layers=12 num_attention_heads=12 "
                          "intermediate_size=3072"},
    {"codegen", "vocab_size=50400 n_embd=4096 n_layer=28 n_head=16"},
    {"cohere", "vocab_size=256000 hidden_size=8192 num_hidden_layers=40 num_attention_heads=64 "
               "intermediate_size=22528"},
    {"cohere2", "vocab_size=256000 hidden_size=8192 num_hidden_layers=40 num_attention_heads=64 "
                "intermediate_size=22528 sliding_window=4096"},
    {"cohere2_moe",
     "vocab_size=256000 hidden_size=8192 num_hidden_layers=40 num_attention_heads=64 "
     "head_dim=128 intermediate_size=22528 num_experts=8 num_experts_per_tok=2 "
     "num_shared_experts=0 sliding_window=4096"},
    {"ctrl", "vocab_size=246534 n_embd=1280 n_layer=48 n_head=16 dff=8192 n_positions=256"},
    {"cwm", "vocab_size=128256 hidden_size=6144 num_hidden_layers=64 num_attention_heads=48 "
            "num_key_value_heads=8 head_dim=128 intermediate_size=21504 sliding_window=8192"},
    {"data2vec-text",
     "vocab_size=30522 hidden_size=768 num_hidden_layers=12 num_attention_heads=12 "
     "intermediate_size=3072 max_position_embeddings=512 type_vocab_size=2"},
    {"deberta", "vocab_size=50265 hidden_size=768 num_hidden_layers=12 num_attention_heads=12 "
                "intermediate_size=3072 max_position_embeddings=512 type_vocab_size=0"},
    {"deberta-v2", "vocab_size=128100 hidden_size=1536 num_hidden_layers=24 num_attention_heads=24 "
                   "intermediate_size=6144 max_position_embeddings=512 type_vocab_size=0"},
    {"deepseek_v2",
     "vocab_size=102400 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
     "intermediate_size=11008 n_routed_experts=64 moe_intermediate_size=1407 "
     "n_shared_experts=2 first_k_dense_replace=0 q_lora_rank=1536 kv_lora_rank=512 "
     "qk_nope_head_dim=128 qk_rope_head_dim=64 v_head_dim=128"},
    {"deepseek_v3",
     "vocab_size=129280 hidden_size=7168 num_hidden_layers=61 num_attention_heads=128 "
     "num_key_value_heads=128 intermediate_size=18432 n_routed_experts=256 "
     "num_experts_per_tok=8 moe_intermediate_size=2048 n_shared_experts=1 "
     "first_k_dense_replace=3 q_lora_rank=1536 kv_lora_rank=512 qk_nope_head_dim=128 "
     "qk_rope_head_dim=64 v_head_dim=128"},
    {"deepseek_v32",
     "vocab_size=129280 hidden_size=7168 num_hidden_layers=61 num_attention_heads=128 "
     "num_key_value_heads=128 intermediate_size=18432 moe_intermediate_size=2048 "
     "n_routed_experts=256 num_experts_per_tok=8 n_shared_experts=1 "
     "first_k_dense_replace=3 q_lora_rank=1536 kv_lora_rank=512 qk_nope_head_dim=128 "
     "qk_rope_head_dim=64 v_head_dim=128 index_n_heads=64"},
    {"deepseek_v4",
     "vocab_size=129280 hidden_size=4096 num_hidden_layers=43 num_attention_heads=64 "
     "num_key_value_heads=1 head_dim=512 moe_intermediate_size=2048 "
     "n_routed_experts=256 num_experts_per_tok=6 n_shared_experts=1 q_lora_rank=1024 "
     "qk_rope_head_dim=64 index_n_heads=64"},
    {"dinov2", "hidden_size=768 num_hidden_layers=12 num_attention_heads=12"},
    {"distilbert", "vocab_size=30522 dim=768 n_layers=6 n_heads=12"},
    {"dots1", "vocab_size=152064 hidden_size=4608 num_hidden_layers=62 num_attention_heads=32 "
              "num_key_value_heads=32 intermediate_size=10944 moe_intermediate_size=1408 "
              "first_k_dense_replace=0 sliding_window=4096"},
    {"electra", "vocab_size=30522 hidden_size=256 num_hidden_layers=12 num_attention_heads=4 "
                "intermediate_size=1024 max_position_embeddings=512 type_vocab_size=2 "
                "embedding_size=128"},
    {"ernie", "vocab_size=30522 hidden_size=768 num_hidden_layers=12 num_attention_heads=12 "
              "intermediate_size=3072 max_position_embeddings=512 type_vocab_size=2"},
    {"ernie4_5", "vocab_size=103424 hidden_size=1024 num_hidden_layers=18 num_attention_heads=16 "
                 "num_key_value_heads=2 head_dim=128 intermediate_size=3072"},
    {"ernie4_5_moe",
     "vocab_size=103424 hidden_size=2560 num_hidden_layers=28 num_attention_heads=20 "
     "num_key_value_heads=4 intermediate_size=12288 moe_num_experts=64 moe_k=6 "
     "moe_intermediate_size=1536"},
    {"esm", "hidden_size=768 num_hidden_layers=12 num_attention_heads=12 "
            "intermediate_size=3072 max_position_embeddings=1026"},
    {"eurobert", "vocab_size=128256 hidden_size=768 num_hidden_layers=12 num_attention_heads=12 "
                 "intermediate_size=3072 max_position_embeddings=8192"},
    {"exaone", "vocab_size=102400 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
               "num_key_value_heads=8 intermediate_size=14336"},
    {"exaone4", "vocab_size=102400 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
                "num_key_value_heads=32 intermediate_size=16384 sliding_window=4096"},
    {"exaone_moe", "vocab_size=102400 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
                   "num_key_value_heads=32 intermediate_size=16384 moe_intermediate_size=1024 "
                   "num_experts=64 num_experts_per_tok=8 num_shared_experts=1 "
                   "first_k_dense_replace=1 sliding_window=4096"},
    {"falcon", "vocab_size=65024 hidden_size=4544 num_hidden_layers=32 num_attention_heads=71"},
    {"falcon_h1", "vocab_size=128000 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
                  "num_key_value_heads=8 intermediate_size=14336"},
    {"falcon_mamba", "vocab_size=50280 hidden_size=768 num_hidden_layers=32"},
    {"flex_olmo", "vocab_size=100352 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
                  "intermediate_size=11008 num_experts=7 num_experts_per_tok=5"},
    {"gemma", "vocab_size=256000 hidden_size=3072 num_hidden_layers=28 num_attention_heads=16 "
              "num_key_value_heads=16 head_dim=256 intermediate_size=24576"},
    {"gemma2", "vocab_size=256000 hidden_size=2304 num_hidden_layers=26 num_attention_heads=8 "
               "num_key_value_heads=4 head_dim=256 intermediate_size=9216 sliding_window=4096"},
    {"gemma3_text",
     "vocab_size=262208 hidden_size=2304 num_hidden_layers=26 num_attention_heads=8 "
     "num_key_value_heads=4 head_dim=256 intermediate_size=9216 sliding_window=4096"},
    {"gemma3n_text",
     "vocab_size=262400 hidden_size=2048 num_hidden_layers=35 num_attention_heads=8 "
     "num_key_value_heads=2 head_dim=256"},
    {"gemma4_text", "vocab_size=262144 hidden_size=2304 num_hidden_layers=30 num_attention_heads=8 "
                    "num_key_value_heads=4 head_dim=256 intermediate_size=9216"},
    {"gemma4_unified_text",
     "vocab_size=262144 hidden_size=2304 num_hidden_layers=30 num_attention_heads=8 "
     "num_key_value_heads=4 head_dim=256 intermediate_size=9216 sliding_window=1024 "
     "max_position_embeddings=262144"},
    {"glm", "vocab_size=151552 hidden_size=4096 num_hidden_layers=40 num_attention_heads=32 "
            "num_key_value_heads=2 head_dim=128 intermediate_size=13696"},
    {"glm4", "vocab_size=151552 hidden_size=4096 num_hidden_layers=40 num_attention_heads=32 "
             "num_key_value_heads=2 head_dim=128 intermediate_size=13696"},
    {"glm4_moe", "vocab_size=151552 hidden_size=4096 num_hidden_layers=46 num_attention_heads=96 "
                 "num_key_value_heads=8 intermediate_size=10944 n_routed_experts=128 "
                 "num_experts_per_tok=8 moe_intermediate_size=1408 n_shared_experts=1 "
                 "first_k_dense_replace=1"},
    {"glm4_moe_lite",
     "vocab_size=154880 hidden_size=2048 num_hidden_layers=47 num_attention_heads=20 "
     "num_key_value_heads=20 intermediate_size=10240 n_routed_experts=64 "
     "num_experts_per_tok=4 moe_intermediate_size=1536 n_shared_experts=1 "
     "q_lora_rank=768 kv_lora_rank=512 qk_nope_head_dim=192 qk_rope_head_dim=64 "
     "v_head_dim=256"},
    {"glm4v_moe_text",
     "vocab_size=151424 hidden_size=4096 num_hidden_layers=46 num_attention_heads=96 "
     "num_key_value_heads=8 intermediate_size=10944 n_routed_experts=128 "
     "num_experts_per_tok=8 moe_intermediate_size=1408 n_shared_experts=1 "
     "first_k_dense_replace=1"},
    {"glm4v_text", "vocab_size=151552 hidden_size=4096 num_hidden_layers=40 num_attention_heads=32 "
                   "num_key_value_heads=2 intermediate_size=13696 max_position_embeddings=32768"},
    {"glm_moe_dsa",
     "vocab_size=154880 hidden_size=6144 num_hidden_layers=78 num_attention_heads=64 "
     "num_key_value_heads=64 intermediate_size=12288 moe_intermediate_size=2048 "
     "n_routed_experts=256 num_experts_per_tok=8 n_shared_experts=1 "
     "first_k_dense_replace=3 q_lora_rank=2048 kv_lora_rank=512 qk_nope_head_dim=192 "
     "qk_rope_head_dim=64 v_head_dim=256 index_n_heads=32"},
    {"glm_ocr_text",
     "vocab_size=59392 hidden_size=1024 num_hidden_layers=16 num_attention_heads=16 "
     "num_key_value_heads=8 intermediate_size=4096 max_position_embeddings=131072"},
    {"gpt-sw3", "vocab_size=50257 n_embd=768 n_layer=12 n_head=12 n_positions=1024"},
    {"gpt2", "vocab_size=50257 n_embd=768 n_layer=12 n_head=12"},
    {"gpt_bigcode", "vocab_size=50257 n_embd=768 n_layer=12 n_head=12"},
    {"gpt_neo", "vocab_size=50257 hidden_size=2048 num_layers=24 num_heads=16"},
    {"gpt_neox", "vocab_size=50432 hidden_size=6144 num_hidden_layers=44 num_attention_heads=64 "
                 "intermediate_size=24576"},
    {"gpt_oss", "vocab_size=201088 hidden_size=2880 num_hidden_layers=36 num_attention_heads=64 "
                "num_key_value_heads=8 head_dim=64 intermediate_size=2880 num_local_experts=128 "
                "num_experts_per_tok=4 sliding_window=128"},
    {"gptj", "vocab_size=50400 n_embd=4096 n_layer=28 n_head=16"},
    {"granite", "vocab_size=32000 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
                "intermediate_size=11008"},
    {"granite_swa",
     "vocab_size=100352 hidden_size=2560 num_hidden_layers=24 num_attention_heads=20 "
     "num_key_value_heads=4 intermediate_size=8192 sliding_window=128"},
    {"granitemoe", "vocab_size=32000 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
                   "intermediate_size=11008 num_local_experts=8 num_experts_per_tok=2"},
    {"granitemoe_swa",
     "vocab_size=32000 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
     "intermediate_size=11008 num_local_experts=8 num_experts_per_tok=2 "
     "shared_intermediate_size=0 sliding_window=128 max_position_embeddings=2048"},
    {"granitemoehybrid",
     "vocab_size=32000 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
     "intermediate_size=11008 num_local_experts=8 num_experts_per_tok=2"},
    {"granitemoeshared",
     "vocab_size=32000 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
     "intermediate_size=11008 num_local_experts=8 num_experts_per_tok=2"},
    {"gte", "vocab_size=250048 hidden_size=768 num_hidden_layers=12 num_attention_heads=12 "
            "intermediate_size=3072 max_position_embeddings=8192 type_vocab_size=1"},
    {"helium", "vocab_size=48000 hidden_size=2560 num_hidden_layers=24 num_attention_heads=20 "
               "num_key_value_heads=20 head_dim=128 intermediate_size=7040"},
    {"hunyuan_v1_dense",
     "vocab_size=290943 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
     "intermediate_size=11008"},
    {"hunyuan_v1_moe",
     "vocab_size=290943 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
     "intermediate_size=11008 num_experts=1 moe_topk=1"},
    {"hy_v3", "vocab_size=120832 hidden_size=4096 num_hidden_layers=80 num_attention_heads=64 "
              "num_key_value_heads=8 head_dim=128 intermediate_size=13312 "
              "moe_intermediate_size=1536 num_experts=192 num_experts_per_tok=8 "
              "num_shared_experts=1"},
    {"hyperclovax", "vocab_size=32000 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
                    "intermediate_size=11008"},
    {"internlm3", "vocab_size=128512 hidden_size=4096 num_hidden_layers=48 num_attention_heads=32 "
                  "num_key_value_heads=2 head_dim=128 intermediate_size=10240"},
    {"iquestcoder", "vocab_size=76800 hidden_size=5120 num_hidden_layers=80 num_attention_heads=40 "
                    "num_key_value_heads=8 head_dim=128 intermediate_size=27648"},
    {"jais2", "vocab_size=150272 hidden_size=3328 num_hidden_layers=32 num_attention_heads=26 "
              "intermediate_size=26624"},
    {"jamba", "vocab_size=65536 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
              "num_key_value_heads=8 intermediate_size=14336 num_experts=16 "
              "num_experts_per_tok=2"},
    {"kimi_linear",
     "num_shared_experts=1 num_experts_per_token=8 vocab_size=163840 hidden_size=2304 "
     "num_hidden_layers=27 num_attention_heads=32 num_key_value_heads=32 "
     "intermediate_size=9216 moe_intermediate_size=1024 num_experts=256 "
     "kv_lora_rank=512 qk_nope_head_dim=128 qk_rope_head_dim=64 v_head_dim=128"},
    {"laguna", "vocab_size=100352 hidden_size=2048 num_hidden_layers=40 num_attention_heads=48 "
               "num_key_value_heads=8 head_dim=128 intermediate_size=8192 "
               "moe_intermediate_size=512 shared_expert_intermediate_size=512 num_experts=256 "
               "num_experts_per_tok=8 sliding_window=512"},
    {"lfm2", "vocab_size=65536 hidden_size=2560 num_hidden_layers=32 num_attention_heads=32 "
             "num_key_value_heads=8 intermediate_size=12288"},
    {"lfm2_moe", "vocab_size=65536 hidden_size=2048 num_hidden_layers=32 num_attention_heads=32 "
                 "num_key_value_heads=8 intermediate_size=7168 num_experts=32 "
                 "num_experts_per_tok=4 moe_intermediate_size=1792"},
    {"llama", "vocab_size=32000 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
              "intermediate_size=11008"},
    {"llama4_text",
     "vocab_size=202048 hidden_size=5120 num_hidden_layers=48 num_attention_heads=40 "
     "num_key_value_heads=8 head_dim=128 intermediate_size=8192 num_local_experts=16 "
     "num_experts_per_tok=1"},
    {"longcat_flash", "vocab_size=131072 hidden_size=6144 num_layers=28 num_attention_heads=64 "
                      "ffn_hidden_size=12288 expert_ffn_hidden_size=2048 n_routed_experts=512 "
                      "moe_topk=12 q_lora_rank=1536 kv_lora_rank=512 qk_nope_head_dim=128 "
                      "qk_rope_head_dim=64 v_head_dim=128 zero_expert_num=256"},
    {"m2m_100", "vocab_size=128112 d_model=1024 encoder_layers=12 decoder_layers=12 "
                "encoder_attention_heads=16 decoder_attention_heads=16 encoder_ffn_dim=4096 "
                "decoder_ffn_dim=4096 max_position_embeddings=1024"},
    {"mamba", "vocab_size=50280 hidden_size=768 num_hidden_layers=32"},
    {"mamba2", "vocab_size=32768 hidden_size=4096 num_hidden_layers=64 num_heads=128 head_dim=64"},
    {"marian", "vocab_size=58101 d_model=1024 encoder_layers=12 decoder_layers=12 "
               "encoder_attention_heads=16 decoder_attention_heads=16 encoder_ffn_dim=4096 "
               "decoder_ffn_dim=4096 max_position_embeddings=1024"},
    {"mbart", "vocab_size=50265 d_model=1024 encoder_layers=12 decoder_layers=12 "
              "encoder_attention_heads=16 decoder_attention_heads=16 encoder_ffn_dim=4096 "
              "decoder_ffn_dim=4096 max_position_embeddings=1024"},
    {"megatron-bert",
     "vocab_size=29056 hidden_size=1024 num_hidden_layers=24 num_attention_heads=16 "
     "intermediate_size=4096 max_position_embeddings=512 type_vocab_size=2"},
    {"mellum", "vocab_size=98304 hidden_size=2304 num_hidden_layers=28 num_attention_heads=32 "
               "num_key_value_heads=4 head_dim=128 intermediate_size=7168 "
               "moe_intermediate_size=896 num_local_experts=64 num_experts_per_tok=8 "
               "sliding_window=1024"},
    {"mimo_v2_flash",
     "vocab_size=152576 hidden_size=4096 num_hidden_layers=48 num_attention_heads=64 "
     "num_key_value_heads=4 head_dim=192 intermediate_size=16384 "
     "moe_intermediate_size=2048 n_routed_experts=256 num_experts_per_tok=8 "
     "v_head_dim=128"},
    {"minicpm3", "vocab_size=73448 hidden_size=2560 num_hidden_layers=62 num_attention_heads=40 "
                 "num_key_value_heads=40 intermediate_size=6400 q_lora_rank=768 kv_lora_rank=256 "
                 "qk_nope_head_dim=64 qk_rope_head_dim=32 v_head_dim=64"},
    {"minimax", "vocab_size=32000 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
                "num_key_value_heads=8 intermediate_size=14336 num_local_experts=8 "
                "num_experts_per_tok=2"},
    {"minimax_m2",
     "vocab_size=200064 hidden_size=3072 num_hidden_layers=62 num_attention_heads=48 "
     "num_key_value_heads=8 head_dim=128 intermediate_size=1536 num_local_experts=256 "
     "num_experts_per_tok=8"},
    {"minimax_m3_vl_text",
     "vocab_size=200064 hidden_size=6144 num_hidden_layers=60 num_attention_heads=64 "
     "num_key_value_heads=4 head_dim=128 intermediate_size=3072 num_local_experts=128 "
     "num_experts_per_tok=4 index_n_heads=4 dense_intermediate_size=12288 "
     "shared_intermediate_size=3072"},
    {"ministral", "vocab_size=32000 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
                  "num_key_value_heads=8 intermediate_size=14336 sliding_window=4096"},
    {"ministral3", "vocab_size=131072 hidden_size=4096 num_hidden_layers=34 num_attention_heads=32 "
                   "num_key_value_heads=8 head_dim=128 intermediate_size=14336"},
    {"mistral", "vocab_size=32000 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
                "num_key_value_heads=8 intermediate_size=14336 sliding_window=4096"},
    {"mistral4", "vocab_size=131072 hidden_size=4096 num_hidden_layers=36 num_attention_heads=32 "
                 "num_key_value_heads=32 intermediate_size=12288 moe_intermediate_size=2048 "
                 "n_routed_experts=128 num_experts_per_tok=4 n_shared_experts=1 "
                 "first_k_dense_replace=0 q_lora_rank=1024 kv_lora_rank=256 qk_nope_head_dim=64 "
                 "qk_rope_head_dim=64 v_head_dim=128 max_position_embeddings=1048576"},
    {"mixtral", "vocab_size=32000 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
                "num_key_value_heads=8 intermediate_size=14336 num_local_experts=8 "
                "num_experts_per_tok=2"},
    {"mllama_text_model",
     "vocab_size=128256 hidden_size=4096 num_hidden_layers=40 num_attention_heads=32 "
     "num_key_value_heads=8 intermediate_size=14336 max_position_embeddings=131072"},
    {"modernbert", "vocab_size=50368 hidden_size=768 num_hidden_layers=22 num_attention_heads=12 "
                   "intermediate_size=1152 max_position_embeddings=8192"},
    {"mpnet", "vocab_size=30527 hidden_size=768 num_hidden_layers=12 num_attention_heads=12 "
              "intermediate_size=3072 max_position_embeddings=512"},
    {"mpt", "vocab_size=50368 d_model=2048 n_layers=24 n_heads=16"},
    {"mt5", "vocab_size=250112 d_model=512 num_layers=8 num_heads=6 d_ff=1024"},
    {"mvp", "vocab_size=50267 d_model=1024 encoder_layers=12 decoder_layers=12 "
            "encoder_attention_heads=16 decoder_attention_heads=16 encoder_ffn_dim=4096 "
            "decoder_ffn_dim=4096 max_position_embeddings=1024"},
    {"nanochat", "vocab_size=50304 hidden_size=768 num_hidden_layers=12 num_attention_heads=6 "
                 "intermediate_size=8192"},
    {"nemotron", "vocab_size=256000 hidden_size=6144 num_hidden_layers=32 num_attention_heads=48 "
                 "intermediate_size=24576"},
    {"nemotron_h",
     "vocab_size=131072 hidden_size=4096 num_attention_heads=32 num_key_value_heads=8 "
     "head_dim=128 intermediate_size=21504 moe_intermediate_size=7688 "
     "n_routed_experts=8 num_experts_per_tok=2 n_shared_experts=1"},
    {"nomic_bert", "vocab_size=30528 hidden_size=768 num_hidden_layers=12 num_attention_heads=12 "
                   "intermediate_size=3072 max_position_embeddings=2048 type_vocab_size=2"},
    {"olmo", "vocab_size=50304 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
             "intermediate_size=11008"},
    {"olmo2", "vocab_size=50304 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
              "intermediate_size=11008"},
    {"olmo3", "vocab_size=50304 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
              "intermediate_size=11008 sliding_window=4096"},
    {"olmo_hybrid",
     "vocab_size=100352 hidden_size=3840 num_hidden_layers=32 num_attention_heads=30 "
     "intermediate_size=11008 linear_num_key_heads=30 linear_num_value_heads=30"},
    {"olmoe", "vocab_size=50304 hidden_size=2048 num_hidden_layers=16 num_attention_heads=16 "
              "intermediate_size=2048 num_experts=64 num_experts_per_tok=8"},
    {"openai-gpt", "vocab_size=40478 n_embd=768 n_layer=12 n_head=12 n_positions=512"},
    {"opt", "vocab_size=50272 hidden_size=768 num_hidden_layers=12 num_attention_heads=12 "
            "ffn_dim=3072"},
    {"pegasus", "vocab_size=50265 d_model=1024 encoder_layers=12 decoder_layers=12 "
                "encoder_attention_heads=16 decoder_attention_heads=16 encoder_ffn_dim=4096 "
                "decoder_ffn_dim=4096 max_position_embeddings=1024"},
    {"persimmon", "vocab_size=262144 hidden_size=4096 num_hidden_layers=36 num_attention_heads=64 "
                  "intermediate_size=16384"},
    {"phi", "vocab_size=51200 hidden_size=2048 num_hidden_layers=24 num_attention_heads=32 "
            "intermediate_size=8192"},
    {"phi3", "vocab_size=32064 hidden_size=3072 num_hidden_layers=32 num_attention_heads=32 "
             "intermediate_size=8192"},
    {"phi4_multimodal",
     "vocab_size=200064 hidden_size=3072 num_hidden_layers=32 num_attention_heads=32 "
     "num_key_value_heads=8 intermediate_size=8192 max_position_embeddings=131072"},
    {"phimoe", "vocab_size=32064 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
               "num_key_value_heads=8 intermediate_size=6400 num_local_experts=16 "
               "num_experts_per_tok=2"},
    {"plbart", "vocab_size=50005 d_model=768 encoder_layers=6 decoder_layers=6 "
               "encoder_attention_heads=12 decoder_attention_heads=12 encoder_ffn_dim=3072 "
               "decoder_ffn_dim=3072 max_position_embeddings=1024"},
    {"qwen2", "vocab_size=151936 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
              "num_key_value_heads=32 intermediate_size=22016 sliding_window=4096"},
    {"qwen2_5_omni_talker",
     "vocab_size=8448 hidden_size=3584 num_hidden_layers=28 num_attention_heads=28 "
     "num_key_value_heads=4 head_dim=128 intermediate_size=18944 "
     "max_position_embeddings=32768 embedding_size=3584"},
    {"qwen2_5_omni_text",
     "vocab_size=152064 hidden_size=3584 num_hidden_layers=28 num_attention_heads=28 "
     "num_key_value_heads=4 intermediate_size=18944 max_position_embeddings=32768"},
    {"qwen2_5_vl_text",
     "vocab_size=152064 hidden_size=8192 num_hidden_layers=80 num_attention_heads=64 "
     "num_key_value_heads=8 intermediate_size=29568 sliding_window=4096"},
    {"qwen2_moe", "vocab_size=151936 hidden_size=2048 num_hidden_layers=24 num_attention_heads=16 "
                  "num_key_value_heads=16 intermediate_size=5632 num_experts=60 "
                  "num_experts_per_tok=4 moe_intermediate_size=1408 "
                  "shared_expert_intermediate_size=5632 sliding_window=4096"},
    {"qwen2_vl_text",
     "vocab_size=152064 hidden_size=8192 num_hidden_layers=80 num_attention_heads=64 "
     "num_key_value_heads=8 intermediate_size=29568 sliding_window=4096"},
    {"qwen3", "vocab_size=151936 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
              "num_key_value_heads=32 head_dim=128 intermediate_size=22016 sliding_window=4096"},
    {"qwen3_5_moe_text",
     "vocab_size=248320 hidden_size=2048 num_hidden_layers=40 num_attention_heads=16 "
     "num_key_value_heads=2 head_dim=256 moe_intermediate_size=512 "
     "shared_expert_intermediate_size=512 num_experts=256 num_experts_per_tok=8 "
     "linear_num_key_heads=16 linear_num_value_heads=32"},
    {"qwen3_5_text",
     "vocab_size=248320 hidden_size=4096 num_hidden_layers=32 num_attention_heads=16 "
     "num_key_value_heads=4 head_dim=256 intermediate_size=12288 "
     "linear_num_key_heads=16 linear_num_value_heads=32"},
    {"qwen3_moe", "vocab_size=151936 hidden_size=2048 num_hidden_layers=24 num_attention_heads=32 "
                  "num_key_value_heads=4 intermediate_size=6144 num_experts=128 "
                  "num_experts_per_tok=8 moe_intermediate_size=768 sliding_window=4096"},
    {"qwen3_next", "vocab_size=151936 hidden_size=2048 num_hidden_layers=48 num_attention_heads=16 "
                   "num_key_value_heads=2 head_dim=256 intermediate_size=5632 num_experts=512 "
                   "num_experts_per_tok=10 moe_intermediate_size=512 "
                   "shared_expert_intermediate_size=512"},
    {"qwen3_omni_moe_text",
     "vocab_size=3584 hidden_size=2048 num_hidden_layers=28 num_attention_heads=28 "
     "num_key_value_heads=4 intermediate_size=18944 moe_intermediate_size=768 "
     "num_experts=128 num_experts_per_tok=8 max_position_embeddings=32768"},
    {"qwen3_vl_moe_text",
     "vocab_size=151936 hidden_size=2048 num_hidden_layers=24 num_attention_heads=16 "
     "num_key_value_heads=16 intermediate_size=5632 num_experts=60 "
     "num_experts_per_tok=4 moe_intermediate_size=1408"},
    {"qwen3_vl_text",
     "vocab_size=151936 hidden_size=4096 num_hidden_layers=32 num_attention_heads=32 "
     "num_key_value_heads=32 head_dim=128 intermediate_size=22016"},
    {"recurrent_gemma",
     "vocab_size=256000 hidden_size=2560 num_hidden_layers=26 num_attention_heads=10"},
    {"rembert", "vocab_size=250300 hidden_size=1152 num_hidden_layers=32 num_attention_heads=18 "
                "intermediate_size=4608 max_position_embeddings=512 type_vocab_size=2 "
                "input_embedding_size=256 output_embedding_size=1664"},
    {"roberta", "vocab_size=50265 hidden_size=768 num_hidden_layers=12 num_attention_heads=12 "
                "intermediate_size=3072"},
    {"roberta-prelayernorm",
     "vocab_size=50265 hidden_size=768 num_hidden_layers=12 num_attention_heads=12 "
     "intermediate_size=3072 max_position_embeddings=512 type_vocab_size=2"},
    {"rwkv", "vocab_size=50277 hidden_size=4096 num_hidden_layers=32"},
    {"rwkv5", "vocab_size=65536 hidden_size=4096 num_hidden_layers=24"},
    {"sarvam_mla", "vocab_size=262144 hidden_size=4096 num_hidden_layers=32 num_attention_heads=64 "
                   "intermediate_size=16384 moe_intermediate_size=2048 n_routed_experts=128 "
                   "num_experts_per_tok=8 n_shared_experts=1 first_k_dense_replace=1 "
                   "kv_lora_rank=512 qk_nope_head_dim=128 qk_rope_head_dim=64 v_head_dim=128"},
    {"sarvam_moe", "vocab_size=262144 hidden_size=4096 num_hidden_layers=19 num_attention_heads=64 "
                   "num_key_value_heads=4 head_dim=64 intermediate_size=8192 "
                   "moe_intermediate_size=1024 n_routed_experts=128 num_experts_per_tok=6 "
                   "n_shared_experts=1 first_k_dense_replace=1"},
    {"seed_oss", "vocab_size=155136 hidden_size=4096 num_hidden_layers=64 num_attention_heads=80 "
                 "num_key_value_heads=8 head_dim=128 intermediate_size=27648"},
    {"siglip_vision_model", "hidden_size=768 num_hidden_layers=12 num_attention_heads=12 "
                            "intermediate_size=3072"},
    {"smollm3", "vocab_size=128256 hidden_size=2048 num_hidden_layers=36 num_attention_heads=16 "
                "num_key_value_heads=4 intermediate_size=11008"},
    {"solar_open", "vocab_size=196608 hidden_size=4096 num_hidden_layers=48 num_attention_heads=64 "
                   "num_key_value_heads=8 head_dim=128 moe_intermediate_size=1280 "
                   "n_routed_experts=128 num_experts_per_tok=8 n_shared_experts=1"},
    {"stablelm", "vocab_size=50304 hidden_size=2560 num_hidden_layers=32 num_attention_heads=32 "
                 "num_key_value_heads=32 intermediate_size=6912"},
    {"starcoder2", "vocab_size=49152 hidden_size=3072 num_hidden_layers=30 num_attention_heads=24 "
                   "num_key_value_heads=2 intermediate_size=12288"},
    {"step3p5", "vocab_size=128815 hidden_size=4096 num_hidden_layers=45 num_attention_heads=64 "
                "num_key_value_heads=8 head_dim=128 intermediate_size=11264 "
                "moe_intermediate_size=1280 n_routed_experts=288 num_experts_per_tok=8 "
                "max_position_embeddings=128000"},
    {"t5", "vocab_size=32128 d_model=512 num_layers=6 num_heads=8 d_ff=2048"},
    {"umt5", "vocab_size=250112 d_model=512 num_layers=8 num_heads=6 d_ff=1024"},
    {"vaultgemma", "vocab_size=256000 hidden_size=2304 num_hidden_layers=26 num_attention_heads=8 "
                   "num_key_value_heads=4 head_dim=256 intermediate_size=9216 sliding_window=4096"},
    {"vit", "hidden_size=768 num_hidden_layers=12 num_attention_heads=12 "
            "intermediate_size=3072"},
    {"whisper", "vocab_size=51865 d_model=384"},
    {"xglm", "vocab_size=256008 d_model=1024 num_layers=24 attention_heads=16 ffn_dim=4096 "
             "max_position_embeddings=2048"},
    {"xlm-roberta", "vocab_size=30522 hidden_size=768 num_hidden_layers=12 num_attention_heads=12 "
                    "intermediate_size=3072"},
    {"xlm-roberta-xl",
     "vocab_size=250880 hidden_size=2560 num_hidden_layers=36 num_attention_heads=32 "
     "intermediate_size=10240 max_position_embeddings=514 type_vocab_size=1"},
    {"youtu", "vocab_size=128256 hidden_size=2048 num_hidden_layers=32 num_attention_heads=16 "
              "num_key_value_heads=16 intermediate_size=6144 q_lora_rank=1536 kv_lora_rank=512 "
              "qk_nope_head_dim=128 qk_rope_head_dim=64 v_head_dim=128"},
};

}  // namespace

std::string_view class_defaults(std::string_view model_type) noexcept {
  const auto* found = std::ranges::lower_bound(classes, model_type, {}, &ClassDefaults::model_type);
  return found != std::end(classes) && found->model_type == model_type ? found->sizes
                                                                       : std::string_view();
}

}  // namespace zoometer
