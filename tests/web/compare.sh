# The pages of diff and sweep in a headless Chromium: their numbers, what they do, nothing outside.
. "$SOURCE_DIR/tests/cli/_lib.sh"
export ZOOMETER_REGISTRY=all

for pair in "resnet50 resnext50_32x4d" "vgg11 vgg11_bn" "resnet50 fasterrcnn_resnet50_fpn"; do
  read -r before after <<<"$pair"
  expect "page of $pair" "$ZOOMETER" report "$before" "$after" -o "${before}_$after.html"
  "$ZOOMETER" diff "$before" "$after" --format json >"${before}_$after.json" 2>/dev/null
done
"$ZOOMETER" sweep 'resnet*' vit_b_16 --batch 1,2,8 --resolution 100,224 --dtype float32,int8 -o few.jsonl 2>/dev/null
expect "page of a sweep" "$ZOOMETER" report --sweep few.jsonl -o few.html
"$ZOOMETER" sweep --batch 1,2,4,8,16,32,64,128,256,512 --resolution 128,160,192,224,256,288,320,384,448,512 -o whole.html 2>/dev/null

/usr/bin/python3 "$SOURCE_DIR/tests/web/test_compare.py" "$PWD" | tee browser.txt
read -r _ seen _ missed _ <<<"$(grep '^CASES ' browser.txt | tail -n 1)"
passed=$((passed + ${seen:-0})) failed=$((failed + ${missed:-1}))
finish
