// SPDX-License-Identifier: BSL-1.0
//
// What both ways to boot share: the files that the boot loader was given, refusals, and memory that is free.
#pragma once

#include "../common/report.hpp"
#include "cpio.hpp"

namespace chainload {

using boot_info = pvhboot::boot_info<pvhboot::identity_map>;

inline constexpr pvhboot::string_ref who = "chainload: ";

/// The kernel, and what goes with it.
struct cargo {
  bytes kernel{};
  bytes archive_rest{};           ///< what follows an archive in the first module: an initrd
  pvhboot::string_ref cmdline{};  ///< that of the archive, or else of the handoff
};

// Slots for the hypervisor's memory map and for the pieces into which reserved ranges cut it.
inline constexpr size_t map_slots = 512;

/// Reports a rule of the library, or one of this boot loader.
[[noreturn]] void refuse(const pvhboot::failure& f);
[[noreturn]] void refuse(pvhboot::string_ref rule, pvhboot::string_ref sentence, pvhboot::string_ref word,
                         uint64_t where);
inline void must(const pvhboot::result<void>& done) {
  if (!done) refuse(done.error());
}
template <class T> T must(const pvhboot::result<T>& got) {
  if (!got) refuse(got.error());
  return *got;
}

inline uint64_t address_of(bytes b) { return reinterpret_cast<uintptr_t>(b.data()); }
inline uint8_t* pointer_to(uint64_t paddr) { return reinterpret_cast<uint8_t*>(static_cast<uintptr_t>(paddr)); }

/// The RAM that may be used: without the first page and the ISA hole.
void find_usable(pvhboot::memory_map& usable, const pvhboot::memory_map& map);
void reserve_this_program(pvhboot::memory_map& free);

/// Boots a bzImage with the modules after the first as its initrd.
[[noreturn]] void boot_linux(const cargo& load, const boot_info& boot, pvhboot::memory_map& map);
/// Boots an ELF kernel through PVH with the modules after the first as its modules.
[[noreturn]] void boot_pvh(const cargo& load, const boot_info& boot, pvhboot::memory_map& map);

}  // namespace chainload
