# The page in a headless Chromium: what it shows, what it does, and that it keeps to itself.
. "$SOURCE_DIR/tests/cli/_lib.sh"

for model in resnet50 maskrcnn_resnet50_fpn swin_v2_b; do
  expect "report $model" "$ZOOMETER" report "$model" -o "$model.html"
  "$ZOOMETER" profile "$model" --format json -o "$model.json"
done
"$ZOOMETER" roofline resnet50 --format json -o resnet50.roofline.json

# A model file whose names try to get out of their place in the page.
/usr/bin/python3 - "$SOURCE_DIR/tests/data/pt2/resnet18.pt2" hostile.pt2 <<'PYTHON'
import sys
import zipfile

names = {
    b"layer1": b"</script><script>hacked=1</script>",
    b"layer2": b"<!--<script>",
    b"layer3": "<img src=x onerror=hacked=1>\u2028".encode(),
}
with zipfile.ZipFile(sys.argv[1]) as source, zipfile.ZipFile(sys.argv[2], "w") as target:
    for entry in source.infolist():
        content = source.read(entry)
        if entry.filename.endswith(".json"):
            for name, hostile in names.items():
                content = content.replace(name, hostile)
        target.writestr(entry, content)
PYTHON
expect "report of hostile names" "$ZOOMETER" report hostile.pt2 -o hostile.html
"$ZOOMETER" profile hostile.pt2 --format json -o hostile.json

/usr/bin/python3 "$SOURCE_DIR/tests/web/test_report.py" "$PWD" | tee browser.txt
read -r _ seen _ missed _ <<<"$(grep '^CASES ' browser.txt | tail -n 1)"
passed=$((passed + ${seen:-0})) failed=$((failed + ${missed:-1}))
finish
