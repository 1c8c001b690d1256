#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
exec sh "$SRC/pvhboot/examples/fuzz/oss-fuzz/build.sh"
