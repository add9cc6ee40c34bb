#!/usr/bin/env bash
# Sources of models in Debian's Python: a module of functions, a folder of torch.hub; and answers that are asked
# for again after anything that building the model read has changed.
. "$SOURCE_DIR/tests/cli/_lib.sh"
export ZOOMETER_PYTHON=/usr/bin/python3 PYTHONDONTWRITEBYTECODE=1
cp "$SOURCE_DIR/tests/bridge/zoo_of_functions.py" .
echo 4 >width.json
echo "WIDTH = 4" >zoo_of_later.py
parameters() { "$ZOOMETER" profile "$@" --input-shape 1,8 --format json 2>stderr.txt | jq .totals.parameters; }
zoo=python:zoo_of_functions

# 8 inputs and a bias for each output
expect "a model of a file" is "$(parameters $zoo:from_file)" 36
expect "which is kept" is "$("$ZOOMETER" cache status --format json | jq '.kinds[] | select(.kind == "verdict").entries')" 1
echo 40 >width.json
expect "a file that was read has changed" is "$(parameters $zoo:from_file)" 360
expect "a model of a variable" is "$(parameters $zoo:from_variable)" 36
expect "a variable that was not set is" is "$(ZOO_WIDTH=40 parameters $zoo:from_variable)" 360
expect "a model of a module that is imported late" is "$(parameters $zoo:from_later_import)" 36
echo "WIDTH = 40" >zoo_of_later.py
expect "that module has changed" is "$(parameters $zoo:from_later_import)" 360
mkdir first && echo "WIDTH = 1" >first/zoo_of_later.py
expect "another module comes first" is "$(PYTHONPATH=first parameters $zoo:from_later_import)" 360  # the folder is first

# the module as a source: in one run, all that need no argument
run discover --source $zoo --format json
expect "functions and classes that make a model are found" json '[.models[].name] == ["Direct", "from_file", "from_later_import", "from_variable"]'
mkdir hub
cat >hub/hubconf.py <<'PYTHON'
dependencies = ["torch"]
import torch
def resnet18(pretrained=False):
    return torch.nn.Linear(8, 4)
def small(pretrained=False):
    return torch.nn.Linear(8, 4)
PYTHON
expect "a model of a folder of torch.hub" is "$(parameters torch.hub:hub:small)" 36
expect_error 2 "has no model smal (did you mean small?)" profile torch.hub:hub:smal
finish
