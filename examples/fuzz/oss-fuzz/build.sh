#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
#
# Builds every harness by the contract of OSS-Fuzz and ClusterFuzzLite: $CXX, $CXXFLAGS and $LIB_FUZZING_ENGINE come
# from there, targets, seed corpora, dictionaries and options go to $OUT, and $WORK holds what is between. $SRC is not
# used: the tree is the one that this file is in. FUZZ_HARNESSES names the harnesses of a part of the build.
set -eu
root=$(cd "$(dirname "$0")/../../.." && pwd)
sources=$root/examples/fuzz

# The image does not have the libraries of two. The text of one is in the library of C++, which is not built for
# MemorySanitizer.
left_out="tool vmm"
[ "${SANITIZER:-}" != memory ] || left_out="$left_out plan"

# shellcheck disable=SC2086  # flags are words
$CXX $CXXFLAGS -std=c++20 -I "$root/include" "$sources/dictionary.cpp" -o "$WORK/dictionary"

for name in ${FUZZ_HARNESSES:-$(python3 "$root/tools/harnesses.py")}; do
  case " $left_out " in *" $name "*) continue ;; esac
  flags=$(python3 "$root/tools/harnesses.py" --flags "$name")
  # shellcheck disable=SC2086
  $CXX $CXXFLAGS -std=c++20 $flags -I "$root/include" -c "$sources/$name.cpp" -o "$WORK/$name.o"
  # shellcheck disable=SC2086
  $CXX $CXXFLAGS "$WORK/$name.o" $LIB_FUZZING_ENGINE -o "$OUT/$name"
  (cd "$sources/corpus/$name" && python3 -m zipfile -c "$OUT/${name}_seed_corpus.zip" ./*)
  "$WORK/dictionary" "$name" > "$OUT/$name.dict"
  printf '[libfuzzer]\nmax_len = 4096\ntimeout = 10\n' > "$OUT/$name.options"
done
