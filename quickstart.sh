#!/usr/bin/env bash
# From a bare Debian 12 to the headline verdict: installs what is missing, builds, runs.
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: ./quickstart.sh [--no-viz] [--dry-run] [--help]

Installs the Debian packages of packages.txt that are missing (none missing: no network), builds
Freshet into build/release and compares the designs of scenarios/library/headline.textproto.

  --no-viz    leave out the packages of the explorer's window
  --dry-run   print the commands, run none

Exit code: that of the run (0 objectives met, 1 one missed); 2 a wrong option; 3 packages are
missing and there is neither root nor sudo, or they could not be installed; 4 the build failed.
TEXT
}

dry_run=no
sections="run test viz"
for argument in "$@"; do
  case "$argument" in
    --dry-run) dry_run=yes ;;
    --no-viz) sections="run test" ;;
    --help | -h) usage; exit 0 ;;
    *) echo "quickstart.sh: unknown option \"$argument\"; see --help" >&2; exit 2 ;;
  esac
done

cd "$(dirname "${BASH_SOURCE[0]}")"

# Prints a command, then runs it.
run() {
  echo "+ $*"
  [ "$dry_run" = yes ] || "$@"
}

is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=()
for package in $(awk -v wanted=" $sections " '
    /^\[/ { section = substr($1, 2, length($1) - 2); next }
    NF && $1 !~ /^#/ && index(wanted, " " section " ") { print $1 }' packages.txt); do
  is_installed "$package" || missing+=("$package")
done

if [ "${#missing[@]}" -gt 0 ]; then
  as_root=(env DEBIAN_FRONTEND=noninteractive)
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null && [ "$dry_run" = no ]; then
      echo "These packages are missing, and this is neither root nor is there sudo. As root, run:" >&2
      echo "  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
      exit 3
    fi
    as_root=(sudo "${as_root[@]}")
  fi
  run "${as_root[@]}" apt-get update -qq || exit 3
  run "${as_root[@]}" apt-get install -qq -y --no-install-recommends "${missing[@]}" || exit 3
fi

run cmake --workflow --preset demo || exit 4
run build/release/bin/freshet compare scenarios/library/headline.textproto
