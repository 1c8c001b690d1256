// SPDX-License-Identifier: BSL-1.0
//
// What a kernel without a C library brings along: output on the first serial port and on port 0xe9 (the debug port of
// QEMU and Xen), and the four functions that compilers call without being asked.
#pragma once

#include <pvhboot/core/span.hpp>

inline void put(char c) {
  const auto out = [](uint16_t port, char byte) { asm volatile("outb %0, %1" : : "a"(byte), "Nd"(port)); };
  uint8_t ready = 0;
  for (int patience = 100000; patience > 0 && (ready & 0x20) == 0; --patience)  // an absent port reads as ready
    asm volatile("inb %1, %0" : "=a"(ready) : "Nd"(uint16_t{0x3fd}));
  out(0xe9, c);
  out(0x3f8, c);
}

inline void put(pvhboot::string_ref text) {
  for (const char c : text) put(c);
}

inline void put(uint64_t number) {
  put("0x");
  for (int shift = 60; shift >= 0; shift -= 4) put("0123456789abcdef"[number >> shift & 0xf]);
}

inline void print(pvhboot::string_ref text) {
  put(text);
  put("\r\n");
}

inline void print(uint64_t addr, uint64_t size, pvhboot::string_ref type) {
  put(addr);
  put(" ");
  put(size);
  put(" ");
  print(type);
}

extern "C" {

[[gnu::used]] inline void* memcpy(void* to, const void* from, size_t n) {
  void* const result = to;
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
  return result;
}

[[gnu::used]] inline void* memset(void* to, int value, size_t n) {
  void* const result = to;
  asm volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(value) : "memory");
  return result;
}

[[gnu::used]] inline void* memmove(void* to, const void* from, size_t n) {
  if (reinterpret_cast<uintptr_t>(to) - reinterpret_cast<uintptr_t>(from) >= n) return memcpy(to, from, n);
  uint8_t* last_to = static_cast<uint8_t*>(to) + n - 1;
  const uint8_t* last_from = static_cast<const uint8_t*>(from) + n - 1;
  asm volatile("std; rep movsb; cld" : "+D"(last_to), "+S"(last_from), "+c"(n) : : "memory");
  return to;
}

[[gnu::used]] inline int memcmp(const void* a, const void* b, size_t n) {
  const auto* x = static_cast<const uint8_t*>(a);
  const auto* y = static_cast<const uint8_t*>(b);
  for (size_t i = 0; i < n; ++i)
    if (x[i] != y[i]) return x[i] < y[i] ? -1 : 1;
  return 0;
}
}
