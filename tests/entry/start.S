// SPDX-License-Identifier: BSL-1.0
#include <pvhboot/pvh/entry.S>
ENTRY
