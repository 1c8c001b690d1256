/* SPDX-License-Identifier: BSL-1.0
 *
 * What compilers may call, for a link without a C library.
 */
#include <stddef.h>

void *memmove(void *to, const void *from, size_t n);
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);

void *memmove(void *to, const void *from, size_t n) {
  unsigned char *t = to;
  const unsigned char *f = from;
  if ((size_t)t < (size_t)f) {
    for (size_t i = 0; i < n; ++i) t[i] = f[i];
  } else {
    while (n-- != 0) t[n] = f[n];
  }
  return to;
}
void *memcpy(void *to, const void *from, size_t n) { return memmove(to, from, n); }
void *memset(void *to, int value, size_t n) {
  unsigned char *t = to;
  while (n-- != 0) *t++ = (unsigned char)value;
  return to;
}
int memcmp(const void *a, const void *b, size_t n) {
  const unsigned char *x = a, *y = b;
  for (; n != 0; --n, ++x, ++y)
    if (*x != *y) return *x < *y ? -1 : 1;
  return 0;
}
