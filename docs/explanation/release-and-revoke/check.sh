#!/bin/sh
# Checks the model in this folder, and every broken variant of it: sh check.sh [--quick | --large]
#
# Prints variant x property x verdict. Exit code 0: every verdict is the expected one; 1: one is not; 2: a tool is missing.
# --quick  the intact model, and each broken variant, with one reader, where it must fail (some ten seconds, not a minute)
# --large  besides, the intact model with a third actor and with a third reader (minutes, 4 GB of memory)
set -eu

here=$(cd "$(dirname "$0")" && pwd)
mode=${1:-}

# A name; what is changed; how many readers and actors; the expected verdicts on P1 to P6: h holds, F fails.
# The order of the fences matters to actors who take several: in that variant there are two of them, and one reader.
table='
intact             INTACT          2 2 hhhhhh
without-condition  NO_CONDITION    2 2 hhhhhh
without-fence      NO_FENCE        2 2 hFhhhh
check-then-act     CHECK_THEN_ACT  2 2 FFhhhh
without-re-check   NO_RECHECK      2 2 FFhhhh
fence-over-bank    FENCE_OVER_BANK 2 2 hhFhhh
without-turnstile  NO_TURNSTILE    2 2 hhhhhF
log-before-fence   WRONG_ORDER     2 2 hhFFhF
descending-fences  DESCENDING      1 3 hhFFhF
locks-survive      LOCKS_SURVIVE   2 2 hhFFhF
bytes-first        BYTES_FIRST     2 2 hhhhFh
'
case $mode in
'') ;;
--quick) table=$(echo "$table" | sed '/^without-condition/d; /^intact/!s/ 2 2 / 1 2 /') ;;
--large)
  table="$table
third-actor        INTACT          2 3 hhhhhh
third-reader       INTACT          3 2 hhhhhh"
  ;;
*)
  echo "usage: sh check.sh [--quick | --large]" >&2
  exit 2
  ;;
esac

for tool in spin cc; do
  command -v "$tool" >/dev/null 2>&1 && continue
  echo "check.sh: $tool is missing. On Debian: apt-get install spin gcc libc6-dev" >&2
  exit 2
done

# build OPTIONS MACROS...: makes the verifier `pan` in the folder where we are.
build() {
  options=$1
  shift
  spin "$@" -a "$here/model.pml" >spin.txt 2>&1 || {
    cat spin.txt >&2
    exit 1
  }
  # shellcheck disable=SC2086 # several options
  cc -w $options -o pan pan.c
}

# search OPTIONS...: leaves in found.txt what the verifier says, every message once. A search that did not end fails.
search() {
  ./pan -m200000 "$@" 2>&1 | sed 's/^pan:[0-9]*: //; s/ (at depth [0-9]*)//' | awk '!seen[$0]++' >found.txt
  if ! grep -q 'errors: ' found.txt || grep -q 'search depth too small\|out of memory' found.txt; then
    cat found.txt >&2
    exit 1
  fi
}

# letter MESSAGE: the verdict, after a search.
letter() {
  if grep -q "^$1" found.txt; then printf F; else printf h; fi
}

# judge NAME CHANGE READERS ACTORS EXPECTED: leaves the six letters in NAME/verdicts, a dot for what was not looked at.
judge() {
  mkdir "$1"
  cd "$1"
  p1=. p2=. p3=. p4=. p5=. p6=. half=both optimise=-O1 size=-w22
  if [ "$mode" = --quick ] && [ "$1" != intact ]; then
    half=safety optimise=-O0 size=-w18 # compiling takes longer than searching
    case $5 in hh?h?*) [ "$(echo "$5" | cut -c 5)" = h ] && half=liveness ;; esac
  fi
  if [ $half != liveness ]; then
    build "$optimise -DSAFETY -DNOCLAIM" -DPARTS=2 "-D$2" "-DREADERS=$3" "-DACTORS=$4"
    search $size -c0
    p1=$(letter 'assertion violated *!(released_after_a_stop)')
    p2=$(letter 'assertion violated *!(sent_after_the_answer)')
    p4=$(letter 'invalid end state')
    p5=$(letter 'assertion violated *!(sent_before_its_entry)')
  fi
  if [ $half != safety ]; then
    build "$optimise -DNFAIR=3" -DPARTS=1 "-D$2" "-DREADERS=$3" "-DACTORS=$4"
    search $size -A -a -f -N p3
    p3=$(letter 'acceptance cycle')
    search $size -A -a -f -N p6
    p6=$(letter 'acceptance cycle')
  fi
  echo "$p1$p2$p3$p4$p5$p6" >verdicts
}

# tell VERDICTS EXPECTED: one word for each letter, with a mark where it is not the expected one.
tell() {
  for place in 1 2 3 4 5 6; do
    found=$(echo "$1" | cut -c "$place")
    case $found in h) word=holds ;; F) word=FAILS ;; '.') word=- ;; *) word=none ;; esac
    if [ $word = - ] && [ "$mode" = --quick ]; then
      :
    elif [ "$found" != "$(echo "$2" | cut -c "$place")" ]; then
      word="$word(!)"
    fi
    printf ' %-9s' "$word"
  done
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

# Two at a time: each line of the table is on its own.
one_by_two() {
  while read -r name change readers actors expected; do
    [ "$name" ] || continue
    (cd "$work" && judge "$name" "$change" "$readers" "$actors" "$expected") &
    if [ "${first:-}" ]; then
      wait "$first" || true
    fi
    first=$!
  done
  wait
}
echo "$table" | one_by_two

printf '%-18s %-9s %-9s %-9s %-9s %-9s %-9s\n' variant 'P1 log' 'P2 bytes' 'P3 bank' 'P4 locks' 'P5 entry' 'P6 crowd'
echo "$table" | while read -r name _ _ _ expected; do
  [ "$name" ] || continue
  verdicts=$(cat "$work/$name/verdicts" 2>/dev/null || echo '!!!!!!') # what could not be checked is not expected either
  printf '%-18s' "$name"
  tell "$verdicts" "$expected"
  printf '\n'
done >"$work/told"
cat "$work/told"
if grep -q '(!)' "$work/told"; then
  echo 'A verdict marked (!) is not the expected one.' >&2
  exit 1
fi
echo 'Every verdict is the expected one.'
