// SPDX-License-Identifier: BSL-1.0
//
// The four functions that a compiler may call.
#include <stddef.h>
#include <stdint.h>

extern "C" {

void* memcpy(void* to, const void* from, size_t n) {
  auto* const t = static_cast<uint8_t*>(to);
  const auto* const f = static_cast<const uint8_t*>(from);
  for (size_t i = 0; i < n; ++i) t[i] = f[i];
  return to;
}

void* memmove(void* to, const void* from, size_t n) {
  auto* const t = static_cast<uint8_t*>(to);
  const auto* const f = static_cast<const uint8_t*>(from);
  if (t < f) return memcpy(to, from, n);
  for (size_t i = n; i != 0; --i) t[i - 1] = f[i - 1];
  return to;
}

void* memset(void* to, int value, size_t n) {
  auto* const t = static_cast<uint8_t*>(to);
  for (size_t i = 0; i < n; ++i) t[i] = static_cast<uint8_t>(value);
  return to;
}

int memcmp(const void* a, const void* b, size_t n) {
  const auto* const x = static_cast<const uint8_t*>(a);
  const auto* const y = static_cast<const uint8_t*>(b);
  for (size_t i = 0; i < n; ++i)
    if (x[i] != y[i]) return x[i] < y[i] ? -1 : 1;
  return 0;
}

}  // extern "C"
