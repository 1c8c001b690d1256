/* SPDX-License-Identifier: BSL-1.0
 *
 * Output, and the four functions that compilers call without being asked.
 */
#include "support.h"

static void put(char c) {
  uint8_t ready = 0;
  /* An absent port reads as ready. */
  for (int patience = 100000; patience > 0 && (ready & 0x20) == 0; --patience)
    __asm__ volatile("inb %1, %0" : "=a"(ready) : "Nd"((uint16_t)0x3fd));
  __asm__ volatile("outb %0, %1" : : "a"(c), "Nd"((uint16_t)0xe9));
  __asm__ volatile("outb %0, %1" : : "a"(c), "Nd"((uint16_t)0x3f8));
}

void print(const char *text) {
  for (; *text != '\0'; ++text) put(*text);
}

void print_number(uint64_t number) {
  print("0x");
  for (int shift = 60; shift >= 0; shift -= 4) put("0123456789abcdef"[number >> shift & 0xf]);
}

void print_map(const struct pvhboot_map *map) {
  for (size_t i = 0; i < map->size; ++i) {
    print_number(map->ranges[i].addr);
    print(" ");
    print_number(map->ranges[i].size);
    print(" ");
    print(pvhboot_memory_type_name(map->ranges[i].type));
    print("\r\n");
  }
}

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);

void *memcpy(void *to, const void *from, size_t n) {
  void *const result = to;
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
  return result;
}

void *memmove(void *to, const void *from, size_t n) {
  char *last_to = (char *)to + n - 1;
  const char *last_from = (const char *)from + n - 1;
  if ((uintptr_t)to - (uintptr_t)from >= n) return memcpy(to, from, n);
  __asm__ volatile("std; rep movsb; cld" : "+D"(last_to), "+S"(last_from), "+c"(n) : : "memory");
  return to;
}

void *memset(void *to, int value, size_t n) {
  void *const result = to;
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(value) : "memory");
  return result;
}

int memcmp(const void *a, const void *b, size_t n) {
  const uint8_t *x = a;
  const uint8_t *y = b;
  for (; n != 0; --n, ++x, ++y)
    if (*x != *y) return *x < *y ? -1 : 1;
  return 0;
}
