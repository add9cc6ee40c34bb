#!/usr/bin/env bash
# Files that OpenVINO writes have the sizes that zoometer infers, operator by operator, and models that it converts from
# ONNX have as many MACs as their origin. Some seconds.
set -u
. "$SOURCE_DIR/tests/oracle/_venv.sh"
python=$(python_with requirements-openvino.txt venv-openvino 600 "80 MB") || { echo "CASES 0 passed 1 failed"; exit 1; }
output=$("$python" "$SOURCE_DIR/tests/modern/openvino_files.py" "$ZOOMETER" "$SOURCE_DIR/tests/data/onnx" 2>&1)
echo "$output"
passed=0 failed=1
[[ ${output##*$'\n'} =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]] && passed=${BASH_REMATCH[1]} failed=${BASH_REMATCH[2]}
echo "CASES $passed passed $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -ge 200 ]
