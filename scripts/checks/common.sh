# What the checkers share; each of them reads it in. Not run by itself.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
target=x86_64-unknown-linux-gnu
[ "$(uname -m)" = x86_64 ] || target=$(uname -m)-unknown-linux-gnu

# nightly COMPONENT...: the nightly toolchain with these, installed if need be; false if it cannot be.
nightly() {
    local wanted=$*
    command -v rustup >/dev/null || { echo "left out: no rustup, so no nightly toolchain"; return 1; }
    if ! cargo +nightly --version >/dev/null 2>&1; then
        rustup toolchain install nightly --profile minimal >/dev/null 2>&1 || true
    fi
    if ! cargo +nightly --version >/dev/null 2>&1; then
        echo "left out: no nightly toolchain (rustup toolchain install nightly)"
        return 1
    fi
    local installed component
    installed=$(rustup component list --toolchain nightly --installed 2>/dev/null)
    for component in $wanted; do
        case "$installed" in *"$component"*) continue ;; esac
        rustup component add --toolchain nightly "$component" >/dev/null 2>&1 || {
            echo "left out: nightly has no $component (rustup component add --toolchain nightly $component)"
            return 1
        }
    done
}

# fact WHAT HOW-MUCH: a line that scripts/test puts into the record of a deep run.
fact() { echo "fact: $1 | $2"; }

# timed WHAT COMMAND...: runs it, and says how long it took.
timed() {
    local what=$1 began=$SECONDS
    shift
    "$@"
    echo "time: $what | $((SECONDS - began)) s"
}

# passed LOG: how many tests passed, by cargo's own lines.
passed() { awk '/^test result: ok/ { n += $4 } END { print n + 0 }' "$1"; }
