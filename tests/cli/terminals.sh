#!/usr/bin/env bash
# Text on narrow terminals: it fits, whole words to a line, and nothing that was asked for is lost.
. "$SOURCE_DIR/tests/cli/_lib.sh"
net=$(find "$SOURCE_DIR/tests/data/pt2" -name '*.pt2' | head -n 1)

# too_wide WIDTH FILE: the lines that are wider.
too_wide() {
  /usr/bin/python3 -c '
import re, sys
for line in open(sys.argv[2], encoding="utf-8").read().split("\n"):
    if len(re.sub("\x1b\\[[0-9;]*m", "", line)) > int(sys.argv[1]): print(line)' "$1" "$2"
}

commands=(
  "profile resnet18" "profile resnet18 --memory" "profile resnet18 --training" "profile fcos_resnet50_fpn --memory"
  "profile resnet18 --sort macs --top 5" "profile resnet18 --group-by type" "profile resnet18 --depth -1"
  "profile resnet18 --columns kernel,input,output,params,macs,memory,time --top 4"
  "profile $net" "explain resnet18" "explain maskrcnn_resnet50_fpn_v2" "diff resnet18 resnet34" "diff resnet18 alexnet --all"
  "compare resnet18 resnet50 vgg11 alexnet vit_b_16 swin_t" "roofline resnet18" "roofline resnet18 --on A100,H100,Orin --fuse"
  "roofline --list" "quant qwen2.5-7b --quant Q4_K_M --quant awq --on L4,H100" "serve qwen2.5-7b --on H100"
  "serve qwen2.5-7b --on H100 --vary batch=1,2,4..32" "parameters resnet18" "graph resnet18" "list --registry all"
  "list --sources" "registry list" "discover resnet18" "verify resnet18" "cache status" "doctor"
  "--help" "registry --help")
for command in list profile table compare parameters diff discover explain graph roofline sweep quant registry\ add report \
  serve verify cache mcp doctor completions man; do
  commands+=("$command --help")
done
for width in 60 70 80; do
  for command in "${commands[@]}"; do
    read -r -a words <<<"$command"
    COLUMNS=$width "$ZOOMETER" "${words[@]}" >narrow.txt 2>/dev/null </dev/null
    # A path is one word, whatever its length.
    expect "$command fits into $width columns" is "$(too_wide $width narrow.txt | grep -v /)" ""
    expect "$command leaves no spaces at the ends of lines" is "$(grep -c ' $' narrow.txt)" 0
  done
done

# Without COLUMNS, a pipe's output has no limit; what a file gets has none either.
run roofline resnet18
expect "a pipe gets whole lines" has "$out" "each operator alone, at the full peak or bandwidth, whichever takes longer;"
whole=$("$ZOOMETER" diff resnet18 resnet34 | md5sum)
COLUMNS=60 "$ZOOMETER" diff resnet18 resnet34 -o narrow.txt
expect "so does a file" is "$(md5sum <narrow.txt)" "$whole"
for format in csv markdown json; do
  expect "$format has no width" is "$(COLUMNS=60 "$ZOOMETER" compare resnet18 vgg11 -f $format | md5sum)" \
    "$("$ZOOMETER" compare resnet18 vgg11 -f $format | md5sum)"
done
expect "COLUMNS that is not a number is none" is "$(COLUMNS=all "$ZOOMETER" diff resnet18 resnet34 | md5sum)" "$whole"

# The columns that have no room follow below.
models="resnet18 resnet50 vgg11 alexnet vit_b_16 swin_t"
# shellcheck disable=SC2086
COLUMNS=60 "$ZOOMETER" compare $models >narrow.txt
for name in $models; do expect "compare shows $name" grep -qE "(^| )$name( |$)" narrow.txt; done
expect "with all figures of each" is "$(grep -c '^top-1 ' narrow.txt)" "$(grep -c '^parameters ' narrow.txt)"
COLUMNS=60 "$ZOOMETER" profile resnet18 --columns kernel,input,output,params,macs,memory,time --top 4 >narrow.txt
for title in kernel input output params MACs memory time; do
  expect "a column that was asked for is there: $title" grep -qE " $title( |$)" narrow.txt
done
# Every word of the wide text is in the narrow one.
words_of_totals() { sed -n '/^total/,/^$/p' | tr -s ' \n' '\n\n'; }
expect "no words are lost" is "$(COLUMNS=60 "$ZOOMETER" profile resnet18 --depth 0 | words_of_totals)" \
  "$("$ZOOMETER" profile resnet18 --depth 0 | words_of_totals)"

# A real terminal: as with COLUMNS, in colours that take no room.
cat >terminal.py <<'PY'
import fcntl, os, pty, struct, subprocess, sys, termios
width, words = int(sys.argv[1]), sys.argv[2:]
ours, theirs = pty.openpty()
fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
child = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs)
os.close(theirs)
shown = b""
while True:
    try: part = os.read(ours, 65536)
    except OSError: break
    if not part: break
    shown += part
child.wait()
sys.stdout.buffer.write(shown.replace(b"\r\n", b"\n"))
PY
for width in 60 80 120; do
  for command in "profile resnet18" "diff resnet18 resnet34" "compare $models" "roofline resnet18 --on A100" "explain resnet18"; do
    read -r -a words <<<"$command"
    /usr/bin/python3 terminal.py $width "$ZOOMETER" "${words[@]}" >shown.txt
    expect "$command on a terminal of $width columns" is "$(too_wide $width shown.txt)" ""
    expect "$command has colours there, or none without marks" is "$(sed 's/\x1b\[[0-9]*m//g; s/ *$//' shown.txt | md5sum)" \
      "$(COLUMNS=$width "$ZOOMETER" "${words[@]}" | sed 's/ *$//' | md5sum)"
  done
done

finish
