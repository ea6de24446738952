#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Architectures with random weights, end to end: usage: architectures_test.sh LIMBER SOURCE_TREE
set -uo pipefail
. "$(dirname "$0")/expect.sh"
limber=$1 networks=$2/networks
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LIMBER_CACHE=$work/cache TMPDIR=$work/temporary
mkdir "$TMPDIR"

# The three sub-networks of the published comparison, by a name in networks/. A family costs hardly more than its largest.
family='small:d=2,e=3,k=3,r=128;medium:d=3,e=4,k=5,r=176;large:d=4,e=6,k=7,r=224'
"$limber" info --architecture ofa-mobilenetv3-w1.2 --choice "$family" --json >"$work/info.json" || problem "info"
for text in '"name":"small"' '"choice":"resolution=176,depth=3,kernel=5,expand=4"' '"packed_shared":false'; do
  grep -qF -- "$text" "$work/info.json" || problem "info --json lacks $text: $(cat "$work/info.json")"
done
bytes() { grep -oE "\"$1\":[0-9]+" "$work/info.json" | sed 's/.*://'; }
awk -v all=$(($(bytes weights_bytes) + $(bytes per_member_bytes) + $(bytes arena_bytes))) \
  -v one="$(bytes largest_alone_bytes)" 'BEGIN { exit !(all <= 1.1 * one) }' ||
  problem "a family of three takes more than 1.1 times the super-network: $(cat "$work/info.json")"

expect 0 "566." "$limber" info --architecture ofa-mobilenetv3-w1.0 --choice d=4,e=6,k=7 --resolution 224
expect 0 "4089." "$limber" info --architecture "$networks/resnet50.json" --choice r=224
expect 0 "smallest" "$limber" info --architecture shapes-ofa
expect 1 "ofa-mobilenetv3-w1.0" "$limber" info --architecture nonsense
expect 1 "'stage1.depth': 5 is not a choice; legal: 2, 3, 4" \
  "$limber" info --architecture ofa-mobilenetv3-w1.0 --choice d=5,e=6,k=7,r=224
expect 1 "'resolution' is missing" "$limber" info --architecture ofa-mobilenetv3-w1.0 --choice d=4,e=6,k=7
expect 1 "'resolution': 20 is not a choice; legal: 24, 32" "$limber" info --architecture shapes-ofa --resolution 20
expect 2 "--architecture or model is required" "$limber" bench
expect 2 "--choice requires --architecture" "$limber" bench "$work/any.safetensors" --choice d=4
expect 2 "excludes" "$limber" info "$work/any.safetensors" --architecture shapes-ofa

expect 0 "a switch:" "$limber" bench --architecture shapes-ofa --choice 'small:d=1,e=50,k=3,r=24;large:d=2,e=100,k=5,r=32' \
  --seconds 0 --peers none --brief
all=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status)
expect 0 "a switch:" "$limber" bench --architecture shapes-ofa --cores "$all" --seconds 0 --peers none --brief
expect 0 "stored as f16" "$limber" bench --architecture shapes-ofa --weights f16 --seconds 0 --peers none --brief
expect 2 "--weights requires --architecture" "$limber" bench "$work/any.safetensors" --weights f16
expect 1 "$work/none/bench.json" "$limber" bench --architecture shapes-ofa --seconds 600 --output "$work/none/bench.json"
expect 1 "$work/none/profile.json" "$limber" profile "$2/models/shapes-incremental.safetensors" --seconds 600 \
  --output "$work/none/profile.json"
[ -z "$(ls -A "$TMPDIR")" ] || problem "temporary files stay behind: $(ls "$TMPDIR")"
[ ! -e "$LIMBER_CACHE" ] || [ -z "$(find "$LIMBER_CACHE" -name '*ofa*')" ] || problem "random weights lie in the cache"
exit $failed
