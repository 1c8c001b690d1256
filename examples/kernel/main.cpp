// SPDX-License-Identifier: BSL-1.0
//
// A kernel that shows what PVH gave it, and ends the machine: code 0x10 if all is well, 0x20 + errc otherwise. On Xen
// it asks the hypervisor for the memory map if the hand-over has none.
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

}  // namespace

extern "C" [[noreturn]] void kernel_main(uint32_t start_info) {
  example::xen::begin();
  constexpr pvhboot::identity_map memory{};
  const auto boot = pvhboot::parse(memory, start_info);
  if (!boot) fail(boot.error());
  example::report(who, *boot);

  pvhboot::memory_map map{buffer};
  if (const auto done = example::receive(who, *boot, map); !done) fail(done.error());
  if (const auto done = map.sanitize(); !done) fail(done.error());
  for (const pvhboot::memory_range& r : map) example::report_range(who, "map sanitised", r);
  bool rsdp_sound = boot->rsdp_paddr() != 0;
  lint(memory, *boot, [&](pvhboot::finding f) {
    const pvhboot::oddity_text text = describe(f.what);
    example::put(who);
    example::put("oddity: ");
    example::put(text.sentence);
    if (!text.fails.empty()) {
      example::put("; fails: ");
      example::put(text.fails);
    }
    line(" (address ", hex{f.where}, ")");
    if (f.what == pvhboot::oddity::rsdp_unreadable || f.what == pvhboot::oddity::rsdp_damaged) rsdp_sound = false;
  });
  if (rsdp_sound) line(who, "rsdp checksum ok");
  line(who, "total ram ", map.total_ram(), " bytes");
  if (map.total_ram() == 0) fail({pvhboot::errc::no_ram, map.size()});
  line(who, "result ok");
  example::end_machine(example::success);
}
