#!/usr/bin/env bash
# processes.sh PROGRAM sample|full: the same scenario in processes that differ in everything that must
# not matter: directory, time zone, locale, addresses, what malloc leaves in memory, user and
# environment. The digests must be equal (docs/determinism.md, rules D7, D9, D11, D14).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)
program=$1
extent=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

compare() {
  local what=$1 digest
  shift
  digest=$(digest_of "$@")
  if [ "$digest" != "$expected" ]; then
    diff <(echo "$expected") <(echo "$digest") >&2 || true
    fail "$scenario: $what changes the digest"
  fi
  echo "  same: $what"
}

# A German locale prints 1,5 for 1.5: made here from the sources of the package locales.
# GERMAN_LOCPATH names a folder that has it already.
german=()
locales=${GERMAN_LOCPATH:-$scratch}
if [ -d "$locales/de_DE.UTF-8" ] ||
  localedef -i de_DE -f UTF-8 "$locales/de_DE.UTF-8" >/dev/null 2>&1; then
  german=(env LOCPATH="$locales" LC_ALL=de_DE.UTF-8)
fi

while read -r scenario arguments; do
  # shellcheck disable=SC2206  # The arguments are words.
  run=("$program" run "$root/$scenario" $arguments)
  cd "$root"
  expected=$(digest_of "${run[@]}")
  echo "$scenario $arguments"
  sed 's/^/  /' <<<"$expected"

  compare "a second process" "${run[@]}"
  cd "$scratch"
  compare "another directory" "${run[@]}"
  compare "another time zone" env TZ=Pacific/Chatham "${run[@]}"
  compare "dirty memory from malloc" env MALLOC_PERTURB_=165 "${run[@]}"
  compare "an empty environment" env -i PATH="$PATH" "${run[@]}"
  if [ "${#german[@]}" -gt 0 ]; then
    compare "a German locale" "${german[@]}" "${run[@]}"
  else
    skip "a German locale (apt-get install locales)"
  fi
  if setarch -R true 2>/dev/null; then
    compare "fixed addresses" setarch -R "${run[@]}"
  else
    echo "  left out: fixed addresses (setarch -R is not permitted, as in many containers)"
  fi
  if [ "$(id -u)" -eq 0 ] && setpriv --reuid=65534 --clear-groups test -x "$program" -a -r "$root/$scenario"; then
    chmod 777 "$scratch"
    compare "another user" setpriv --reuid=65534 --clear-groups "${run[@]}"
  else
    echo "  left out: another user (needs root, and a tree that others may read)"
  fi
done < <(scenario_lines "$extent")
