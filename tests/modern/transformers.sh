#!/usr/bin/env bash
# Architectures of transformers run on inputs that zoometer makes of the signature, the documentation and the configuration:
# one or more of each kind; and what those that have no model or no inputs say.
. "$SOURCE_DIR/tests/cli/_lib.sh"
. "$SOURCE_DIR/tests/oracle/_venv.sh"
if ! python=$(modern_python); then
  fail "PyTorch and transformers are needed"
  finish
  exit
fi

# Texts with choices, with boxes, with languages, with rows of codes; without a cache; with padding by whole numbers.
texts="BertForMultipleChoice BrosModel XmodModel MusicgenForCausalLM DiaModel BlenderbotForCausalLM LEDModel"
# Videos, pairs of pictures, pictures with texts, at several scales, in windows, in patches with a grid of their places.
pictures="VideoMAEForVideoClassification EfficientLoFTRModel OwlViTModel AlignModel TvpModel DepthProModel RfDetrModel
  Siglip2VisionModel Qwen2_5_VisionTransformerPretrainedModel Kimi_K25VisionModel RTDetrV2ForObjectDetection"
# Sound with channels, with small buffers that decide what runs, in features of other widths and orders.
sound="DacModel MimiModel WhisperModel ASTModel GraniteSpeech5Encoder SeamlessM4TModel"
# Experts as one product in any type; shapes that documentations state; preprocessors.
others="MixtralModel DecisionTransformerModel TimesFmModel PerceiverModel"
# shellcheck disable=SC2086  # names without spaces
run discover --source transformers --python "$python" --jobs 1 --time-limit 300 --no-skip --format json \
  $texts $pictures $sound $others DbrxModel BarkModel
captured=$(wc -w <<<"$texts $pictures $sound $others")
expect "all are captured" is "$(jq -r '.models[] | select(.status != "traceable") | "\(.name): \(.message)"' stdout.txt)" \
  "BarkModel: the class has no forward(): only its parts run
DbrxModel: the defaults of DbrxConfig make no model: AttributeError: 'DbrxAttentionConfig' object has no attribute 'rope_theta'"
expect "all are there" json ".traceable == $captured"
expect "two of eight experts of each token" json '.models[] | select(.name == "MixtralModel") | .macs < .parameters * 32 / 3'
finish
