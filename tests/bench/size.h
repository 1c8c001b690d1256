/* SPDX-License-Identifier: BSL-1.0 */
/* The functions whose text size is compared: they translate a handoff to a zero page, with every check, in a
   freestanding program. The entries keep their order; those that do not fit the page go to a setup_data node. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct outcome {
  uint64_t where;
  int code; /* -1: success */
};
struct outcome zero_page_of_handoff(uint32_t start_info_paddr, int on_xen, void *zero_page, uint8_t *more,
                                    uint32_t more_size);

#ifdef __cplusplus
}
#endif
