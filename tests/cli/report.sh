# The page that `report` writes, as a file; tests/web looks at it in a browser.
. "$SOURCE_DIR/tests/cli/_lib.sh"

# data FILE: the JSON document in a page.
data() { sed -n 's/^<script type="application\/json" id="data">\(.*\)<\/script>$/\1/p' "$1"; }

run report resnet18
expect "exit status" is "$status" 0
expect "says what it wrote" has "$err" "wrote resnet18.html"
expect "writes nothing else" is "$out" ""
expect "default name" test -s resnet18.html

"$ZOOMETER" report resnet18 -o - >stdout.html 2>/dev/null
expect "standard output" cmp resnet18.html stdout.html

expect "a policy without exceptions" grep -q "default-src 'none'" resnet18.html
if grep -E -i '<(link|img|iframe)|src="|@import|url\(' <(sed '/id="data"/d' resnet18.html) | grep -v -F 'url(#' >/dev/null; then
  fail "the page refers to something outside"
else
  pass
fi

# The figures in the page are the profile's, for every model.
"$ZOOMETER" list --registry all --format json | jq -r '.models[].name' >names.txt
while read -r model; do
  "$ZOOMETER" report "$model" -o "$model.html" && "$ZOOMETER" profile "$model" --format json -o "$model.json"
done <names.txt 2>/dev/null
differing=$(/usr/bin/python3 -c '
import json, re
mark = re.compile(r"id=\"data\">(.*)</script>$", re.M)
for model in open("names.txt").read().split():
    page = mark.search(open(model + ".html").read()).group(1)
    if json.loads(page)["profile"] != json.load(open(model + ".json")):
        print(model)
' 2>&1)
expect "there are models" test "$(wc -l <names.txt)" -ge 100
expect "every page contains its profile" is "$differing" ""

# Of a model file with options, the page shows what was asked for.
"$ZOOMETER" report "$SOURCE_DIR/tests/data/pt2/resnet18.pt2" 2>stderr.txt
expect "a file's page is in the current folder" test -s resnet18.pt2.html
"$ZOOMETER" report resnet18 --input-shape 2,3,64,64 -o small.html 2>/dev/null
expect "the input's shape" is "$(data small.html | jq -c '.profile.inputs[0].shape')" "[2,3,64,64]"
expect "nodes have a row each" is "$(data small.html | jq '.graph.nodes | length')" "$(data small.html | jq '.profile.totals.nodes')"

expect_error 2 "resnet18" report resnet188
expect_error 3 "cannot" report resnet18 -o /nowhere/report.html

finish
