// SPDX-License-Identifier: BSL-1.0
#include "xen.hpp"

namespace example::xen {

namespace {

using pvhboot::xen_hypercall;

constexpr uint16_t domid_self = 0x7ff0;
constexpr uint32_t xenmem_memory_map = static_cast<uint32_t>(pvhboot::xen_memory_op::memory_map);
constexpr uint32_t hvmop_get_param = 1;
constexpr uint32_t hvm_param_console_pfn = 17;
constexpr uint32_t hvm_param_console_evtchn = 18;
constexpr uint32_t consoleio_write = 0;
constexpr uint32_t evtchnop_send = 4;
constexpr uint32_t schedop_yield = 0;
constexpr uint32_t schedop_shutdown = 2;

/// xen_hvm_param, which is the same for 32 and 64 bits.
struct hvm_param {
  uint16_t domid;
  uint16_t pad;
  uint32_t index;
  alignas(8) uint64_t value;
};

/// xencons_interface: the page that this domain shares with dom0's xenconsoled.
struct console_ring {
  char in[1024];
  char out[2048];
  uint32_t in_cons;
  uint32_t in_prod;
  uint32_t out_cons;
  uint32_t out_prod;
};

alignas(4096) uint8_t hypercall_page[4096];
pvhboot::xen_cpuid found;
volatile console_ring* ring;
uint32_t ring_port;
char text[256];
uint32_t text_size;

intptr_t hypercall(xen_hypercall number, uintptr_t a, uintptr_t b, uintptr_t c = 0) {
  const uint8_t* const entry = hypercall_page + 32 * static_cast<uint32_t>(number);
  intptr_t returned;
#ifdef __x86_64__
  asm volatile("call *%[entry]"
               : "=a"(returned), "+D"(a), "+S"(b), "+d"(c)
               : [entry] "r"(entry)
               : "memory", "rcx", "r8", "r9", "r10", "r11");
#else
  asm volatile("call *%[entry]" : "=a"(returned), "+b"(a), "+c"(b), "+d"(c) : [entry] "r"(entry) : "memory");
#endif
  return returned;
}

intptr_t hypercall(xen_hypercall number, uint32_t command, const void* argument) {
  return hypercall(number, command, reinterpret_cast<uintptr_t>(argument));
}

/// 0 if the parameter is absent.
uint64_t get_param(uint32_t index) {
  hvm_param p{.domid = domid_self, .pad = 0, .index = index, .value = 0};
  return hypercall(xen_hypercall::hvm_op, hvmop_get_param, &p) == 0 ? p.value : 0;
}

/// Waits until at most `unread` bytes are left in the ring. If dom0 does not read them, the ring is no longer used, so
/// that the domain continues.
void wait_for_reader(uint32_t unread) {
  constexpr uint64_t patience = uint64_t{1} << 34;  // cycles, a few seconds
  const uint64_t began = __builtin_ia32_rdtsc();
  while (ring && ring->out_prod - ring->out_cons > unread) {
    if (__builtin_ia32_rdtsc() - began > patience) ring = nullptr;
    hypercall(xen_hypercall::sched_op, schedop_yield, nullptr);
  }
}

void flush() {
  const uint32_t size = text_size;
  text_size = 0;
  if (!ring) {
    hypercall(xen_hypercall::console_io, consoleio_write, size, reinterpret_cast<uintptr_t>(text));
    return;
  }
  wait_for_reader(sizeof ring->out - sizeof text);
  if (!ring) return;
  const uint32_t at = ring->out_prod;
  for (uint32_t i = 0; i < size; ++i) ring->out[(at + i) % sizeof ring->out] = text[i];
  asm volatile("" ::: "memory");  // x86 keeps the order of stores, and the compiler must keep it as well
  ring->out_prod = at + size;
  hypercall(xen_hypercall::event_channel_op, evtchnop_send, &ring_port);
}

}  // namespace

void begin() {
  found = pvhboot::find_xen([](uint32_t leaf) {
    pvhboot::cpuid_leaf r;
    asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(0));
    return r;
  });
  if (!found.found()) return;
  const auto page = uint64_t{reinterpret_cast<uintptr_t>(hypercall_page)};
  asm volatile("wrmsr"
               :
               : "c"(found.hypercall_msr), "a"(static_cast<uint32_t>(page)), "d"(static_cast<uint32_t>(page >> 32))
               : "memory");
  const uint64_t pfn = get_param(hvm_param_console_pfn);
  if (pfn == 0 || pfn >> 20 != 0) return;
  ring = reinterpret_cast<volatile console_ring*>(static_cast<uintptr_t>(pfn << 12));
  ring_port = static_cast<uint32_t>(get_param(hvm_param_console_evtchn));
}

const pvhboot::xen_cpuid& cpuid() { return found; }

pvhboot::result<pvhboot::xen_memory_map_table> memory_map() {
  static pvhboot::array<uint8_t, 513 * sizeof(pvhboot::abi::boot_e820_entry)> buffer;
#ifdef __x86_64__
  pvhboot::abi::xen_memory_map_64 request{};
#else
  pvhboot::abi::xen_memory_map_32 request{};
#endif
  request.nr_entries = static_cast<uint32_t>(buffer.size() / sizeof(pvhboot::abi::boot_e820_entry));
  request.buffer = reinterpret_cast<uintptr_t>(buffer.data());
  const intptr_t returned = hypercall(xen_hypercall::memory_op, xenmem_memory_map, &request);
  return pvhboot::read_xen_memory_map(returned, request.nr_entries, buffer);
}

void put(char c) {
  if (!found.found()) return;
  text[text_size++] = c;
  if (c == '\n' || text_size == sizeof text) flush();
}

void shutdown(shutdown_reason reason) {
  if (!found.found()) return;
  flush();
  wait_for_reader(0);
  hypercall(xen_hypercall::sched_op, schedop_shutdown, &reason);
}

}  // namespace example::xen
