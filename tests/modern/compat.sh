#!/usr/bin/env bash
# The drop-in functions of the Python package give the figures of fvcore, thop, ptflops, torchinfo, calflops and
# PyTorch, which run beside them. Without names compat.py takes all of its 63 models, some minutes.
set -u
. "$SOURCE_DIR/tests/oracle/_venv.sh"
install_wheel || { echo "CASES 0 passed 1 failed"; exit 1; }
run_modern compat.py 150 layers_batch layers_group layers_none tokens twice products conv1d conv3d alexnet resnet18 \
  mobilenet_v2 densenet121 efficientnet_b0 regnet_y_400mf squeezenet1_1 swin_t LlamaModel timm:ghostnet_100 timm:mobilevit_xxs
