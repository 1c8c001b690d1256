// SPDX-License-Identifier: BSL-1.0
//
// A guest's memory is planned and its handoff written into it, in a program that has nothing below it. With the
// library; the C twin: size_producer_twin.c.
#include <pvhboot/pvh/plan.hpp>

extern pvhboot::memory_map guest_map;  // sanitised, elsewhere
extern pvhboot::memory_map free_map;

pvhboot::result<void> produce(const pvhboot::boot_request& request, const uint64_t* random,
                              const pvhboot::memory_pieces& guest, pvhboot::boot_plan& started);

pvhboot::result<void> produce(const pvhboot::boot_request& request, const uint64_t* random,
                              const pvhboot::memory_pieces& guest, pvhboot::boot_plan& started) {
  const auto plan = random ? plan_boot(guest_map, free_map, request, *random) : plan_boot(guest_map, free_map, request);
  if (!plan) return plan.error();
  started = *plan;
  return write(plan->handoff, guest, plan->start_info_paddr);
}
