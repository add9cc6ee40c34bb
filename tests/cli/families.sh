#!/usr/bin/env bash
# Families with parameters: "resnet(layers=[2, 2, 2, 2])", by itself and in registry.toml.
. "$SOURCE_DIR/tests/cli/_lib.sh"
facts() { # MODEL: all but its name and source
  "$ZOOMETER" profile "$1" --variant untrained --format json | jq -c 'del(.model, .source, .variant, .notes)' >"$2"
}
# The models of the zoo are calls of their families.
while IFS='|' read -r model call; do
  facts "$model" model.json
  facts "$call" call.json
  expect "$call is $model" diff model.json call.json
done <<'CALLS'
resnet18|resnet()
resnet50|resnet(block="bottleneck", layers=[3, 4, 6, 3])
resnext50_32x4d|resnet(block="bottleneck", layers=[3, 4, 6, 3], groups=32, width_per_group=4)
wide_resnet101_2|resnet(block="bottleneck", layers=[3, 4, 23, 3], width_per_group=128)
vgg11|vgg()
vgg19_bn|vgg(layers=[2, 2, 4, 4, 4], norm="batch")
densenet161|densenet(growth_rate=48, block_config=[6, 12, 36, 24], num_init_features=96)
vit_l_32|vit(patch_size=32, num_layers=24, num_heads=16, hidden_dim=1024, mlp_dim=4096)
convnext_base|convnext(depths=[3, 3, 27, 3], channels=[128, 256, 512, 1024])
CALLS
# Parameters of torchvision's ResNet(BasicBlock, [1, 1, 1, 1]) and ResNet(Bottleneck, [1, 2, 1, 1],
# groups=2, width_per_group=32), as PyTorch counts them.
run profile 'resnet(layers=[1,1,1,1])' --format json
expect "one that is not in the zoo" json '.totals.parameters == 5418792'
run profile 'resnet(block="bottleneck",layers=[1,2,1,1],groups=2,width_per_group=32)' --format json
expect "and another" json '.totals.parameters == 8704552'
run profile 'resnet(layers=[1,1,1,1])' --batch 3 --input-shape 1,3,64,64 --format json
expect "with its input" json '.inputs[0].shape == [3, 3, 64, 64]'

expect_error 2 "no family of that name takes parameters: resnt (did you mean resnet?)" profile 'resnt()'
expect_error 2 "(there are " profile 'zzzzzzzz()'
expect_error 2 "resnet has no parameter layer (did you mean layers?)" profile 'resnet(layer=[1,1,1,1])'
expect_error 2 "(it has block, layers, groups, width_per_group)" profile 'resnet(zzzzzzzz=1)'
expect_error 2 "layers: expected a list of 4 integers, got 3 values" profile 'resnet(layers=[1,1,1])'
expect_error 2 "layers: expected an integer from 1 to 1000, got 1001" profile 'resnet(layers=[1,1,1,1001])'
expect_error 2 "growth_rate: expected an integer from 1 to 65536, got 0" profile 'densenet(growth_rate=0)'
expect_error 2 'block: expected "basic" or "bottleneck", got "x"' profile 'resnet(block="x")'
expect_error 2 'expected block = "bottleneck"' profile 'resnet(groups=3)'
expect_error 2 "hidden_dim: expected a multiple of num_heads, 7, got 768" profile 'vit(num_heads=7)'
expect_error 3 "a multiple of 13" profile 'vit(patch_size=13)'
expect_error 2 "expected parameters like" profile 'resnet(a b)'

# entries of registry.toml
mkdir -p "$XDG_CONFIG_HOME/zoometer"
cat >"$XDG_CONFIG_HOME/zoometer/registry.toml" <<'TOML'
[models.wide]
family = "resnet"
block = "bottleneck"
layers = [3, 4, 6, 3]
width_per_group = 128
task = "classification"
TOML
run profile wide --format json
expect "an entry" json '.model == "wide" and .totals.parameters == 68883240'
run list wide --format json
expect "its source is the call" json '.models[0].source == "resnet(block=\"bottleneck\", layers=[3, 4, 6, 3], width_per_group=128)"'
run registry add small --from 'resnet(layers=[1,1,1,1])'
expect "one is added by a command" has "$out" "added small: "
run discover small wide --format json
expect "both are discovered" json '.traceable == 2'
finish
