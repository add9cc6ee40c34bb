#!/usr/bin/env bash
# What bash, zsh and fish offer: each runs the script that `zoometer completions` writes for it.
. "$SOURCE_DIR/tests/cli/_lib.sh"
PATH=$(dirname "$ZOOMETER"):$PATH
export PATH
"$ZOOMETER" completions bash >completion.bash
"$ZOOMETER" completions zsh >_zoometer
"$ZOOMETER" completions fish >completion.fish

# complete_SHELL WORDS...: what the shell offers for the last word, on one line.
complete_bash() {
  bash -c '
    . ./completion.bash
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _zoometer zoometer "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    echo "${COMPREPLY[@]}"' _ zoometer "$@"
}
complete_fish() {
  local words=${*:1:$#-1}
  fish --no-config -c "source completion.fish; complete -C 'zoometer $words${words:+ }${*: -1}'" | cut -f1 | paste -sd' '
}
# zsh completes in a terminal only: one is made for it, and `compadd`, which every offer passes, writes
# the offers to a file. All questions are asked in one session.
cat >ask.zsh <<'ZSH'
zmodload zsh/zpty
zpty shell zsh -f -i
say() { zpty -w shell "$1"; }
say 'PROMPT= PS2= ; unsetopt zle_bracketed_paste; fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D'
say 'compadd() { if (( ${@[(I)-[OAD]]} )); then builtin compadd "$@"; return; fi
  local -a offers; builtin compadd -O offers "$@"; print -rl -- $offers >>offers; builtin compadd "$@" }'
say 'done_() { print -r -- x >>ready; zle kill-whole-line }; zle -N done_; bindkey "^X" done_; bindkey "^I" complete-word'
say 'setopt no_list_ambiguous no_beep; LISTMAX=0; zstyle ":completion:*" list-prompt ""'
n=0
while IFS= read -r line; do
  : >offers
  : >ready
  zpty -n -w shell "$line"$'\t\x18'
  for (( i = 0; i < 300; ++i )); do
    [[ -s ready ]] && break
    zpty -rt shell ignored
    sleep 0.05
  done
  print -r -- "$line|$(paste -sd' ' offers)" >>answers
done
zpty -d shell
ZSH

# A line to complete, and a word that every shell offers there.
cat >lines <<'LINES'
profile --registry |auto
sweep --registry |language
list --task |detection
list --sort |macs
profile --sort |params
compare --sort |seconds
roofline --on |H100
compare --on |A100
diff --format |html-table
discover --format |csv
profile --dtype |bfloat16
sweep --dtype |int4
roofline --dtype |tf32
profile --convention |fvcore
profile --units |exact
registry use |auto
registry r|rm
cache |status
completions |fish
help pro|profile
pro|profile
LINES
for command in list profile table compare parameters diff discover explain graph roofline sweep report verify \
  "registry add" "registry rm" "registry remove" "registry update"; do
  echo "$command resnet1|resnet18"
done >>lines
for command in profile quant serve; do echo "$command qwen2.5-7|qwen2.5-7b"; done >>lines
echo "diff resnet18 resnet1|resnet18" >>lines

sed 's/|.*//; s/^/zoometer /' lines | zsh -f ask.zsh
while IFS='|' read -r line wanted; do
  read -r -a words <<<"$line"
  [[ $line == *' ' ]] && words+=("")
  expect "bash: $line" has " $(complete_bash "${words[@]}") " " $wanted "
  expect "fish: $line" has " $(complete_fish "${words[@]}") " " $wanted "
  expect "zsh: $line" has " $(grep -F "zoometer $line|" answers | sed 's/.*|//') " " $wanted "
done <lines

# And what is no value is not offered.
expect "bash offers values only" lacks " $(complete_bash profile --registry "") " " resnet18 "
expect "fish offers values only" lacks " $(complete_fish profile --registry "") " " resnet18 "
expect "zsh offers values only" lacks "$(grep -F "zoometer profile --registry |" answers)" resnet18

finish
