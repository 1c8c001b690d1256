// SPDX-License-Identifier: BSL-1.0
#include "console.hpp"

#include "xen.hpp"

namespace example {

namespace {
constexpr uint16_t com1 = 0x3f8;
constexpr uint16_t com1_line_status = com1 + 5;
constexpr uint8_t transmitter_empty = 0x20;
}  // namespace

void put(char c) {
  if (c == '\n') put('\r');
  out8(0xe9, static_cast<uint8_t>(c));
  // A port that is never ready must not stop the machine. An absent port reads as 0xff, which means ready.
  for (int patience = 100000; patience > 0 && (in8(com1_line_status) & transmitter_empty) == 0; --patience) {
  }
  out8(com1, static_cast<uint8_t>(c));
  xen::put(c);
}

void put(pvhboot::string_ref text) {
  for (const char c : text) put(c);
}

void put(hex number) {
  put("0x");
  int shift = 60;
  while (shift > 0 && (number.value >> shift & 0xf) == 0) shift -= 4;
  for (; shift >= 0; shift -= 4) put("0123456789abcdef"[number.value >> shift & 0xf]);
}

void put(uint64_t decimal) {
  // Subtracts: with -m32 a 64-bit division is a call to libgcc.
  constexpr uint64_t powers[] = {10000000000000000000u,
                                 1000000000000000000u,
                                 100000000000000000u,
                                 10000000000000000u,
                                 1000000000000000u,
                                 100000000000000u,
                                 10000000000000u,
                                 1000000000000u,
                                 100000000000u,
                                 10000000000u,
                                 1000000000u,
                                 100000000u,
                                 10000000u,
                                 1000000u,
                                 100000u,
                                 10000u,
                                 1000u,
                                 100u,
                                 10u,
                                 1u};
  bool begun = false;
  for (const uint64_t power : powers) {
    char digit = '0';
    for (; decimal >= power; decimal -= power) ++digit;
    begun |= digit != '0' || power == 1;
    if (begun) put(digit);
  }
}

void end_machine(uint8_t code) {
  xen::shutdown(code == success ? xen::shutdown_reason::poweroff : xen::shutdown_reason::crash);
  out32(0xf4, code);
  for (;;) asm volatile("cli; hlt");
}

}  // namespace example
