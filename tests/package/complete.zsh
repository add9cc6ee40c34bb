# complete.zsh FOLDER LINE EXPECTED: what an interactive zsh with the completions of FOLDER makes of a line when the
# tabulator is pressed, read until the expected text comes, for at most ten seconds.
zmodload zsh/zpty
zpty shell 'TERM=dumb zsh -f -i'
zpty -w shell "PS1= RPS1=; setopt no_beep; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D; print rea''dy"
zpty -r shell text '*ready*'
zpty -w -n shell "$2"$'\t'
all=
repeat 100; do
  while zpty -rt shell part; do all+=$part; done
  [[ $all == *$3* ]] && break
  sleep 0.1
done
zpty -d shell
print -r -- "$all"
