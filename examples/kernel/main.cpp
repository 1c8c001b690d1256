// SPDX-License-Identifier: BSL-1.0
//
// A kernel that prints its handoff and ends the machine, with code 0x10 on success and 0x20 if it refuses the handoff.
// On Xen it gets the memory map from the hypervisor if the handoff has none. If the command line ends in "dump", it
// also prints the bytes of the handoff.
#include <pvhboot/pvh/lint.hpp>

#include "../common/report.hpp"

using example::hex;
using example::line;

namespace {

constexpr pvhboot::string_ref who = "kernel: ";

pvhboot::memory_map_buffer<2048> buffer;
pvhboot::memory_map_buffer<2048> lint_buffer;

[[noreturn]] void fail(pvhboot::failure f) {
  example::report_error(who, f);
  example::end_machine(example::refused);
}

void dump(uint64_t paddr, size_t n) {
  const auto* const bytes = reinterpret_cast<const uint8_t*>(static_cast<uintptr_t>(paddr));
  for (size_t i = 0; paddr != 0 && i < n; ++i) {
    if (i % 32 == 0) {
      if (i != 0) line();
      example::put(who);
      example::put("bytes ");
      example::put(hex{paddr + i});
      example::put(" ");
    }
    constexpr char digits[] = "0123456789abcdef";
    example::put(digits[bytes[i] >> 4]);
    example::put(digits[bytes[i] & 0xf]);
  }
  if (paddr != 0 && n != 0) line();
}

/// Prints all bytes of the handoff, except for the contents of the modules.
void dump(const pvhboot::boot_info<pvhboot::identity_map>& boot) {
  for (const pvhboot::extent& e : pvhboot::extents{boot})
    if (e.what != pvhboot::handoff_piece::module) dump(e.addr, static_cast<size_t>(e.size));
}

bool ends_in_dump(pvhboot::string_ref text) {
  constexpr char word[] = "dump";
  constexpr size_t n = sizeof word - 1;
  return text.size() >= n && __builtin_memcmp(text.data() + (text.size() - n), word, n) == 0;
}

}  // namespace

extern "C" const uint8_t image_begin[];
extern "C" const uint8_t image_end[];

extern "C" [[noreturn]] void kernel_main(uint32_t start_info) {
  example::xen::begin();
  constexpr pvhboot::identity_map memory{};
  const auto boot = pvhboot::parse(memory, start_info);
  if (!boot) fail(boot.error());
  example::report(who, *boot);

  if (ends_in_dump(boot->cmdline())) dump(*boot);

  pvhboot::memory_map map{buffer};
  if (const auto done = example::receive(who, *boot, map); !done) fail(done.error());
  if (const auto done = map.sanitize(); !done) fail(done.error());
  for (const pvhboot::memory_range& r : map) example::report_range(who, "map sanitised", r);
  bool rsdp_sound = boot->rsdp_paddr() != 0;
  const auto report = [&](pvhboot::finding f) {
    example::put(who);
    example::put("oddity: ");
    example::put(message(f.what));
    if (!fails(f.what).empty()) {
      example::put("; fails: ");
      example::put(fails(f.what));
    }
    line(" (address ", hex{f.where}, ")");
    if (f.what == pvhboot::oddity::rsdp_unreadable || f.what == pvhboot::oddity::rsdp_damaged) rsdp_sound = false;
  };
  pvhboot::memory_map scratch{lint_buffer};
  const auto begin = reinterpret_cast<uintptr_t>(image_begin);
  const pvhboot::lint_options options{
      .kernel = {begin, reinterpret_cast<uintptr_t>(image_end) - begin, {}},
      .probe_ram = sizeof(uintptr_t) == 8};  // a 32-bit kernel cannot read RAM above 4 GiB, so this is no oddity
  if (const auto done = lint(memory, *boot, scratch, report, options); !done) fail(done.error());
  if (rsdp_sound) line(who, "rsdp checksum ok");
  line(who, "total ram ", total_ram(map), " bytes");
  if (total_ram(map) == 0) fail({pvhboot::errc::no_ram, map.size()});
  line(who, "result ok");
  example::end_machine(example::success);
}
