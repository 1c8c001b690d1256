// SPDX-License-Identifier: BSL-1.0
//
// What the comparisons of the C interface with C++ share: maps and memory for both, and when answers are the same.
#pragma once

#include <pvhboot/c/pvhboot.h>

#include "memory.hpp"

namespace fuzz {

/// The same map for both sides, each in storage of its own.
struct two_maps {
  exact<pvhboot_range> ranges;
  exact<pvhboot_scratch> scratch;
  pvhboot_map c;
  owned_map cpp;

  two_maps(size_t capacity, size_t slots)
      : ranges(capacity), scratch(slots), c{ranges.get(), capacity, scratch.get(), slots, 0, 0}, cpp(capacity, slots) {}
  explicit two_maps(size_t capacity) : two_maps(capacity, capacity) {}

  void add(const std::vector<memory_range>& all) {
    for (const memory_range& r : all) {
      const pvhboot_range one{r.addr, r.size, static_cast<uint32_t>(r.type)};
      LAW((pvhboot_map_append(&c, &one, nullptr) == PVHBOOT_OK) == cpp.map.append(r).ok());
    }
    law_same();
  }
  void law_same() const {
    LAW(c.size == cpp.map.size());
    // An empty map is known to be sanitised again by the next call of C.
    LAW(cpp.map.known_sanitized() ? c.size == 0 || c.sanitized != 0 : c.sanitized == 0 || cpp.map.is_sanitized());
    for (size_t i = 0; i < c.size; ++i)
      LAW(ranges[i].addr == cpp.map[i].addr && ranges[i].size == cpp.map[i].size &&
          ranges[i].type == static_cast<uint32_t>(cpp.map[i].type));
  }
};

/// Returns whether both sides succeeded; otherwise they failed alike. `where` is read after both calls.
template <class T> bool both(pvhboot_error c, const uint64_t& where, const pvhboot::result<T>& cpp) {
  saw(static_cast<uint64_t>(c));
  LAW((c == PVHBOOT_OK) == cpp.ok());
  if (cpp.ok()) return true;
  LAW(static_cast<uint32_t>(c) == static_cast<uint32_t>(cpp.error().code) && where == cpp.error().where);
  return false;
}

inline bool same_text(const char* c, size_t size, const pvhboot::string_ref& cpp) {
  return (c == nullptr) == cpp.absent() && size == cpp.size() && (!c || std::memcmp(c, cpp.data(), size) == 0);
}

inline const uint8_t* guarded_bytes(void* context, uint64_t paddr, uint64_t n) {
  return static_cast<guarded_memory*>(context)->bytes(paddr, n);
}
inline pvhboot_memory c_memory(guarded_memory& guarded) { return {&guarded, guarded_bytes, nullptr}; }

void compare_handoff(input& in);
void compare_maps(input& in);
void compare_linux(input& in);
void compare_kernel(input& in);
void compare_written(input& in);
void compare_xen(input& in);

}  // namespace fuzz
