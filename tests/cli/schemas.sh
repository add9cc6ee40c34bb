#!/usr/bin/env bash
# Every JSON document has a schema, which describes all of its content: a field without a description
# does not pass here.
. "$SOURCE_DIR/tests/cli/_lib.sh"

documented() { grep -rhoE '"zoometer\.[a-z_]+/1"' "$SOURCE_DIR"/src/{cli,report,registry} --include=*.cpp | tr -d '"' | sort -u; }
described() { grep -hoE 'zoometer\.[a-z_]+/1' "$SOURCE_DIR"/docs/schema/*.json | sort -u; }
expect "each document has a schema, and each schema a document" is "$(documented)" "$(described)"
named_alike() {
  local file name
  for file in "$SOURCE_DIR"/docs/schema/*.schema.json; do
    name=$(basename "$file" .schema.json)
    grep -q "\"const\": \"zoometer.$name/1\"" "$file" || [ "$name" = sweep ] || { echo "$file"; return 1; }
  done
}
expect "a schema's file has its name" named_alike

cat >strictly.py <<'END'
import json, sys, jsonschema

def parts_of(schema):
    parts = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else []
    return [part for part in parts if isinstance(part, (dict, list))]

def shared(schema):
    """Definitions that others extend by allOf: these allow what the others name."""
    own = [part.get("$ref", "") for part in schema.get("allOf", [])] if isinstance(schema, dict) else []
    return set(own).union(*map(shared, parts_of(schema)))

def close(schema, place, extended):
    """Allows no field that the schema does not name."""
    if isinstance(schema, dict) and "properties" in schema and place not in extended:
        schema.setdefault("unevaluatedProperties", False)
    keys = schema.items() if isinstance(schema, dict) else enumerate(schema)
    for key, part in keys:
        if isinstance(part, (dict, list)): close(part, f"{place}/{key}", extended)

schema = json.load(open(sys.argv[2]))
jsonschema.Draft202012Validator.check_schema(schema)
close(schema, "#", shared(schema))
jsonschema.validate(json.load(open(sys.argv[1])), schema)
END
# keeps_to NAME WORDS...: what the program writes is what the schema describes, and nothing else.
keeps_to() {
  local name=$1
  shift
  "$ZOOMETER" "$@" >document.json 2>stderr.txt </dev/null
  expect "$name: $*" /usr/bin/python3 strictly.py document.json "$SOURCE_DIR/docs/schema/$name.schema.json"
}
keeps_to list list --registry all --format json
keeps_to list list resnet50 --show flops,memory --format json
keeps_to profile profile resnet18 --format json
keeps_to profile profile fasterrcnn_resnet50_fpn --registry all --convention fvcore --format json
keeps_to profile profile resnet18 --memory --training --format json
keeps_to profile profile "$SOURCE_DIR/tests/data/onnx/light_squeezenet.onnx" --format json
keeps_to parameters parameters resnet18 --format json
printf '%s\n' '{"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2,' \
  ' "intermediate_size": 64, "vocab_size": 10}' >config.json
keeps_to parameters parameters config.json --format json
keeps_to quant quant config.json --on L4 --format json
keeps_to serve serve config.json --on L4 --format json
echo '{"weight_map": {"a": "b.safetensors"}}' >a.safetensors.index.json
keeps_to parameters parameters a.safetensors.index.json --format json
keeps_to explanation explain vit_b_16 --format json
keeps_to explanation explain "$SOURCE_DIR/tests/data/pt2/resnet18.pt2" --format json
keeps_to graph graph resnet18 --format json
keeps_to discovery discover --format json
keeps_to discovery discover --no-skip --verbose --format json
keeps_to discovery discover --source "$SOURCE_DIR/tests/data" --format json
keeps_to diff diff resnet18 resnet34 --format json
keeps_to diff diff fcn_resnet50 fcn_resnet50@untrained --registry all --format json
keeps_to roofline roofline resnet18 --on A100,Orin --fuse --format json
keeps_to devices roofline --list --format json
keeps_to verification verify --format json
keeps_to language_verification verify --registry language --format json
keeps_to registry registry show --format json
keeps_to doctor doctor --json
keeps_to compare compare resnet18 vgg11 --format json
keeps_to compare compare fcos_resnet50_fpn config.json --format json
keeps_to registry_change registry add convnext_large --json
keeps_to registry_change registry rm convnext_large --json
"$ZOOMETER" registry add mine --from "$SOURCE_DIR/tests/data/onnx/light_squeezenet.onnx" >/dev/null
keeps_to registry registry show --format json
keeps_to doctor doctor --json
keeps_to compare compare resnet18 vgg11 --format json
keeps_to compare compare fcos_resnet50_fpn config.json --format json
keeps_to registry_change registry add convnext_large --json
keeps_to registry_change registry rm convnext_large --json
keeps_to registry_diff registry diff --format json
keeps_to sources list --sources --format json
keeps_to cache cache status --format json
finish
