// SPDX-License-Identifier: BSL-1.0
//
// A small kernel that reads its handoff by hand, as docs/migrate.md finds it: it finds the pages that it may give out
// and the initrd.
#include <stddef.h>
#include <stdint.h>

#include "console.hpp"

struct start_info {
  uint32_t magic, version, flags, nr_modules;
  uint64_t modlist, cmdline, rsdp, memmap;
  uint32_t memmap_entries, reserved;
};
struct module {
  uint64_t addr, size, cmdline, reserved;
};
struct entry {
  uint64_t addr, size;
  uint32_t type, reserved;
};

template <class T> static T* pointer(uint64_t address) { return reinterpret_cast<T*>(static_cast<uintptr_t>(address)); }

static void add_free(uint64_t addr, uint64_t size) {
  put("free ");
  put(addr);
  put(" ");
  put(size);
  put("\n");
}

extern "C" void kernel_main(uint32_t address) {
  const start_info* info = pointer<start_info>(address);
  put("command line: ");
  put(pointer<const char>(info->cmdline));
  put("\n");
  const module* modules = pointer<module>(info->modlist);
  for (uint32_t i = 0; i < info->nr_modules; ++i) {
    put("module ");
    put(modules[i].addr);
    put(" ");
    put(modules[i].size);
    put("\n");
  }
  const entry* map = pointer<entry>(info->memmap);
  for (uint32_t i = 0; i < info->memmap_entries; ++i)
    if (map[i].type == 1) add_free(map[i].addr, map[i].size);
  put("done\n");
}
