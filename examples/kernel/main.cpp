// SPDX-License-Identifier: BSL-1.0
//
// A kernel that shows what PVH gave it, and ends the machine: code 0x10 if all is well, 0x20 + errc otherwise.
#include "../common/report.hpp"

using example::hex;
using example::line;

namespace {

constexpr pvhboot::string_ref who = "kernel: ";

pvhboot::memory_map_buffer<2048> buffer;

[[noreturn]] void fail(pvhboot::failure f) {
  line(who, "error: ", message(f.code), " (", where_word(f.code), " ", hex{f.where}, ")");
  example::end_machine(static_cast<uint8_t>(0x20 + static_cast<uint8_t>(f.code)));
}

/// The 20 bytes that the checksum covers begin "RSD PTR " (ACPI 6.5, 5.2.5.3).
bool is_rsdp(const uint8_t* p) {
  constexpr char signature[] = "RSD PTR ";
  uint8_t sum = 0;
  for (int i = 0; i < 20; ++i) sum = static_cast<uint8_t>(sum + p[i]);
  for (int i = 0; i < 8; ++i)
    if (p[i] != static_cast<uint8_t>(signature[i])) return false;
  return sum == 0;
}

}  // namespace

extern "C" [[noreturn]] void kernel_main(uint32_t start_info) {
  constexpr pvhboot::identity_map memory{};
  const auto boot = pvhboot::parse(memory, start_info);
  if (!boot) fail(boot.error());
  example::report(who, *boot);

  if (const uint64_t rsdp = boot->rsdp_paddr()) {
    const uint8_t* p = memory.bytes(rsdp, 20);
    line(who, "rsdp ", p && is_rsdp(p) ? pvhboot::string_ref{"checksum ok"} : pvhboot::string_ref{"damaged"});
  }

  pvhboot::memory_map map{buffer};
  if (const auto done = map.append(boot->memory_map()); !done) fail(done.error());
  line(who, "memory map ", boot->wire().memmap_entries.get(), " entries at ", hex{boot->wire().memmap_paddr});
  for (const pvhboot::memory_range& r : map) example::report_range(who, "map received", r);
  if (const auto done = map.sanitize(); !done) fail(done.error());
  for (const pvhboot::memory_range& r : map) example::report_range(who, "map sanitised", r);
  line(who, "total ram ", map.total_ram(), " bytes");
  if (map.total_ram() == 0) fail({pvhboot::errc::no_ram, map.size()});
  line(who, "result ok");
  example::end_machine(0x10);
}
