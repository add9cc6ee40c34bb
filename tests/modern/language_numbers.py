"""Language models written as ONNX, with the weights of the class that transformers builds, give its logits.

Arguments: the program, and names of model types, by default all of TYPES. What has no cost is not part of
a graph (factors of embeddings and logits, norms that add one to their weights), so that models with such
factors give other numbers and are not listed. The last line is "N passed, N failed".
"""

import inspect
import logging
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings

import numpy
import onnxruntime
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
transformers.utils.logging.disable_progress_bar()

TOKENS = 12
SIZES = {"vocab_size": 97, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3,
         "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256,
         "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
OF_GPT = {"n_embd": 64, "n_head": 4, "n_layer": 3, "n_positions": 256}
OF_EXPERTS = {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
TYPES = {"llama": {}, "qwen2": {}, "qwen3": {"head_dim": 24}, "mistral": {"sliding_window": 5}, "olmo2": {},
         "phi": {"partial_rotary_factor": 0.5}, "phi3": {}, "stablelm": {}, "starcoder2": {}, "smollm3": {},
         "exaone4": {}, "bert": {}, "gpt2": OF_GPT, "falcon": {}, "olmoe": OF_EXPERTS,
         "qwen2_moe": {**OF_EXPERTS, "shared_expert_intermediate_size": 48},
         "qwen3_moe": {**OF_EXPERTS, "head_dim": 16}}


def model_of(name):
    """A small model with weights that no norm hides."""
    kind = CONFIG_MAPPING[name]
    known = {*inspect.signature(kind).parameters, *getattr(kind, "__dataclass_fields__", ()), *kind.attribute_map}
    given = {key: value for key, value in {**SIZES, **TYPES[name]}.items() if key in known}
    config = kind(**given, dtype="float32")
    auto = transformers.AutoModelForMaskedLM if name == "bert" else transformers.AutoModelForCausalLM
    model = auto.from_config(config, attn_implementation="eager").eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, mean=0.0 if parameter.dim() > 1 else 0.5, std=0.3)
    return model


def stacked(tensors):
    """The matrices of a layer's experts, which files have apart, as the one tensor of a graph."""
    parts = {}
    for name, tensor in tensors.items():
        place = re.search(r"(?<=experts\.)\d+(?=\.)", name)
        key = name[: place.start()] + "*" + name[place.end():] if place else name
        parts.setdefault(key, {})[int(place[0]) if place else 0] = tensor
    return {name: torch.stack([each[i] for i in range(len(each))]) if "*" in name else each[0]
            for name, each in parts.items()}


def write(program, model, folder, *options):
    """The model as ONNX with its weights and buffers."""
    model.config.architectures = [type(model).__name__]
    model.config.save_pretrained(folder)
    model.save_pretrained(folder / "saved")
    tensors = {**dict(model.named_buffers()), **stacked(load_file(folder / "saved" / "model.safetensors"))}
    weights, file = folder / "all_tensors", folder / "model.onnx"
    save_file({name: tensor.clone().contiguous() for name, tensor in tensors.items()}, weights)
    done = subprocess.run([program, "graph", folder / "config.json", "--logits", "all", "--format", "onnx", "--strict",
                           "--weights", weights, "--output", file, *options], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])


def difference(session, inputs, wanted):
    logits = session.run(["logits"], inputs)[0]
    return float(numpy.abs(logits - wanted.numpy()).max() / wanted.abs().max())


@torch.no_grad()
def check(program, name, folder):
    """The largest difference, as a part of the largest logit: of all tokens, and of one after others."""
    torch.manual_seed(0)
    model = model_of(name)
    ids = torch.randint(3, 97, (1, TOKENS))
    whole = difference(write(program, model, folder, "--tokens", str(TOKENS)), {"input_ids": ids.numpy()},
                       model(ids).logits)
    if name == "bert":
        return [whole]
    session = write(program, model, folder, "--past", str(TOKENS - 1), "--tokens", "1")
    before = model(ids[:, :-1], use_cache=True).past_key_values
    inputs = {"input_ids": ids[:, -1:].numpy()}
    for given in session.get_inputs():
        parts = given.name.split(".")  # past.LAYER.key
        if parts[0] == "past":
            layer = before.layers[int(parts[1])]
            inputs[given.name] = (layer.keys if parts[2] == "key" else layer.values).numpy()
    return [whole, difference(session, inputs, model(ids).logits[:, -1:])]


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    failed = []
    names = sys.argv[2:] or list(TYPES)
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            try:
                found = check(program, name, pathlib.Path(folder))
                problem = "" if max(found) < 1e-3 else "differs"
            except Exception as error:
                found, problem = [], f"{type(error).__name__}: {error}"[:300]
        print(f"{'FAILED' if problem else 'passed'} {name} {' '.join(f'{each:.1e}' for each in found)} {problem}")
        if problem:
            failed.append(name)
    print(f"{len(names) - len(failed)} passed, {len(failed)} failed")


main()
