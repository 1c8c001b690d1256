// SPDX-License-Identifier: BSL-1.0
//
// A hypervisor's handoff, read as the kernel reads it, with the library in one file: `./dev single` makes it.
//
//     g++ -std=c++20 -I build/single examples/single/roundtrip.cpp && ./a.out
//
// On Compiler Explorer, which includes files by their address, replace pvhboot_all.hpp by the address at which you
// published it, in angle brackets. The compiler writes the handoff and parses it; main sorts the map.
#define PVHBOOT_CONSUMER
#define PVHBOOT_PRODUCER
#include "pvhboot_all.hpp"

#include <stdio.h>

namespace {

constexpr uint64_t paddr = 0x6000;
constexpr pvhboot::memory_range ram[] = {{0x100000, 0x7ff00000, pvhboot::memory_type::ram},
                                         {0, 0xa0000, pvhboot::memory_type::ram}};
constexpr pvhboot::handoff made{.cmdline = "console=ttyS0", .rsdp_paddr = 0xe0000, .memmap = ram};
constexpr auto block = [] {
  pvhboot::array<uint8_t, made.size_bytes()> bytes{};
  if (!write(made, bytes, paddr)) bytes = {};
  return bytes;
}();

constexpr auto boot = pvhboot::parse(pvhboot::memory_window{paddr, block}, paddr);
static_assert(boot && boot->rsdp_paddr() == 0xe0000);

}  // namespace

int main() {
  pvhboot::memory_map_buffer<8> buffer;
  pvhboot::memory_map map{buffer};
  if (!map.append(boot->memory_map()) || !map.sanitize()) return 1;
  for (const pvhboot::memory_range& r : map)
    printf("%#llx %#llx %s\n", static_cast<unsigned long long>(r.addr), static_cast<unsigned long long>(r.size),
           name(r.type).data());
  return 0;
}
