#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `limber import` and `limber models` end to end. usage: import_test.sh LIMBER SOURCE
set -uo pipefail
. "$(dirname "$0")/expect.sh"
limber=$1 golden=$2/src/formats/golden corpus=$2/fuzz/corpus/checkpoint_reader
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LIMBER_CACHE=$work/packed XDG_CACHE_HOME=$work/cache
cd "$work"

for command in "import ofa" "import torch" "models get" "models list"; do
  expect 0 "Example: limber $command" "$limber" $command --help
done
expect 2 "" "$limber" import
expect 2 "--architecture is required" "$limber" import ofa x.pth --output x.safetensors

# A once-for-all super-network, in both containers and both generations of names: the same weights.
mobile=(--architecture "$golden/mobilenetv3.json")
expect 0 "217 tensors of 'state_dict'" "$limber" import ofa "$golden/mobilenetv3.pth" "${mobile[@]}" --output new.safetensors
expect 0 "limber calibrate norms old.safetensors" \
  "$limber" import ofa "$golden/mobilenetv3-old-names.pth" "${mobile[@]}" --output old.safetensors
hash_of() { "$limber" info "$1" --json | grep -o '"hash":"[0-9a-f]*"'; }
[ -n "$(hash_of new.safetensors)" ] && [ "$(hash_of new.safetensors)" = "$(hash_of old.safetensors)" ] ||
  { echo "FAILED: the two files give different weights"; failed=1; }
expect 0 '"name":"small"' "$limber" import ofa "$golden/mobilenetv3.pth" "${mobile[@]}" --output c.safetensors \
  --choice big:d=2,e=6,k=7,r=64 --choice small:d=1,e=3,k=3,r=32 --json
expect 0 "MMAC" "$limber" info c.safetensors
expect 2 "--weights: bf16 not in" "$limber" import ofa "$golden/mobilenetv3.pth" "${mobile[@]}" --output d.safetensors --weights bf16
expect 1 "legal" "$limber" import ofa "$golden/mobilenetv3.pth" "${mobile[@]}" --output d.safetensors --choice d=9,e=3,k=3,r=32
expect 1 "217 missing: first_conv.conv.weight" \
  "$limber" import ofa "$corpus/valid-zip" "${mobile[@]}" --output d.safetensors
expect 1 "ofa-mobilenetv3-w1.0" "$limber" import ofa "$golden/mobilenetv3.pth" --architecture none --output d.safetensors
expect 1 "expected [16, 3, 3, 3]" \
  "$limber" import ofa "$golden/mobilenetv3.pth" --architecture ofa-mobilenetv3-w1.0 --output d.safetensors
expect 1 "no entry 'ema'; the file has 1 entries: state_dict" \
  "$limber" import ofa "$golden/mobilenetv3.pth" "${mobile[@]}" --output d.safetensors --entry ema
expect 1 "217 too many: module.first_conv.conv.weight" "$limber" import torch "$golden/mobilenetv3-old-names.pth" "${mobile[@]}" --output d.safetensors
[ -e d.safetensors ] && { echo "FAILED: a refused import left a file"; failed=1; }

# Code in a pickle is named and not run.
printf 'cposix\nsystem\n(S"touch %s/was-run"\ntR.' "$work" >evil.pth
expect 1 "it names 'posix.system'" "$limber" import ofa evil.pth "${mobile[@]}" --output d.safetensors
[ -e was-run ] && { echo "FAILED: the pickle was run"; failed=1; }
head -c 100000 "$golden/mobilenetv3.pth" >short.pth
expect 1 "short.pth: truncated" "$limber" import ofa short.pth "${mobile[@]}" --output d.safetensors

# A mapping of one's own.
cat >line.json <<'END'
{"format": "limber-graph", "version": 1, "name": "line", "space": {"dimensions": []},
 "nodes": [{"name": "in", "op": "input", "channels": 10, "height": 1, "width": 1},
           {"name": "out", "op": "linear", "inputs": ["in"], "channels": 10, "weight": "w"}]}
END
cat >map.json <<'END'
{"format": "limber-mapping", "version": 1, "rename": [["^transposed$", "w"]], "ignore": ["."],
 "transpose": [{"tensor": "^w$", "axes": [1, 0]}]}
END
expect 0 "line, 1 tensors" "$limber" import torch "$corpus/valid-zip" --architecture ./line.json --mapping ./map.json -o l.safetensors
expect 0 "line, 1 tensors" "$limber" import torch "$corpus/valid-zip" --architecture ./line.json --mapping ./map.json -o half.safetensors --weights f16
grep -qF '"F16"' half.safetensors && grep -qF '"F32"' l.safetensors || problem "--weights f16 does not store F16, or the default does"

# models: from a mirror, verified
expect 0 "ofa-mbv3-w1.0" "$limber" models list
expect 0 '"checksum_published":true' "$limber" models list --json
expect 1 "legal: ofa-mbv3-w1.0" "$limber" models get nonsense
cp "$golden/mobilenetv3.pth" mirror.pth
expect 1 "wrong checksum" "$limber" models get ofa-mbv3-w1.0 --url "file://$work/mirror.pth"
sum=$(sha256sum mirror.pth | cut -c1-64)
# the file is the demanded one, but no full-size network: the import says so
expect 1 "expected [16, 3, 3, 3]" "$limber" models get ofa-mbv3-w1.0 --url "file://$work/mirror.pth" --sha256 "$sum"
expect 1 "its SHA-256 is recorded now" "$limber" models get ofa-resnet50 --url "file://$work/mirror.pth"
cp "$golden/resnet.pth" mirror.pth
rm "$work/cache/limber/models/ofa-resnet50/ofa_supernet_resnet50"
expect 1 "wrong checksum" "$limber" models get ofa-resnet50 --url "file://$work/mirror.pth"
exit $failed
