// SPDX-License-Identifier: BSL-1.0
//
// A kernel that prints the state in which the entry code calls it. ENTRY is the entry macro, or not defined if start.S
// has it. BASE is the difference of virtual and physical addresses.
#include <pvhboot/pvh/entry.hpp>
#include <pvhboot/pvhboot.hpp>

#include "../../examples/template/make/support.hpp"

namespace {

[[maybe_unused]] constexpr uint64_t base = BASE;
volatile uint32_t initialised = 0x12345678;
volatile uint8_t cleared[256];

void fact(pvhboot::string_ref name, uint64_t value) {
  put(name);
  put(" ");
  put(value);
  print("");
}

/// Memory at this address. The compiler does not see the constant, so it does not complain about low addresses.
template <class T> volatile T& at(uint64_t address) {
  auto value = static_cast<uintptr_t>(address);
  asm("" : "+r"(value));
  return *reinterpret_cast<volatile T*>(value);
}

uint64_t read_msr(uint32_t number) {
  uint32_t low, high;
  asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
  return uint64_t{high} << 32 | low;
}

}  // namespace

extern "C" void kernel_main(uint32_t start_info, uint32_t distance) {
  uintptr_t flags, cs, ss, es;
  asm volatile("pushf; pop %0" : "=r"(flags));
  asm volatile("mov %%cs, %0" : "=r"(cs));
  asm volatile("mov %%ss, %0" : "=r"(ss));
  asm volatile("mov %%es, %0" : "=r"(es));
  struct [[gnu::packed]] {
    uint16_t limit;
    uintptr_t base;
  } gdt;
  asm volatile("sgdt %0" : "=m"(gdt));
  uintptr_t here;
#ifdef __x86_64__
  asm volatile("lea (%%rip), %0" : "=r"(here));
#else
  asm volatile("call 1f; 1: pop %0" : "=r"(here));
#endif

  fact("distance", distance);
  fact("code", here);
  fact("stack", reinterpret_cast<uintptr_t>(__builtin_frame_address(0)));
  fact("gdt", gdt.base);
  fact("flags", flags & 0x700);  // TF, IF, DF
  fact("cs", cs);
  fact("ss", ss);
  fact("es", es);
  fact("initialised", initialised);
  uint32_t garbage = 0;
  for (const volatile uint8_t& byte : cleared) garbage += byte;
  fact("garbage", garbage);
#ifdef __x86_64__
  fact("efer", read_msr(0xc0000080));
  fact("alias", base != 0 && distance == 0 ? at<uint32_t>(base + start_info) : 0);
#else
  static_cast<void>(read_msr);
#endif
  fact("rom", at<uint8_t>(0xfffffff0));  // the top of the lowest 4 GiB
  const auto boot = pvhboot::parse(pvhboot::identity_map{}, start_info);
  fact("parse", boot ? 0 : static_cast<uint64_t>(boot.error().code));
  uint64_t ram = 0;
  if (boot)
    for (const pvhboot::memory_range r : boot->memory_map())
      if (r.type == pvhboot::memory_type::ram) {
        ram += r.size;
        if (sizeof(uintptr_t) == 8 && r.addr == uint64_t{4} << 30 && boot->cmdline().size() == 4) {  // "high"
          at<uint32_t>(r.addr + r.size - 4) = 0x89abcdef;
          fact("high", at<uint32_t>(r.addr + r.size - 4));
        }
      }
  fact("ram", ram >> 20);
  print("entry: done");
}

#ifdef ENTRY
ENTRY;
#endif
