#!/usr/bin/env bash
# Live sources with a fake Python: which interpreter is chosen, models that crash, hang,
# print or fail, what the cache keeps, and what a killed run leaves.
. "$SOURCE_DIR/tests/cli/_lib.sh"
here=$PWD
mkdir torch torchvision
: >torch/__init__.py
: >torchvision/__init__.py
export FAKE_TORCH=$here/torch/__init__.py FAKE_LOG=$here/log
for name in good ancient no_torch no_torchvision broken no_import dies_early; do
  ln -s "$SOURCE_DIR/tests/cli/_fake_python" "$name"
done
runs() { grep -c ' trace ' log 2>/dev/null; }
fresh() { rm -rf "$XDG_CACHE_HOME/zoometer" log; }

# one of each kind
run discover --source torchvision --python "$here/good" --time-limit 1 --format json
expect "a source with bad models is discovered" is "$status" 0
expect "the document follows its schema" validate stdout.txt discovery
expect "all models are there" json '.total == 6 and .traceable == 3 and .failed == 3'
expect "the version is the source's" json '.source == "torchvision" and .source_version == "0.15"'
expect "a crash is reported" json '.models[] | select(.name == "crashes")
  | .reason == "crash" and (.message | test("signal 11 .*before the end"))'
expect "an endless model is reported" json '.models[] | select(.name == "sleeps")
  | .reason == "time_limit" and .message == "no answer within 1 s"'
expect "a failure has PyTorch's words, module and operator" json '.models[] | select(.name == "fails")
  | .reason == "fx_control_flow" and (.message | test("^symbolically traced")) and .module == "head" and .operator == "ne"'
expect "what was printed is reported" json '.models[] | select(.name == "noisy") | .note
  | test("2 lines printed, the last: and one on standard error")'
expect "the models after it are found, too" json '.models[] | select(.name == "last") | .status == "traceable"'
expect "the interpreter is named" json '.notes[0] | test("good: Python 3.11.2, torch 2.0, torchvision 0.15")'
expect "the interpreter was started three times" is "$(runs)" 3

run discover --source torchvision --python "$here/good" --time-limit 1 --format json
expect "the second time nothing is started" is "$(wc -l <log)" 4
expect "and the answer is the same" json '.total == 6 and .traceable == 3 and .failed == 3'
run discover --source torchvision --python "$here/good" --time-limit 2 --format json crashes sleeps
expect "a longer limit tries the endless one again" is "$(runs)" 4
run discover --python "$here/good" --test-model fails
expect "a failed test is status 1" is "$status" 1
expect "with advice" has "$out" "advice    use the built-in model"
run discover --python "$here/good" --test-model god
expect "an unknown model is wrong usage" is "$status" 2
expect "and brings a suggestion" has "$err" "did you mean good?"
run profile torchvision:fails --python "$here/good"
expect "a failed model cannot be profiled" is "$status" 3
expect "in PyTorch's words" has "$err" "symbolically traced"
run profile torchvision:nothing --python "$here/good"
expect "nor one that is not there" is "$status" 2
run discover --python "$here/good" --skip-patterns s
expect "patterns are taken when they are given" has "$out" "5 skipped"
run discover --python "$here/good" good last
expect "the text names the interpreter, too" has "$out" "good: Python 3.11.2"
expect "models are run" has "$(tail -n 1 log)" "--tracer capture"
before=$(runs)
run discover --python "$here/good" --tracer fx --format json good
expect "or only traced, whatever is known of their runs" has "$(tail -n 1 log)" "--tracer fx"
expect "with the nodes" json '.models[0] | .status == "traceable" and .nodes == 3 and .macs == null'
run discover --python "$here/good" --tracer fx good
run discover --python "$here/good" good
expect "both answers are kept" is "$(runs)" $((before + 1))
expect_error 2 "--tracer is for sources of Python" discover --tracer fx

run list --sources --format json
expect "the source is listed" json '.sources[] | select(.name == "torchvision")
  | .version == "0.15" and .models == 6 and .is_current and .age_seconds < 600 and (.where | test("good, Python 3.11.2, torch 2.0"))'
cp torch/__init__.py kept.py
echo changed >torch/__init__.py
run list --sources
expect "a change is noticed" has "$out" "changed since: discover --source torchvision"
run registry diff --python "$here/good"
expect "the curated registry is compared with a source" has "$out" "3 that trace and are not curated (+), 33 curated that do not trace (-)"
run registry update --python "$here/good"
expect "what is new there can be taken" has "$out" "+ good"
run list good --format json
expect "as a model of that source" json '.models[0].source == "torchvision:good"'
run registry diff --python "$here/good"
expect "and is not new any more" has "$out" "0 that trace and are not curated"
run registry remove good noisy last
rm -r "$XDG_CONFIG_HOME/zoometer"

fresh
script -qec "'$ZOOMETER' discover --python '$here/good' --time-limit 1" /dev/null </dev/null >terminal.txt
expect "a terminal sees how far it is" has "$(cat terminal.txt)" "[3/6] fails"
expect "and no more of it at the end" has "$(cat terminal.txt)" $'\r\e[K'

# interpreters that cannot be taken
for row in "ancient:too old: 3.7 or newer" "no_torch:has no torch" \
  "no_torchvision:has torch and no torchvision" "broken:does not run: cannot open shared object file" \
  "no_import:no_torch: OSError: libtorch.so is missing" "dies_early:signal 4"; do
  name=${row%%:*}
  run discover --python "$here/$name"
  expect "$name: status" is "$status" 3
  expect "$name: message" has "$err" "${row#*:}"
  expect "$name: advice" has "$err" "--python PATH"
done
run discover --python "$here/nowhere"
expect "a path without a Python" has "$err" "nowhere does not run: No such file"
fresh
mkdir first second
printf '#!/bin/sh\nexec "%s" "$@"\n' "$here/no_torch" >first/python3
printf '#!/bin/sh\nexec "%s" "$@"\n' "$here/good" >second/python3
chmod +x first/python3 second/python3
# Where the test may make a world of its own: one without any Python.
if unshare -rm true 2>/dev/null; then
  cp "$ZOOMETER" copied
  unshare -rm "$BASH" -c 'mount -t tmpfs none /usr/bin && PATH=/nonexistent ./copied discover --source torchvision' 2>err.txt
  expect "no Python at all is reported" has "$(cat err.txt)" "no Python on the PATH (install torch and torchvision"
  mkdir old_scripts && ln -s "$here/ancient" old_scripts/python3
  unshare -rm "$BASH" -c 'mount -t tmpfs none /usr/bin && PATH=$1 ./copied discover --source torchvision' - "$here/old_scripts" 2>err.txt
  expect "nor one that can be taken" has "$(cat err.txt)" "no usable Python: "
fi
PATH=$here/first:$here/second:$PATH run discover --source torchvision good
expect "the search continues after a Python without torch" is "$status" 0
expect "and reports which was chosen, and why" has "$out" "second/python3: Python 3.11.2, torch 2.0, torchvision 0.15 ($here/first/python3 has no torch)"
printf '#!/bin/sh\nexec "%s" "$@"\n' "$here/good" >first/python3
printf '#!/bin/sh\nexec "%s" "$@"\n' "$here/spare" >second/python3
ln -sf good spare
PATH=$here/first:$here/second:$PATH run discover --source torchvision good
FAKE_BROKEN=good PATH=$here/first:$here/second:$PATH run discover --source torchvision last
expect "a Python that fails after it listed its models" is "$status" 0
expect "is skipped" has "$out" "second/python3: Python 3.11.2, torch 2.0, torchvision 0.15 ($here/first/python3 no_torch: OSError"
mkdir -p "$XDG_CONFIG_HOME/zoometer"
echo "python = \"$here/good\"" >"$XDG_CONFIG_HOME/zoometer/registry.toml"
run discover --source torchvision good
expect "the configuration names one" has "$out" "$here/good: Python"
ZOOMETER_PYTHON=$here/no_torch run discover --source torchvision good
expect "the variable another" has "$err" "no_torch has no torch"
rm "$XDG_CONFIG_HOME/zoometer/registry.toml"
run discover --source torchvison
expect "a wrong source is wrong usage" is "$status" 2
expect "and brings a suggestion" has "$err" "did you mean torchvision?"

# verify --live: state dicts here, graphs in the oracle's test
"$ZOOMETER" parameters alexnet --variant untrained --format json |
  jq -c '[.entries[] | [.name, .kind, .dtype, .shape]]' >state.json
export FAKE_STATE=state.json FAKE_MODELS='alexnet strange'
fresh
run verify --live --python "$here/good"
expect "equal state dicts agree" is "$status" 0
expect "which is reported" has "$out" "state dicts: 1 of 1 agree"
expect "and that there was no graph" has "$out" "live: 0 of 0 agree"
expect "in PyTorch's words" has "$out" "not traced (1): fx_control_flow: symbolically traced variables"
expect "a model only in torchvision is noted" has "$err" "only in torchvision: strange"
expect "and what it lacks" has "$err" "not in torchvision: convnext_base, "
run verify --live --python "$here/good" --format json
expect "the document follows its schema" validate stdout.txt live_verification
expect "the figures" json '.models == [{name: "alexnet", verdict: "agrees", via: null,
  not_traced: .models[0].not_traced, states: 16, modules: 0, parameters: {native: 61100840, live: 10},
  macs: {native: 714188480, live: null}, differences: []}]'
expect "nothing was asked twice" is "$(runs)" 1
jq -c '.[0][3] = [64, 3, 11, 12] | .[6:]' state.json >less.json
fresh
FAKE_STATE=less.json run verify --python "$here/good" alexnet
expect "other state dicts fail the check" is "$status" 1
expect "with the difference" has "$out" "state, native only: features.0.weight parameter float32 64x3x11x11"
expect "a few of them" has "$out" "and 1 more, with --verbose"
FAKE_STATE=less.json run verify --live --python "$here/good" alexnet --verbose
expect "or all" lacks "$out" "with --verbose"
fresh
FAKE_CRASH=alexnet run verify --live --python "$here/good" alexnet
expect "a model that crashes does not agree" is "$status" 1
expect "which is reported" has "$out" "crash: the interpreter died: signal 11"
run verify --live --python "$here/good" strange
expect "nothing to compare is not an agreement" is "$status" 1
run verify --live --python "$here/good" resnet18
expect "a model that torchvision lacks is wrong usage" is "$status" 2
run verify --live --python "$here/no_torch"
expect "no PyTorch is reported" has "$err" "no_torch has no torch"
unset FAKE_STATE FAKE_MODELS

# interrupted and killed
export FAKE_MODELS='a b slow slow2 c'
fresh
"$ZOOMETER" discover --python "$here/good" >/dev/null 2>&1 &
pid=$!
for _ in $(seq 100); do [ "$("$ZOOMETER" cache status --format json | jq '[.kinds[] | select(.kind == "verdict").entries] | add // 0')" -ge 2 ] && break; sleep 0.02; done
{ kill -9 $pid; wait $pid; } 2>/dev/null
sleep 0.2
state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$(cat log.pid)/status" 2>/dev/null)
expect "no Python outlives a killed run" is "${state/Z/}" ""  # a zombie stays if no process waits for it
expect "the killed run left two verdicts" is "$("$ZOOMETER" cache status --format json | jq '.kinds[] | select(.kind == "verdict").entries')" 2
run discover --python "$here/good" --format json
expect "the next run continues" json '.total == 5 and .traceable == 5'
expect "and asks for the rest only" has "$(tail -n 1 log)" " slow slow2 c"

fresh
"$ZOOMETER" discover --python "$here/good" >/dev/null 2>interrupted.txt &
pid=$!
for _ in $(seq 100); do [ "$("$ZOOMETER" cache status --format json | jq '[.kinds[] | select(.kind == "verdict").entries] | add // 0')" -ge 2 ] && break; sleep 0.02; done
kill -TERM $pid
wait $pid
expect "an interrupt ends the run as it should" is $? 143
expect "and says that the rest is kept" has "$(cat interrupted.txt)" "the results so far are kept"

# versions
unset FAKE_MODELS
export FAKE_MODELS='a b c'
fresh
run discover --python "$here/good"
echo changed >torchvision/__init__.py
echo changed >torch/__init__.py
FAKE_MODELS='a c d' FAKE_VERSION=0.16 FAKE_PARAMETERS=12 run discover --python "$here/good" --format json
expect "a new version is noticed" json '.source_version == "0.16" and (.notes | any(test("torchvision 0.16 .* was 0.15")))'
expect "what appeared" json '.notes | any(. == "d appeared")'
expect "what vanished" json '.notes | any(. == "b vanished")'
expect "what changed" json '.notes | any(test("^a changed: 12 parameters.*before 10 parameters"))'
FAKE_MODELS='a c d' FAKE_VERSION=0.16 run discover --python "$here/good" --format json
expect "it is reported once" json '.notes | length == 1'
: >log
echo again >torch/__init__.py
FAKE_MODELS='a c d f' FAKE_VERSION=0.17 FAKE_PARAMETERS=12 run discover --python "$here/good" --format json
expect "after a change of what they depend on all models are tried again" is "$(runs)" 1
expect "and there" json '.total == 4 and .traceable == 4'

FAKE_MODELS='a c d f' FAKE_VERSION=0.17 FAKE_PARAMETERS=12 FAKE_NAMES=other run discover --python "$here/good" --format json
expect "no file is new until one is" json '.notes | length == 1'
echo more >torch/__init__.py
FAKE_MODELS='a c d f' FAKE_VERSION=0.17 FAKE_PARAMETERS=12 FAKE_NAMES=other run discover --python "$here/good" --format json
expect "a renamed parameter is a change" json '.notes | any(. == "a changed: names or shapes in its state dict")'

# what cannot be stamped is not kept
export FAKE_MODELS='a b'
fresh
for _ in 1 2; do FAKE_UNSEEN='"it uses the network"' run discover --python "$here/good"; done
expect "answers that depend on what no stamp covers are not kept" is "$(runs)" 2
fresh
run discover --python "$here/good"
run discover --python "$here/good" --no-cache --format json
expect "--no-cache asks again" is "$(runs) $(jq .traceable stdout.txt)" "2 2"
fresh
run discover --python "$here/good" --no-cache
run cache status
expect "and keeps nothing" has "$out" "nothing is kept"
expect_error 2 "--jobs: expected 1 to 1024, got 0" discover --python "$here/good" --jobs 0

# the cache
fresh
export FAKE_MODELS='a b c'
file=$XDG_CACHE_HOME/zoometer/cache.sqlite3
for before in empty damaged; do
  fresh
  if [ $before = damaged ]; then
    mkdir -p "$XDG_CACHE_HOME/zoometer"
    head -c 30000 /dev/urandom >"$file"
  fi
  for i in $(seq 16); do "$ZOOMETER" discover --python "$here/good" --format json >"answer.$i" 2>"errors.$i" & done
  wait
  expect "sixteen processes on one $before cache have sixteen answers" is \
    "$(for i in $(seq 16); do jq -c '[.total, .traceable]' "answer.$i"; done | sort | uniq -c | tr -s ' ')" " 16 [3,3]"
  expect "at most one of which prints something" test "$(cat errors.? errors.?? | wc -l)" -le 1
  run discover --python "$here/good"
  expect "the $before cache is whole then" is "$err" ""
  expect "and has each model once" is "$("$ZOOMETER" cache status --format json | jq '.kinds[] | select(.kind == "verdict").entries')" 3
done

# killed at any moment, several at once
fresh
for wait in 0.00 0.01 0.02 0.03 0.05 0.08 0.12 0.2; do
  pids=
  for _ in 1 2 3; do
    "$ZOOMETER" discover --python "$here/good" >/dev/null 2>&1 &
    pids="$pids $!"
  done
  sleep $wait
  kill -9 $pids 2>/dev/null
  wait $pids 2>/dev/null
done 2>/dev/null
run discover --python "$here/good" --format json
expect "killed writers leave a whole cache" is "$err" ""
expect "and right answers" json '.total == 3 and .traceable == 3'
run cache status
expect "the cache is shown" has "$out" "verdict"
run cache status --format json
expect "the status keeps to its schema" validate stdout.txt cache
head -c 20000 /dev/urandom >"$file"
run discover --python "$here/good" --format json
expect "a damaged cache is reported" has "$err" "is damaged or has another format: created a new one"
expect "and the answer is right" json '.total == 3 and .traceable == 3'
run discover --python "$here/good" --format json
expect "and the cache is whole again" is "$err" ""
for offset in 100 3000 5000 9000 13000 17000 21000; do
  "$ZOOMETER" discover --python "$here/good" >/dev/null 2>&1
  printf 'XXXXXXXXXXXXXXXX' | dd of="$file" bs=1 seek=$offset conv=notrunc 2>/dev/null
  run discover --python "$here/good" --format json
  expect "damage at $offset gives no wrong answer" json '.total == 3 and .traceable == 3'
done
truncate -s 5000 "$file"
run discover --python "$here/good" --format json
expect "a cut cache gives no wrong answer" json '.total == 3'
sqlite_version() { printf '\x00\x00\x00\x63' | dd of="$file" bs=1 seek=60 conv=notrunc 2>/dev/null; }
"$ZOOMETER" cache clear >/dev/null
"$ZOOMETER" discover --python "$here/good" >/dev/null 2>&1
sqlite_version
run discover --python "$here/good" --format json
expect "a file of another format is replaced" has "$err" "has another format"
run cache clear
expect "the cache can be removed" has "$out" "removed "
expect "and is removed" test ! -e "$file"
run cache status
expect "an empty one is shown" has "$out" "nothing is kept"
run cache clean
expect "a wrong action brings a suggestion" has "$err" "did you mean clear?"
rm -rf "$XDG_CACHE_HOME/zoometer"
: >"$XDG_CACHE_HOME/zoometer"
run discover --python "$here/good" --format json
expect "without a folder nothing is kept" has "$err" "answers are not kept"
expect "and nothing fails" json '.total == 3'
rm "$XDG_CACHE_HOME/zoometer"
finish
