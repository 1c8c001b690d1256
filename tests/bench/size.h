/* SPDX-License-Identifier: BSL-1.0 */
/* What is compared in bytes of text: a hand-over becomes a zero page, with every check, in a program that has nothing
   below it. The entries go over in their order; what the page has no room for goes to a setup_data node. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct outcome {
  uint64_t where;
  int code; /* -1: all is well */
};
struct outcome hand_over(uint32_t start_info_paddr, int on_xen, void *zero_page, uint8_t *more, uint32_t more_size);

#ifdef __cplusplus
}
#endif
