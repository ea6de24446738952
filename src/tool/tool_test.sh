#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The command line end to end: exit codes, messages, and stored against measured accuracy. usage: tool_test.sh LIMBER MODELS
set -uo pipefail
. "$(dirname "$0")/expect.sh"
limber=$1 models=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LIMBER_CACHE=$work/cache

shapes=$models/shapes-incremental.safetensors
expect 0 "Example" "$limber" eval --help
expect 2 "" "$limber"
expect 2 "" "$limber" nonsense
expect 2 "model is required" "$limber" info
expect 1 "limber: error:" "$limber" info "$work/missing.safetensors"
head -c 1000 "$shapes" >"$work/short.safetensors"
expect 1 "short.safetensors" "$limber" info "$work/short.safetensors"
for foreign in "$0" /dev/null; do
  cp "$foreign" "$work/foreign" && expect 1 "foreign: " "$limber" info "$work/foreign"
done
cp "$shapes" "$work/flipped.safetensors"
printf '\x55' | dd of="$work/flipped.safetensors" bs=1 seek=150000 conv=notrunc status=none
expect 1 "flipped.safetensors: damaged" "$limber" info "$work/flipped.safetensors"
expect 1 "images of 3 channels, but member '25%' reads 1" \
  "$limber" eval "$models/fashion-incremental.safetensors" --data shapes
if [[ $("$limber" train --help) != *"not in this build"* ]]; then
  : >"$work/empty.toml"
  expect 1 "empty.toml: this recipe is empty: name, network, data, training, member are missing" \
    "$limber" train "$work/empty.toml" --output "$work/none.safetensors"
  sed 's/^seed/sed/' "$models/../recipes/shapes-incremental.toml" >"$work/wrong.toml"
  expect 1 "training.sed: no such key; legal keys here are epochs" \
    "$limber" train "$work/wrong.toml" --output "$work/none.safetensors"
fi
expect 0 "MMAC" "$limber" info "$shapes"
expect 0 '"largest_alone_bytes"' "$limber" info "$shapes" --json
expect 1 "100%" "$limber" eval "$shapes" --member 33%
expect 1 "limber: error:" "$limber" eval "$shapes" --data "$work/none"
expect 0 "generated" "$limber" data list
expect 1 "fashion-mnist" "$limber" data get nonsense

# Every member's accuracy is the one stored in the file, to the last image.
check_stored() {  # check_stored MODEL [OPTION...]
  "$limber" eval "$@" --json >"$work/eval.json" || failed=1
  grep -q '"stored":null' "$work/eval.json" && { echo "FAILED: $1: no stored accuracy"; failed=1; }
  grep -oE '"(stored|top1)":[0-9.e-]+' "$work/eval.json" | sed 's/.*://' | paste - - |
    awk '$1 != $2 { differ = 1 } END { exit differ || NR < 2 }' ||
    { echo "FAILED: $1: stored and measured differ"; cat "$work/eval.json"; failed=1; }
}
check_stored "$shapes"
require=${LIMBER_REQUIRE_DATA:-0}  # 1: data sets that are not here are a failure, and the slow ones (CIFAR-10) are read too
available=$("$limber" data list)
for model in "$models"/*.safetensors; do
  name=$(basename "$model")
  some=()
  case $name in
    shapes-*) continue ;;
    cifar10-ofa.*) [ "$require" = 1 ] || { echo "skipped: $name (LIMBER_REQUIRE_DATA is not 1)"; continue; }
      some=(--members m1,m2,m3,m4,m5,m6,m7,m8) ;;  # the other eleven take minutes
    fashion-*) [[ $require = 1 || ! $available =~ fashion-mnist\ +not\ here ]] || { echo "skipped: $name (no data)"; continue; } ;;
    *) [ "$require" = 1 ] || { echo "skipped: $name (LIMBER_REQUIRE_DATA is not 1)"; continue; } ;;
  esac
  check_stored "$model" "${some[@]}"
done

# A profile: written whole, accepted where it was made, refused for another model and when damaged.
profile=$work/profile.json
expect 0 "Example" "$limber" profile --help
expect 0 "profile.json: written" "$limber" profile "$shapes" --seconds 0 --members 25%,100% --output "$profile"
expect 0 "belongs to this model and machine" "$limber" profile "$shapes" --check "$profile"
expect 0 '"format": "limber-profile"' "$limber" profile "$shapes" --check "$profile" --json
expect 1 "belongs to another model or machine: weights" \
  "$limber" profile "$models/fashion-incremental.safetensors" --check "$profile"
head -c 400 "$profile" >"$work/short.json"
expect 1 "short.json" "$limber" profile "$shapes" --check "$work/short.json"
sed 's/"median_ms"/"median"/' "$profile" >"$work/wrong.json"
expect 1 "unknown key 'median'" "$limber" profile "$shapes" --check "$work/wrong.json"
expect 1 "give one of them" "$limber" profile "$shapes" --check "$profile" --output "$work/other.json"
expect 2 "excludes" "$limber" profile --blocks "$shapes" --batch 8
expect 1 "legal are ascending numbers" "$limber" profile "$shapes" --batch 8,1
expect 1 "cannot be used" "$limber" profile "$shapes" --cores 4095
expect 1 "limber: error:" "$limber" profile "$shapes" --seconds 0 --output "$work/none/profile.json"

# The run takes its members' times from a profile that has all of them.
play=(run "$shapes" --data shapes --policy dynamic --frames 3 --burst 2 --period-ms 5 --quiet)
expect 1 "no point for member '50%' on 1 core" "$limber" "${play[@]}" --profile "$profile"
expect 0 "" "$limber" profile "$shapes" --seconds 0 --output "$profile"
expect 0 "dynamic" "$limber" "${play[@]}" --profile "$profile"
expect 1 "short.json" "$limber" "${play[@]}" --profile "$work/short.json"

# The benchmark, as quickly as it goes: every key that scripts rely on, and refusals.
expect 0 "Example" "$limber" bench --help
expect 0 "layers of 100%" "$limber" bench "$shapes" --seconds 0 --peers none
"$limber" bench "$shapes" --seconds 0 --members 25%,100% --json --output "$work/bench.json" >"$work/bench.out" || failed=1
cmp "$work/bench.json" "$work/bench.out" || failed=1
for key in machine threads precision peak_gflops members median_ms min_ms p95_ms p99_ms peers layers peak_share round_robin \
  switch_ns first_after_switch_ratio time_ratio largest_alone_bytes separate_models peers_missing; do
  grep -q "\"$key\":" "$work/bench.json" || { echo "FAILED: bench --json lacks $key"; failed=1; }
done
for key in allocations_per_switch allocations_per_inference; do
  grep -qE "\"$key\":0(\.0)?[,}]" "$work/bench.json" || { echo "FAILED: $key is not 0"; failed=1; }
done
expect 0 "a switch:" "$limber" bench "$shapes" --seconds 0 --members 25% --peers none --brief
expect 1 "legal are onnxruntime, onednn, torch and none" "$limber" bench "$shapes" --peers nonsense
expect 1 "legal: 25%" "$limber" bench "$shapes" --members 33%

# Architectures with random weights.
tiny="--architecture shapes-ofa"
expect 0 "smallest" "$limber" info $tiny
expect 0 "all members" "$limber" info --architecture ofa-mobilenetv3-w1.0 --choice d=2,e=3,k=3 --resolution 128
expect 0 '"name":"a"' "$limber" bench $tiny --choice "a:d=1,e=50,k=3,r=24" --peers none --seconds 0 --json
expect 1 "no 'nonsense' in networks/; there are" "$limber" info --architecture nonsense
expect 1 "no dimension 'q'; legal" "$limber" info $tiny --choice q=1
expect 2 "excludes" "$limber" info "$shapes" $tiny
expect 2 "requires" "$limber" info "$shapes" --choice d=1
expect 1 "$work/none/bench.json" "$limber" bench $tiny --peers none --output "$work/none/bench.json"
exit $failed
