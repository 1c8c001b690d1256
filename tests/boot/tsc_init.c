/* SPDX-License-Identifier: BSL-1.0 */
/* /init of an initramfs: prints the time stamp counter and ends the machine. Built without libc. */
#define _GNU_SOURCE
#include <linux/reboot.h>
#include <sys/syscall.h>

static long call(long number, long a, long b, long c, long d) {
  register long r10 __asm__("r10") = d;
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
  return result;
}

void _start(void) {
  unsigned low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  unsigned long tsc = (unsigned long)high << 32 | low;
  char text[64] = "\nuserspace: tsc ";
  int n = 16;
  char digits[20];
  int count = 0;
  do digits[count++] = (char)('0' + tsc % 10);
  while ((tsc /= 10) != 0);
  while (count != 0) text[n++] = digits[--count];
  text[n++] = '\n';
  call(SYS_write, 1, (long)text, n, 0);
  call(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_RESTART, 0);
  for (;;) call(SYS_pause, 0, 0, 0, 0);
}
