// SPDX-License-Identifier: BSL-1.0
//
// Where a handoff lies: every piece of it with address and size, and how to keep it out of free memory. Nothing in the
// memory map reserves these pieces, so a kernel that adds all RAM as free frames gives out its own initrd.
//
//     // The map is sanitised: take out start_info, lists, command lines and modules, then the kernel itself.
//     if (auto done = reserve_handoff(map, *boot); !done) return done.error();
//     if (auto done = reserve(map, kernel_begin, kernel_size); !done) return done.error();
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/core/memory_map.hpp>
#include <pvhboot/pvh/parse.hpp>

namespace pvhboot {

/// What lies in memory that a handoff leads to.
enum class handoff_piece : uint8_t {
  start_info,      ///< hvm_start_info
  cmdline,         ///< with its NUL
  modlist,         ///< the list of modules
  memmap,          ///< the memory map
  rsdp,            ///< the RSDP itself, in the size of ACPI 2.0. The tables it leads to are not pieces
  module,          ///< the bytes of a module
  module_cmdline,  ///< with its NUL. One that cannot be read is not there: qboot leaves garbage in the pointer
};

/// One piece: [addr, addr + size).
struct extent {
  handoff_piece what{};  ///< which piece
  uint32_t module = 0;   ///< the module's index, for module and module_cmdline
  uint64_t addr = 0;     ///< the first byte
  uint64_t size = 0;     ///< bytes, not 0
};

/// The pieces of a handoff, for a range-based for. Each step reads the list entry, and a module's command line, again.
template <class Memory> class extents {
 public:
  /// The handoff must outlive this object.
  constexpr explicit extents(const boot_info<Memory>& boot) noexcept : boot_(&boot) {}
  extents(const boot_info<Memory>&&) = delete;

  class iterator {
   public:
    constexpr iterator(const boot_info<Memory>* boot, size_t i) noexcept(reads_noexcept<Memory>) : boot_(boot), i_(i) {
      skip_absent();
    }
    constexpr const extent& operator*() const noexcept { return current_; }
    constexpr iterator& operator++() noexcept(reads_noexcept<Memory>) {
      ++i_;
      skip_absent();
      return *this;
    }
    friend constexpr bool operator==(const iterator& a, const iterator& b) noexcept { return a.i_ == b.i_; }
    friend constexpr bool operator!=(const iterator& a, const iterator& b) noexcept { return a.i_ != b.i_; }

   private:
    constexpr void skip_absent() noexcept(reads_noexcept<Memory>) {
      for (; i_ < count(*boot_); ++i_) {
        current_ = at(*boot_, i_);
        if (current_.size != 0) return;
      }
    }

    const boot_info<Memory>* boot_;
    size_t i_;
    extent current_{};
  };

  [[__nodiscard__]] constexpr iterator begin() const noexcept(reads_noexcept<Memory>) { return {boot_, 0}; }
  [[__nodiscard__]] constexpr iterator end() const noexcept(reads_noexcept<Memory>) { return {boot_, count(*boot_)}; }
  /// At least as many as there are.
  [[__nodiscard__]] constexpr size_t capacity() const noexcept { return count(*boot_); }

 private:
  static constexpr size_t fixed = 5;
  static constexpr size_t count(const boot_info<Memory>& boot) noexcept { return fixed + 2 * boot.modules().size(); }

  static constexpr extent at(const boot_info<Memory>& boot, size_t i) noexcept(reads_noexcept<Memory>) {
    const abi::hvm_start_info& info = boot.wire();
    switch (i) {
      case 0: return {handoff_piece::start_info, 0, boot.paddr(), boot.wire_size()};
      case 1: return {handoff_piece::cmdline, 0, info.cmdline_paddr, text_size(boot.cmdline())};
      case 2:
        return {handoff_piece::modlist, 0, info.modlist_paddr,
                uint64_t{boot.modules().size()} * sizeof(abi::hvm_modlist_entry)};
      case 3:
        return {handoff_piece::memmap, 0, info.memmap_paddr,
                uint64_t{boot.memory_map().size()} * sizeof(abi::hvm_memmap_table_entry)};
      case 4: return {handoff_piece::rsdp, 0, info.rsdp_paddr, info.rsdp_paddr.get() != 0 ? abi::rsdp_size : 0};
      default: break;
    }
    const auto module = narrow_cast<uint32_t>((i - fixed) / 2);
    const boot_module m = boot.modules()[module];
    if ((i - fixed) % 2 == 0) return {handoff_piece::module, module, m.paddr, m.size};
    auto text = boot.cmdline_of(m);
    return {handoff_piece::module_cmdline, module, m.cmdline_paddr, text ? text_size(*text) : 0};
  }
  static constexpr uint64_t text_size(const string_ref& text) noexcept {
    return text.absent() ? 0 : text.size() + uint64_t{1};
  }

  const boot_info<Memory>* boot_;
};

/// Takes [addr, addr + size) out of a sanitised map, whatever its type. Fails with map_full; the map is then as it was.
constexpr result<void> reserve(memory_map& map, uint64_t addr, uint64_t size) noexcept { return map.punch(addr, size); }

/// Takes every piece of the handoff out of a sanitised map. A piece can split a range, so the map needs a free slot for
/// each piece: fails with map_full if it has fewer, whose `where` is the ranges needed; the map is then as it was.
template <physical_memory Memory>
constexpr result<void> reserve_handoff(memory_map& map,
                                       const boot_info<Memory>& boot) noexcept(reads_noexcept<Memory>) {
  const extents<Memory> pieces{boot};
  if (pieces.capacity() > map.capacity() - map.size()) return {errc::map_full, map.size() + pieces.capacity()};
  for (const extent& e : pieces) static_cast<void>(reserve(map, e.addr, e.size));  // there is room
  return {};
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
