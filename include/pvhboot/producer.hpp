// SPDX-License-Identifier: BSL-1.0
//
// Everything that reads a kernel image, plans a guest's memory, loads the image, writes the handoff and sets the CPU:
// for VMMs, toolstacks, and loaders that start a PVH kernel. Needs <stddef.h> and <stdint.h>, nothing else.
//
//     const auto image = pvhboot::parse_elf(file);
//     if (!image) return image.error();
//     const auto entry = find_phys32_entry(*image);
//     if (auto done = load_image(*image, guest); !done) return done.error();
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/elf.hpp>
#include <pvhboot/abi/start_info.hpp>
#include <pvhboot/abi/xen_note.hpp>
#include <pvhboot/core/memory.hpp>
#include <pvhboot/core/memory_map.hpp>
#include <pvhboot/core/message.hpp>
#include <pvhboot/core/queries.hpp>
#include <pvhboot/core/random_ram.hpp>
#include <pvhboot/core/result.hpp>
#include <pvhboot/core/span.hpp>
#include <pvhboot/core/writable_memory.hpp>
#include <pvhboot/elf/image.hpp>
#include <pvhboot/elf/image_notes.hpp>
#include <pvhboot/elf/load.hpp>
#include <pvhboot/elf/notes.hpp>
#include <pvhboot/pvh/choose_base.hpp>
#include <pvhboot/pvh/entry_state.hpp>
#include <pvhboot/pvh/handoff.hpp>
#include <pvhboot/pvh/phys32_note.hpp>
#include <pvhboot/pvh/plan.hpp>

#include <pvhboot/abi/end.def>
