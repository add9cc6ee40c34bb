#!/usr/bin/env bash
# Models of Hugging Face's hub: what is asked for, what is kept, and servers that fail or lie.
. "$SOURCE_DIR/tests/cli/_lib.sh"

mkdir repositories
"$SOURCE_DIR/tests/cli/_hub_files.py" repositories
"$SOURCE_DIR/tests/cli/_hub_server.py" repositories requests.txt ports.txt &
server=$!
trap 'kill $server' EXIT
for _ in $(seq 1200); do [ -s ports.txt ] && break; sleep 0.05; done
read -r hub other <ports.txt
export HF_ENDPOINT=http://127.0.0.1:$hub HF_HOME=$PWD/hf XDG_CACHE_HOME=$PWD/cache
unset HF_TOKEN HF_TOKEN_PATH HF_HUB_OFFLINE HF_HUB_CACHE HUGGINGFACE_HUB_CACHE HUGGING_FACE_HUB_TOKEN
unset http_proxy HTTP_PROXY https_proxy HTTPS_PROXY all_proxy ALL_PROXY
commit=0123456789abcdef0123456789abcdef01234567
kept=cache/zoometer/hub/127.0.0.1_$hub

# requests: how many there were since the last call.
requests() { wc -l <requests.txt; : >requests.txt; }
: >requests.txt

# --- weights in one file and in several -----------------------------------------------------------
run profile hf:ORG/small --format json
expect "a model of the hub" json '.totals.parameters == 82752'
expect "which says where it is from" json '[.notes[] | select(contains("commit 0123456789ab"))] | length == 1'
expect "of weights only a range is asked for" has "$(cat requests.txt)" "bytes=0-131071"
expect "list, configuration, weights, and these at the other host" is "$(requests)" 4
expect "what is kept is the header" is "$(stat -c %s $kept/ORG--small/$commit/model.safetensors)" \
  "$(($(head -c 8 repositories/ORG/small/model.safetensors | od -An -t u8) + 8))"
expect_output "model.layers.1.mlp.up_proj.weight" parameters hf:ORG/small
expect "the second time only the list is asked for" is "$(requests)" 1
run profile hf:ORG/small@$commit --strict
expect "a commit needs no request" is "$status $(requests)" "0 0"
run parameters hf:ORG/sharded --format json
expect "the headers of several files" json '.counts.stored == 82752 and .counts.bytes == 165504'
expect "each is asked for once" is "$(requests)" 9
expect_output "165504" quant hf:ORG/sharded
expect_output "weights" serve hf:ORG/sharded --on H100
: >requests.txt

# --- offline --------------------------------------------------------------------------------------
expect_output "82.75 k" profile hf:ORG/small --offline
HF_HUB_OFFLINE=1 expect_output "82.75 k" profile hf:ORG/small
expect_error 3 "hf:ORG/direct was not fetched before" profile hf:ORG/direct --offline
expect "nothing was asked for" is "$(requests)" 0
HF_ENDPOINT=http://127.0.0.1:1 expect_error 3 "no answer" profile hf:ORG/small
rm -r cache/zoometer/hub/127.0.0.1_1 && mv "$kept" cache/zoometer/hub/127.0.0.1_1
HF_ENDPOINT=http://127.0.0.1:1 run profile hf:ORG/small
expect "without a connection it is what was fetched before" has "$out" "this is what was fetched before"
mv cache/zoometer/hub/127.0.0.1_1 "$kept"

# --- the sandbox, which has no network ------------------------------------------------------------
expect_output "82.75 k" profile hf:ORG/sharded --sandbox

# --- without libcurl ------------------------------------------------------------------------------
mkdir broken && echo x | tee broken/libcurl.so.4 >broken/libcurl-gnutls.so.4
LD_LIBRARY_PATH=$PWD/broken expect_error 3 "apt-get install libcurl4" profile hf:ORG/direct
LD_LIBRARY_PATH=$PWD/broken expect_output "82.75 k" profile hf:ORG/small --offline

# --- words ----------------------------------------------------------------------------------------
expect_output "82.75 k" profile https://huggingface.co/ORG/small
expect_output "82.75 k" profile huggingface.co/ORG/small/tree/v2
expect_output "82.75 k" profile "https://huggingface.co/ORG/small/blob/main/model.safetensors?download=true"
expect_error 2 "a model's, https://huggingface.co/ORG/NAME" profile https://huggingface.co/datasets/ORG/small
expect_error 3 "hf:ORG/small is the model of Hugging Face's hub" profile ORG/small
expect_error 3 "addresses are not fetched" profile https://example.com/model.onnx
expect_error 2 "hf:: expected ORG/NAME" profile hf:../../etc
expect_error 2 "hf:: expected ORG/NAME" profile hf:ORG/small:../../x
expect_output "added small" registry add hf:ORG/small
expect_output "82.75 k" profile small

# --- GGUF -----------------------------------------------------------------------------------------
expect_error 2 "one of Q4_K_M, Q8_0, got none, of 2 models" profile hf:ORG/ggufs
expect_error 2 "did you mean Q4_K_M" profile hf:ORG/ggufs:Q4_K_S
expect_output "GGUF version 3" profile hf:ORG/ggufs:q8_0
expect_output "GGUF version 3" profile hf:ORG/ggufs:m-Q4_K_M.gguf
: >requests.txt
expect_output "GGUF version 3" profile hf:ORG/onegguf
expect "a long header is continued" has "$(cat requests.txt)" "bytes=2097152-"
expect "where it ended" has "$(cat requests.txt)" '-onegguf"'

# --- adapters, pickles and others -----------------------------------------------------------------
run profile hf:ORG/adapter --format json
expect "an adapter with the model that it changes" json '.totals.parameters == 82752 + 2 * 4 * 64'
expect_output "pytorch_model.bin), which are never loaded" profile hf:ORG/pickles
expect_error 3 "got a pickle (pytorch_model.bin), which is never loaded" profile hf:ORG/onlypickles
expect_error 3 "hf download ORG/graphs onnx/model.onnx" profile hf:ORG/graphs
run parameters hf:ORG/bare
expect "weights without a configuration are listed" has "$out" "model.layers.1.mlp.up_proj.weight"
run profile hf:ORG/bare --format json
expect "and nothing is computed" json '[.notes[] | select(contains("weights without config.json"))] | length == 1'
expect_error 3 "a Git LFS pointer" profile hf:ORG/pointer
expect_error 3 "expected a JSON object, got <html>" profile hf:ORG/portal
expect "a page of a portal is not kept" is "$(find cache -name config.json -path '*portal*')" ""

# --- tokens ---------------------------------------------------------------------------------------
: >requests.txt
expect_error 3 "set HF_TOKEN" profile hf:ORG/private
HF_TOKEN=hf_secret expect_output "82.75 k" profile hf:ORG/private
expect "the hub gets the token" is "$(grep -c '^hub .* Bearer hf_secret$' requests.txt)" 3
expect "the other host does not" is "$(grep '^other' requests.txt | grep -c secret)" 0
expect "and was asked" is "$(grep -c '^other' requests.txt)" 1
mkdir hf && printf 'hf_secret\n' >hf/token
rm -r "$kept/ORG--private"
expect_output "82.75 k" profile hf:ORG/private
HF_HUB_DISABLE_IMPLICIT_TOKEN=1 expect_error 3 "401 RepoNotFound" profile hf:ORG/private
rm hf/token
HF_TOKEN=$'a\nb: c' expect_error 2 "HF_TOKEN: expected a token" profile hf:ORG/private
HF_TOKEN=hf_secret run profile hf:ORG/absent
expect "no error has the token" lacks "$err" "hf_secret"
HF_ENDPOINT=http://user:word@127.0.0.1:$hub expect_error 2 "HF_ENDPOINT" profile hf:ORG/small

# --- answers that are errors ----------------------------------------------------------------------
expect_error 3 "; did you mean hf:ORG/small or hf:ORG/smaller?" profile hf:ORG/absent
expect_error 3 "the repository has no revision v9" profile hf:ORG/small@v9
expect_error 3 "the repository is gated: accept its conditions at http://127.0.0.1:$hub/ORG/gated" profile hf:ORG/gated
expect_error 3 "and set HF_TOKEN to a token of that account" profile hf:ORG/gatedfiles
HF_TOKEN=hf_secret expect_error 3 "and use a token (HF_TOKEN) of that account" profile hf:ORG/gatedfiles
expect_error 3 "Retry-After is 17" profile hf:ORG/limited
expect_error 3 "got 500" profile hf:ORG/failing
expect_output "82.75 k" profile hf:ORG/moved
expect_output "82.75 k" profile hf:ORG/unlisted
expect_error 3 "https, or http to this machine, got http" profile hf:ORG/downgrade
expect_error 3 "at most 5, got more" profile hf:ORG/circular
expect_error 3 "the headers of the answer: expected at most 256 KiB" profile hf:ORG/headers
HF_ENDPOINT=http://example.com expect_error 3 "https, or http to this machine" profile hf:ORG/small
HF_ENDPOINT=file:///etc expect_error 3 "https, or http to this machine" profile hf:ORG/small

# --- a proxy --------------------------------------------------------------------------------------
http_proxy=http://127.0.0.1:$other HF_ENDPOINT=http://127.0.0.1:9 expect_output "82.75 k" profile hf:ORG/direct
expect "it was asked" grep -q '^other GET http://127.0.0.1:9/ORG/direct' requests.txt

# --- connections that break, and what continues ---------------------------------------------------
: >requests.txt
expect_output "82.75 k" profile hf:ORG/cut
expect "the rest is asked for, of the same file" grep -q 'cut.* bytes=[1-9][0-9]*-[0-9]* "[0-9]*-cut"' requests.txt
expect_error 3 "the answer was cut: expected" profile hf:ORG/cutalways
part=$kept/ORG--cutalways/$commit/.model.safetensors.part
expect "what came is kept" test -s "$part"
expect_error 3 "the answer was cut" profile hf:ORG/cutalways
expect "the next process continues" grep -q 'cutalways.* bytes=[1-9][0-9]*-[0-9]* "' requests.txt
rm "$part" && ln -s "$PWD/config.json" "$part" && printf keep >config.json
run profile hf:ORG/cutalways
expect "no link is followed" is "$(cat config.json)" keep
expect_error 3 "the file changes while it is read: expected" profile hf:ORG/changing
expect_output "82.75 k" profile hf:ORG/changed
expect_error 3 "content-range of the answer: expected bytes 0-" profile hf:ORG/shifted
expect_error 3 "the tensors end before the file" profile hf:ORG/longer
expect_output "82.75 k" profile hf:ORG/rangeless
expect_error 3 "the tensors end before the file" profile hf:ORG/endless
expect "a server without ranges is stopped" test "$(du -sb cache | cut -f1)" -lt 9000000
HF_HUB_DOWNLOAD_TIMEOUT=1 expect_error 3 "Operation too slow" profile hf:ORG/slow
expect_error 3 "the index names a file outside of its folder" profile hf:ORG/evil
expect "and nothing is there" is "$(find . -name x.safetensors)" ""
chmod o+w cache/zoometer
expect_error 3 "other users may write to the folder" profile hf:ORG/direct
chmod o-w cache/zoometer
run cache status --format json
expect "the cache counts it" json '.kinds[] | select(.kind == "hub") | .entries > 30 and .bytes > 100000'
expect_output "that were fetched" cache clear
expect "and removes it" test ! -e cache/zoometer/hub

finish
