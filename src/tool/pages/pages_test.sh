#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Manual pages and completions: well-formed, complete (every sub-command and option of --help), and usable in a real shell.
# usage: pages_test.sh LIMBER LIMBERD
set -uo pipefail
. "$(dirname "$0")/../expect.sh"
limber=$1 limberd=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

rendered() {  # rendered PAGE: as a reader sees it; where nothing formats pages, its text without roff's escapes
  if command -v groff >/dev/null; then
    # No line broken, so that an example is found as it is.
    groff -man -Tutf8 -ww -rLL=400n -P-cbou "$1" 2>"$work/warnings"
    [ -s "$work/warnings" ] && problem "groff $1: $(head -n 5 "$work/warnings")"
  else
    sed -e 's/^\.SS "\(.*\)"$/   \1/' -e 's/\\f[BIR]//g' -e 's/\\-/-/g' -e 's/\\(aq/'"'"'/g' -e 's/\\&//g' -e 's/\\(ga/`/g' -e 's/\\e/\\/g' "$1"
  fi
}

check_page() {  # check_page PAGE PROGRAM
  "$limber" --print "$1" >"$work/$1" || problem "--print $1"
  rendered "$work/$1" >"$work/$1.txt"
  command -v groff >/dev/null && groff -man -Tutf8 -ww "$work/$1" 2>&1 >/dev/null | grep . && problem "$1 at 80 columns"
  if command -v man >/dev/null; then
    said=$(MANWIDTH=90 man --warnings -l "$work/$1" 2>&1 >/dev/null)
    [ -z "$said" ] || problem "man -l $1: $said"
  fi
  if command -v mandoc >/dev/null; then mandoc -Tlint -W error "$work/$1" || problem "mandoc -Tlint $1"; fi
}

# Whatever --help lists in its first column: options and sub-commands.
check_help() {  # check_help PAGE COMMAND...
  local page=$1 word help commands=()
  shift
  help=$("$@" --help)
  grep -qF -- "$(sed -n 1p <<<"$help")" "$work/$page.txt" || problem "$page lacks what $* is for"
  while read -r word; do
    grep -qE -- "(^|[ ,])$word([ ,=]|$)" "$work/$page.txt" || problem "$page lacks $word of $*"
  done < <(sed -n '/^Options:/,/^$/p' <<<"$help" | grep -oE '^  -[^ ]*' | tr -d ' ' | tr ',' '\n')
  mapfile -t commands < <(sed -n '/^Subcommands:/,/^$/p' <<<"$help" | grep -oE '^  [a-z]+' | tr -d ' ')
  for word in "${commands[@]}"; do
    found=$((found + 1))
    grep -qE "^ +$(basename "$1") ${*:2}${2:+ }$word( |$)" "$work/$page.txt" || problem "$page lacks the command ${*:2} $word"
    check_help "$page" "$@" "$word"
  done
}

check_page limber.1 && found=0 && check_help limber.1 "$limber"
[ "$found" -ge 20 ] || problem "only $found commands were found in --help"
check_page limberd.8 && check_help limberd.8 "$limberd"
grep -qF 'Example: limberd --group limber --boost nice=-5' "$work/limberd.8.txt" || problem "limberd.8 lacks the example"
[ "$(LIMBERD_SOCKET=/else "$limber" --print limberd.8)" = "$(cat "$work/limberd.8")" ] ||
  problem "limberd.8 depends on the environment"
expect 2 "limber.1" "$limber" --print nonsense
expect 2 "--print" "$limber" --print
expect 1 "standard output: cannot be written" bash -c '"$0" --print limber.1 >/dev/full' "$limber"

for program in limber limberd; do
  "$limber" --print $program.bash >"$work/$program.bash" || problem "--print $program.bash"
  bash -n "$work/$program.bash" || problem "$program.bash"
  if command -v shellcheck >/dev/null; then shellcheck -s bash "$work/$program.bash" || problem "shellcheck"; fi
done

completed() (  # completed WORD...: what is offered for the last one, on one line
  # shellcheck source=/dev/null
  . "$work/$1.bash"
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
  _"$1"
  echo "${COMPREPLY[*]-}"
)
offers() {  # offers EXPECTED WORD...
  local expected=$1 got
  shift
  got=$(completed "$@")
  [ "$got" = "$expected" ] || problem "completion of '$*': '$got', expected '$expected'"
}
offers "run" limber ru
offers "search simulate" limber s
offers "norms board" limber calibrate ""
offers "--brief" limber bench --br
offers "--period-ms" limber run model --per
offers "train validation test" limber run --split ""
offers "test" limber eval --data x --split te
offers "test" limber eval --split = te
offers "train validation test" limber eval --split =
offers "" limber run --frames ""
offers "--predictor" limber search --pred
offers "limber.1 limber.bash" limber --print limber.
offers "--state" limberd --sta
offers "" limberd --power-cap ""
touch "$work/some file" "$work/some.toml"
cd "$work" || exit 1
offers "some file some.toml" limber simulate some
offers "some file some.toml" limber info some
offers "some.toml" limber run model --trace some.
offers "some.toml" limberd --board some.

# Bash itself finds the function when a line is completed.
# shellcheck source=/dev/null
(. "$work/limber.bash" && complete -p limber) | grep -qF -- "-F _limber limber" || problem "limber is not completed"
exit $failed
