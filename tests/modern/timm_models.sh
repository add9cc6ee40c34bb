#!/usr/bin/env bash
# Models of timm have the parameters and products that PyTorch counts. Without patterns timm_models.py takes all of
# timm's 1,371 models, some 9 minutes of processor time.
set -u
. "$SOURCE_DIR/tests/oracle/_venv.sh"
install_wheel || { echo "CASES 0 passed 1 failed"; exit 1; }
run_modern timm_models.py 24 'cait_xxs24_224' 'coat_tiny' 'coatnet_nano_rw_224' 'convit_tiny' 'crossvit_9_240' 'davit_tiny' \
  'edgenext_small' 'efficientvit_b0' 'fastvit_t8' 'focalnet_tiny_srf' 'gcvit_xxtiny' 'hiera_tiny_224' 'lambda_resnet26t' \
  'levit_128s' 'maxvit_rmlp_nano_rw_256' 'mobilenetv4_conv_small' 'mvitv2_tiny' 'naflexvit_base_patch16_siglip' 'nest_tiny' \
  'nf_regnet_b0' 'pit_ti_224' 'sequencer2d_s' 'tnt_s_patch16_224' 'vit_tiny_patch16_224'
