// SPDX-License-Identifier: BSL-1.0
//
// Everything but the opt-ins (emit_note.hpp, spec.hpp, reflect.hpp). Needs <stddef.h> and <stdint.h>, nothing else.
#pragma once

#include <pvhboot/abi/e820.hpp>
#include <pvhboot/abi/le.hpp>
#include <pvhboot/abi/memory_type.hpp>
#include <pvhboot/abi/start_info.hpp>
#include <pvhboot/memory.hpp>
#include <pvhboot/memory_map.hpp>
#include <pvhboot/memory_range.hpp>
#include <pvhboot/parse.hpp>
#include <pvhboot/result.hpp>
#include <pvhboot/span.hpp>
