# cg.sh PROGRAM OUT FILE [flags]
p=$1 out=$2 f=$3; shift 3
taskset -c 0 valgrind --tool=callgrind --separate-threads=yes --callgrind-out-file=$out $p count $f --quiet --scanners 1 --counters 1 "$@" >/dev/null 2>$out.err
for t in $out-*; do echo "$t $(grep -m1 '^summary:\|^totals:' $t)"; done
