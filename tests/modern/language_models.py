"""A configuration of transformers is a native graph that has the parameters and products of the model
that its class builds, and which is captured.

Arguments: the program (not used), and names of model types, by default all of TYPES. Configurations are
those of tests/data/language/small.jsonl, whose facts are compared with the class, too. The last line is
"N passed, N failed".
"""

import json
import logging
import pathlib
import sys
import warnings

import torch
import transformers
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

import zoometer

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

TOKENS = 32
FACTS = pathlib.Path(__file__).parents[1] / "data/language/small.jsonl"

# Model types whose class runs more than the graph has, or other operators: only parameters are compared.
SCANS = "a scan in pieces, with products of its own"
ONLY_PARAMETERS = {
    "bamba": SCANS, "falcon_h1": SCANS, "granitemoehybrid": SCANS, "mamba2": SCANS, "nemotron_h": SCANS,
    "qwen3_next": SCANS, "qwen3_5_text": SCANS, "olmo_hybrid": SCANS, "mamba": SCANS,
    "falcon_mamba": SCANS, "jamba": SCANS, "minimax": SCANS,
    "lfm2": "a convolution over the padded length", "recurrent_gemma": "the same",
    "llama4_text": "all experts run for every token",
    "deepseek_v32": "its index of keys is a product with a sum", "glm_moe_dsa": "the same",
}

TYPES = """llama mistral mixtral ministral3 qwen2 qwen2_moe qwen3 qwen3_moe qwen3_next qwen3_5_text gemma
 gemma2 gemma3_text gemma4_text gemma3n_text vaultgemma deepseek_v2 deepseek_v3 glm4_moe glm4_moe_lite
 gpt_oss minimax_m2 granite granitemoe granitemoehybrid olmo2 olmo3 olmoe olmo_hybrid phi phi3 phimoe
 cohere cohere2 falcon gpt2 gpt_neox gptj opt bloom stablelm starcoder2 mpt bert roberta t5 mamba jamba
 falcon_h1 nemotron_h lfm2 rwkv afmoe laguna hunyuan_v1_moe seed_oss smollm3
 albert electra mpnet modernbert nomic_bert gte eurobert esm xlm-roberta-xl roberta-prelayernorm camembert
 data2vec-text ernie ctrl xglm biogpt mbart pegasus blenderbot blenderbot-small m2m_100 plbart mvp mistral4
 gemma4_unified_text apertus1p5_text granitemoe_swa mllama phi4_multimodal qwen3_omni_moe_thinker llava_next
 llava_next_video llava_onevision vipllava aya_vision cohere2_vision deepseek_vl lfm2_vl lighton_ocr
 qianfan_ocr""".split()


def facts_of(wanted):
    """A row of each model type, one that its class can run if there is one."""
    rows = {}
    for line in FACTS.read_text().splitlines():
        row = json.loads(line)
        name = row["config"]["model_type"]
        if "prefill" in row or name not in rows:
            rows[name] = row
    return [rows[name] for name in wanted if name in rows]


def built(config):
    """The model of the class that the configuration names."""
    model = getattr(transformers, config.architectures[0])._from_config(config, attn_implementation="eager")
    if hasattr(model, "set_experts_implementation"):
        model.set_experts_implementation("batched_mm")
    return model.eval()


def words(model):
    ids = torch.zeros((1, TOKENS), dtype=torch.long)
    if model.config.is_encoder_decoder:
        return {"input_ids": ids, "decoder_input_ids": ids, "use_cache": False}
    return {"input_ids": ids, "use_cache": False} if hasattr(model.config, "use_cache") else {"input_ids": ids}


def differences(row):
    settings = dict(row["config"])
    name = settings.pop("model_type")
    config = CONFIG_MAPPING[name](**settings)
    for group in ("n_group", "topk_group"):  # the classes' defaults are more than the experts here
        if getattr(config, group, None):
            setattr(config, group, 1)
    text = config.get_text_config()
    if (getattr(text, "pad_token_id", None) or 0) >= text.vocab_size:
        text.pad_token_id = 0
    native = zoometer.profile(config, tokens=TOKENS, logits="all")
    model = built(config)
    with torch.no_grad():
        captured = zoometer.profile(model, **words(model))
    extra = 0
    if name == "longcat_flash":  # experts that return their input have no matrices in files
        extra = config.zero_expert_num * 2 * config.expert_ffn_hidden_size * config.hidden_size * config.num_layers
    found = []
    own = sum(p.numel() for p in model.parameters()) - extra
    if own != row["parameters"]:
        found.append(f"the class has {own} parameters, the facts {row['parameters']}")
    if native.parameters != own:
        found.append(f"{native.parameters} parameters, the class {own}")
    if captured.parameters - extra != own:
        found.append(f"{captured.parameters - extra} captured parameters, the class {own}")
    if name not in ONLY_PARAMETERS and native.macs != captured.macs:
        found.append(f"{native.macs} MACs, captured {captured.macs}")
    return found


def main():
    wanted = sys.argv[2:] or TYPES
    passed = failed = 0
    for row in facts_of(wanted):
        try:
            found = differences(row)
        except Exception as error:  # the others still run
            found = [f"{type(error).__name__}: {error}"]
        if found:
            failed += 1
            print(row["name"], "; ".join(found), flush=True)
        else:
            passed += 1
    print(f"{passed} passed, {failed} failed")


main()
