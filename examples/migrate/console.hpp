// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <stddef.h>
#include <stdint.h>

inline void put_char(char c) { asm volatile("outb %0, %1" : : "a"(c), "Nd"(uint16_t{0x3f8})); }

inline void put(const char* text) {
  for (; *text; ++text) put_char(*text);
}

inline void put(uint64_t number) {
  put("0x");
  for (int shift = 60; shift >= 0; shift -= 4) put_char("0123456789abcdef"[number >> shift & 0xf]);
}
