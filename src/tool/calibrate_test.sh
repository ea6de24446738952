#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `limber calibrate norms`, what `limber eval` does about stored accuracies, and `limber profile --blocks`.
# usage: calibrate_test.sh LIMBER MODELS FORGED_MODEL
set -uo pipefail
. "$(dirname "$0")/expect.sh"
limber=$1 models=$2 forge=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LIMBER_CACHE=$work/cache

shapes=$models/shapes-incremental.safetensors
norms=(calibrate norms "$shapes" --images 60 --judge 100)
expect 0 "Example" "$limber" calibrate norms --help
expect 2 "" "$limber" calibrate
expect 2 "model is required" "$limber" calibrate norms
expect 1 "no data set 'nonsense'" "$limber" "${norms[@]}" --data nonsense
expect 1 "legal: 25%" "$limber" "${norms[@]}" --member 33%
expect 1 "images of 3 channels, but" "$limber" calibrate norms "$models/fashion-incremental.safetensors" --data shapes
expect 1 "limber: error:" "$limber" "${norms[@]}" --output "$work/none/out.safetensors"

# Every calibrated member has just the accuracy that was stored with its statistics; the others keep theirs.
expect 0 "out.safetensors: written" "$limber" calibrate norms "$shapes" --images 60 --member 25%,50% --output "$work/out.safetensors"
expect 0 "stored" "$limber" eval "$work/out.safetensors" --member 25%,50% --split validation
expect 0 "nothing stored for this data" "$limber" eval "$work/out.safetensors" --member 25%
expect 0 "stored 81.30 %" "$limber" eval "$work/out.safetensors" --member 75% --split validation
expect 0 '"changed":true' "$limber" "${norms[@]}" --member 50% --output "$work/one.safetensors" --json
expect 0 "stored 71.65 %" "$limber" eval "$work/one.safetensors" --member 25%
# The same images again: nothing changes, not a byte, with less memory or in place.
cp "$work/out.safetensors" "$work/again.safetensors"
expect 0 '"changed":false' "$limber" calibrate norms "$work/again.safetensors" --images 60 --member 25%,50% --memory 0 --json
cmp "$work/out.safetensors" "$work/again.safetensors" || failed=1

# One right answer less than stored is noticed, may be tolerated, and can be stored.
forged=$work/forged.safetensors
"$forge" "$forged" || failed=1
eval=(eval "$forged" --split validation)
expect 1 "accuracies differ from those in the file: 'small' has" "$limber" "${eval[@]}"
expect 1 '"differs":true' "$limber" "${eval[@]}" --json
expect 0 "stored" "$limber" "${eval[@]}" --tolerance 1
expect 1 "--output says where --store writes to" "$limber" "${eval[@]}" --output "$work/x"
expect 0 "true.safetensors: written" "$limber" "${eval[@]}" --store --output "$work/true.safetensors"
expect 1 "DIFFERS" "$limber" "${eval[@]}"
expect 0 "stored" "$limber" eval "$work/true.safetensors" --split validation
expect 0 "written" "$limber" "${eval[@]}" --store
cmp "$forged" "$work/true.safetensors" || failed=1

# The block table of a design space: written whole, read again, refused when damaged.
table=$work/table.json
blocks=(profile --blocks --seconds 0 --checks 3)
expect 0 "table.json: written" "$limber" "${blocks[@]}" "$shapes" --output "$table"
expect 0 "checked on 3 other sub-networks" "$limber" profile --blocks --check "$table"
expect 0 '"format": "limber-blocks"' "$limber" profile --blocks --check "$table" --json
expect 0 '"shape":"input 3x32x32' "$limber" "${blocks[@]}" --architecture shapes-incremental --json
head -c 500 "$table" >"$work/short.json"
expect 1 "short.json" "$limber" profile --blocks --check "$work/short.json"
sed 's/"cpu_model":"[^"]*"/"cpu_model":"Another"/' "$table" >"$work/other.json"
expect 1 "these times are of another machine: CPU 'Another'" "$limber" profile --blocks --check "$work/other.json"
expect 1 "--blocks needs either" "$limber" "${blocks[@]}"
expect 1 "limber: error:" "$limber" profile --blocks "$shapes" --cores 0,4095
expect 2 "--architecture requires --blocks" "$limber" profile --architecture shapes-incremental
expect 2 "model is required" "$limber" profile

exit $failed
