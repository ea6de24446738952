#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `limber import onnx` end to end. usage: import_onnx_test.sh LIMBER SOURCE
set -uo pipefail
. "$(dirname "$0")/expect.sh"
limber=$1 models=$2/models corpus=$2/fuzz/corpus/onnx_reader
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LIMBER_CACHE=$work/packed
cd "$work"

expect 0 "Example: limber import onnx" "$limber" import onnx --help
expect 2 "files is required" "$limber" import onnx
expect 2 "--output is required" "$limber" import onnx x.onnx
if [[ $("$limber" import onnx x.onnx --output x.safetensors 2>&1) == *"built without ONNX"* ]]; then
  expect 1 "-DLIMBER_ONNX=ON" "$limber" import onnx x.onnx --output x.safetensors
  exit $failed
fi
expect 1 "x.onnx" "$limber" import onnx x.onnx --output x.safetensors

# Exported, imported as a family that shares nothing: the accuracies of the members are what they were.
shapes=$models/shapes-incremental.safetensors
"$limber" export onnx "$shapes" --member 25% --output small.onnx >/dev/null || failed=1
"$limber" export onnx "$shapes" --member 100% --output large.onnx >/dev/null || failed=1
printf 'label%s\n' 0 1 2 3 4 5 6 7 8 9 >labels
expect 0 "MMAC" "$limber" import onnx large.onnx small.onnx --name pair --labels labels --output pair.safetensors
expect 0 "model=1" "$limber" info pair.safetensors
for member in "small 25%" "large 100%"; do
  set -- $member
  was=$("$limber" eval "$shapes" --member "$2" --data shapes --json | grep -oE '"top1":[0-9.e-]+')
  is=$("$limber" eval pair.safetensors --member "$1" --data shapes --json | grep -oE '"top1":[0-9.e-]+')
  [ -n "$is" ] && [ "$was" = "$is" ] || { echo "FAILED: member $1 has $is, was $was"; failed=1; }
done

# What PyTorch wrote; what is said about it.
torch=$corpus/valid-torch-mobile-16
expect 0 "the batch is taken as 1" "$limber" import onnx "$torch" --mean 0.5,0.4 --deviation 0.2,0.3 --output t.safetensors
expect 0 '"members":[{"name":"valid-torch-mobile-16"' "$limber" import onnx "$torch" --json --output t.safetensors
expect 0 "MMAC" "$limber" info t.safetensors
expect 1 "3 means and 2 deviations; the image has 2 channels" \
  "$limber" import onnx "$torch" --mean imagenet --deviation 1,1 --output d.safetensors
expect 1 "--deviation: '0'; legal: numbers above 0" "$limber" import onnx "$torch" --deviation 1,0 --output d.safetensors
expect 1 "labels: more than 3 lines; the model has 3 classes" "$limber" import onnx "$torch" --labels labels --output d.safetensors
expect 1 "which is not [2, 9, 9]" "$limber" import onnx "$torch" --shape 2,9,9 --output d.safetensors
expect 1 "--shape: '2x8x8'; legal: channels,height,width" "$limber" import onnx "$torch" --shape 2x8x8 --output d.safetensors
expect 0 "2 x 8 x 8 in, 3 out" "$limber" import onnx "$torch" --shape 2,8,8 --output t.safetensors
expect 1 "legal for one family: the same" "$limber" import onnx small.onnx "$torch" --output d.safetensors
expect 1 "bad-truncated: no ONNX file" "$limber" import onnx "$corpus/bad-truncated" --output d.safetensors
expect 1 "is there a cycle" "$limber" import onnx "$corpus/bad-cycle" --output d.safetensors
expect 1 "shape [-4, 1, 3, 3]" "$limber" import onnx "$corpus/bad-shape" --output d.safetensors
expect 1 "none/d.safetensors" "$limber" import onnx small.onnx --output none/d.safetensors
sed 's/Gemm/Gems/' small.onnx >gems.onnx
expect 1 "1 of" "$limber" import onnx gems.onnx --output d.safetensors
expect 1 "Gems 'logits.product'" "$limber" import onnx gems.onnx --output d.safetensors
[ -e d.safetensors ] && { echo "FAILED: a refused import left a file"; failed=1; }

exit $failed
