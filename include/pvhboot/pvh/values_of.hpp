// SPDX-License-Identifier: BSL-1.0
//
// A handoff that parse accepted as values: to change it, to compare it, or to write it again.
//
//     pvhboot::handoff_buffer<8, 128> buffer;
//     auto values = values_of(*boot, buffer);
//     if (!values) return values.error();
//     (*values).modules = values->modules.after(1);                 // what a kernel that is loaded from module 0 gets
//
// write takes the values as they are, unless their version is above 1: set it to 1 to pass such a handoff on. The lists
// are copied into the buffer, the texts stay in the guest's memory. A memory map at address 0, or of no entries, is
// none.
//
// Fails with handoff_modules_full and map_full if the buffer is too small, and as boot.cmdline_of does.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/pvh/handoff_layout.hpp>
#include <pvhboot/pvh/parse.hpp>

namespace pvhboot {

/// Storage for the lists of a handoff that is read back, one of each at least.
template <size_t Modules, size_t Entries> struct handoff_buffer {
  array<handoff_module, Modules> modules{};          ///< the modules
  array<uint64_t, Modules> module_cmdline_paddrs{};  ///< addresses of their command lines
  array<memory_range, Entries> memmap{};             ///< the entries of the memory map
  array<uint32_t, Entries> memmap_reserved{};        ///< reserved words of these
};

/// The same of any size, in the caller's arrays: the first two as long as each other, and so are the last two.
struct handoff_storage {
  span<handoff_module> modules{};          ///< the modules
  span<uint64_t> module_cmdline_paddrs{};  ///< addresses of their command lines
  span<memory_range> memmap{};             ///< the entries of the memory map
  span<uint32_t> memmap_reserved{};        ///< reserved words of these

  constexpr handoff_storage() noexcept = default;
  /// All of a buffer.
  template <size_t Modules, size_t Entries>
  constexpr handoff_storage(handoff_buffer<Modules, Entries>& b) noexcept
      : modules(b.modules),
        module_cmdline_paddrs(b.module_cmdline_paddrs),
        memmap(b.memmap),
        memmap_reserved(b.memmap_reserved) {}
};

/// A handoff and where its parts lay.
struct placed_handoff {
  handoff values{};         ///< what it says
  handoff_layout layout{};  ///< where its parts lie
};

/// What to do with a module's command line that cannot be read. qboot leaves garbage in the pointer.
enum class unreadable_cmdline : uint8_t {
  refuse,  ///< fails with the error of the command line
  drop,    ///< the module then has none
};

/// The values with the addresses of their parts, by which write makes the same bytes again.
template <class Memory>
constexpr result<placed_handoff> placed_values_of(
    const boot_info<Memory>& boot, const handoff_storage& storage,
    unreadable_cmdline unreadable = unreadable_cmdline::refuse) noexcept(reads_noexcept<Memory>) {
  const abi::hvm_start_info& info = boot.wire();
  const auto modules = boot.modules();
  const auto map = boot.memory_map();
  if (modules.size() > storage.modules.size() || modules.size() > storage.module_cmdline_paddrs.size())
    return {errc::handoff_modules_full, modules.size()};
  if (map.size() > storage.memmap.size() || map.size() > storage.memmap_reserved.size())
    return {errc::map_full, map.size()};
  bool any_cmdline = false;
  for (size_t i = 0; i < modules.size(); ++i) {
    const abi::hvm_modlist_entry wire = modules.wire(i);
    const boot_module m = boot_module::from(wire);
    auto text = boot.cmdline_of(m);
    if (!text && unreadable == unreadable_cmdline::refuse) return text.error();
    storage.modules[i] = {m.paddr, m.size, text.value_or({}), wire.reserved};
    const bool has_text = !storage.modules[i].cmdline.absent();
    storage.module_cmdline_paddrs[i] = has_text ? m.cmdline_paddr : 0;
    any_cmdline = any_cmdline || has_text;
  }
  bool any_reserved = false;
  for (size_t i = 0; i < map.size(); ++i) {
    const abi::hvm_memmap_table_entry wire = map.wire(i);
    storage.memmap[i] = memory_range::from(wire);
    storage.memmap_reserved[i] = wire.reserved;
    any_reserved = any_reserved || wire.reserved.get() != 0;
  }
  placed_handoff found{.values = {.version = info.version,
                                  .flags = info.flags,
                                  .cmdline = boot.cmdline(),
                                  .modules = storage.modules.first(modules.size()),
                                  .rsdp_paddr = info.rsdp_paddr,
                                  .memmap = storage.memmap.first(map.size()),
                                  .reserved = info.reserved},
                       .layout = {.start_info_paddr = boot.paddr(), .cmdline_paddr = info.cmdline_paddr}};
  if (any_reserved) found.values.memmap_reserved = storage.memmap_reserved.first(map.size());
  if (any_cmdline) found.layout.module_cmdline_paddrs = storage.module_cmdline_paddrs.first(modules.size());
  if (!modules.empty()) found.layout.modlist_paddr = info.modlist_paddr;
  if (!map.empty()) found.layout.memmap_paddr = info.memmap_paddr;
  return found;
}

/// The values alone.
template <class Memory>
constexpr result<handoff> values_of(
    const boot_info<Memory>& boot, const handoff_storage& storage,
    unreadable_cmdline unreadable = unreadable_cmdline::refuse) noexcept(reads_noexcept<Memory>) {
  const auto found = placed_values_of(boot, storage, unreadable);
  if (!found) return found.error();
  return found->values;
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
