// SPDX-License-Identifier: BSL-1.0
//
// Text output and the end of the machine, for examples without libc and heap.
#pragma once

#include <pvhboot/core/span.hpp>

namespace example {

inline void out8(uint16_t port, uint8_t value) { asm volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
inline void out32(uint16_t port, uint32_t value) { asm volatile("outl %0, %1" : : "a"(value), "Nd"(port)); }
inline uint8_t in8(uint16_t port) {
  uint8_t value;
  asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

/// Writes to the first serial port, to port 0xe9 (the debug console of QEMU and Xen) and to Xen's console.
void put(char c);
void put(pvhboot::string_ref text);

/// A number that is printed as 0x….
struct hex {
  uint64_t value;
};
void put(hex number);
void put(uint64_t decimal);
inline void put(uint32_t decimal) { put(uint64_t{decimal}); }

template <size_t N> void put(const char (&literal)[N]) { put(pvhboot::string_ref{literal, N - 1}); }

/// Writes the parts and a line feed.
template <class... Parts> void line(const Parts&... parts) {
  (put(parts), ...);
  put('\n');
}

inline constexpr uint8_t success = 0x10;
inline constexpr uint8_t refused = 0x20;  ///< the error line names the broken rule

/// Ends the machine. On Xen the domain powers off if the code is success, and crashes otherwise. QEMU with -device
/// isa-debug-exit,iobase=0xf4,iosize=4 ends with status 2 * code + 1; without this device the machine halts.
[[noreturn]] void end_machine(uint8_t code);

}  // namespace example
