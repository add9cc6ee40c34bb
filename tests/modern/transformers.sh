#!/usr/bin/env bash
# Architectures of transformers run on inputs that zoometer makes of their configurations: texts with choices, pictures
# with texts, videos, pairs of pictures, sound with channels; and experts that are one product, in any type.
. "$SOURCE_DIR/tests/cli/_lib.sh"
. "$SOURCE_DIR/tests/oracle/_venv.sh"
if ! python=$(modern_python); then
  fail "PyTorch and transformers are needed"
  finish
  exit
fi

run discover --source transformers --python "$python" --jobs 1 --time-limit 300 --format json BertForMultipleChoice \
  VideoMAEForVideoClassification OwlViTModel AlignModel MusicgenForCausalLM DacModel EfficientLoFTRModel \
  RTDetrV2ForObjectDetection MixtralModel WhisperModel
expect "all are captured" is "$(jq -r '.models[] | select(.status != "traceable") | "\(.name): \(.message)"' stdout.txt)" ""
expect "all are there" json '.models | length == 10'
expect "two of eight experts of each token" json '.models[] | select(.name == "MixtralModel") | .macs < .parameters * 32 / 3'
finish
