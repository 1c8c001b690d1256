// SPDX-License-Identifier: BSL-1.0
//
// The conformance guest with handoffs that QEMU does not make, most of which the specification allows. The linker calls
// this function in place of conformance_main (--wrap). The first word of the command line selects the change:
//   module, modlist, cmdline, map, rsdp   lies above 4 GiB, where the guest cannot read
//   entries                               the map has more entries than the guest has room for
//   acpi                                  the map calls the ACPI tables RAM
// and one that it does not allow:
//   dsdt                                  a byte of the DSDT is another one
#include <pvhboot/pvhboot.hpp>

extern "C" {
[[noreturn]] void judge(uint32_t start_info) asm("__real_conformance_main");
[[noreturn]] void forge(uint32_t start_info) asm("__wrap_conformance_main");
}

namespace {

namespace abi = pvhboot::abi;
using pvhboot::memory_type;

constexpr uint64_t above_4g = uint64_t{5} << 30;
constexpr uint64_t mib = 1u << 20;
constexpr uint32_t many_entries = 600;
abi::hvm_start_info info;
abi::hvm_memmap_table_entry map[many_entries];
abi::hvm_modlist_entry module;

uint64_t address_of(const void* p) { return reinterpret_cast<uintptr_t>(p); }

template <size_t N> bool begins(pvhboot::string_ref text, const char (&word)[N]) {
  for (size_t i = 0; i < N; ++i)
    if (i == text.size() || text[i] != (i == N - 1 ? ' ' : word[i])) return false;
  return true;
}

/// Flips a byte of the DSDT in these ACPI tables.
void damage_dsdt(const abi::hvm_memmap_table_entry& tables) {
  auto* const first = reinterpret_cast<uint8_t*>(static_cast<uintptr_t>(tables.addr));
  for (size_t i = 0; i + 64 < tables.size; ++i)
    if (__builtin_memcmp(first + i, "DSDT", 4) == 0) {
      first[i + 63] = static_cast<uint8_t>(~first[i + 63]);
      return;
    }
}

}  // namespace

void forge(uint32_t start_info) {
  const auto boot = pvhboot::parse(pvhboot::identity_map{}, start_info);
  if (!boot || boot->modules().size() != 1) judge(start_info);
  const pvhboot::string_ref words = boot->cmdline();
  info = boot->wire();
  module = boot->modules().wire(0);
  uint32_t entries = 0;
  for (; entries < boot->memory_map().size() && entries < many_entries; ++entries)
    map[entries] = boot->memory_map().wire(entries);

  if (begins(words, "module")) module.paddr = above_4g;
  if (begins(words, "entries"))
    for (; entries < many_entries; ++entries)
      map[entries] = {.addr = above_4g + entries * mib, .size = mib / 2, .type = memory_type::reserved};
  for (uint32_t i = 1; i < entries; ++i) {  // SeaBIOS puts the tables right above the RAM from 1 MiB on
    if (map[i - 1].addr.get() != mib) continue;
    if (begins(words, "acpi")) map[i].type = memory_type::ram;
    if (begins(words, "dsdt")) damage_dsdt(map[i]);
  }

  info.modlist_paddr = begins(words, "modlist") ? above_4g : address_of(&module);
  info.memmap_paddr = begins(words, "map") ? above_4g : address_of(map);
  info.memmap_entries = entries;
  if (begins(words, "cmdline")) info.cmdline_paddr = above_4g;
  if (begins(words, "rsdp")) info.rsdp_paddr = above_4g;
  judge(static_cast<uint32_t>(address_of(&info)));
}
