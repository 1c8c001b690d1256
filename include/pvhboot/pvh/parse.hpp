// SPDX-License-Identifier: BSL-1.0
//
// parse: bytes in physical memory → a checked view of the handoff.
//
//     const auto boot = pvhboot::parse(memory, paddr);            // identity_map{} in a kernel without paging
//     if (!boot) return boot.error();
//     use(boot->cmdline(), boot->rsdp_paddr(), boot->memory_map());
//     for (const pvhboot::boot_module& module : boot->modules()) use(module.paddr, module.size);
//
// Every extent is checked once, here; after that nothing can fail. What real producers ship although it is odd (an
// unsorted map, reserved words that are not zero, a count that contradicts a pointer) is not an error: lint reports it.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/start_info.hpp>
#include <pvhboot/core/memory.hpp>
#include <pvhboot/core/memory_range.hpp>
#include <pvhboot/core/result.hpp>

namespace pvhboot {

/// What the caller is ready to accept. The protocol itself has no limits.
struct parse_limits {
  uint32_t memmap_entries = 4096;  ///< Xen's dom0 has at most 1024, everybody else 128
  uint32_t modules = 256;          ///< the most modules
  uint64_t string_size = 65536;    ///< bytes before the NUL; the longest in practice is Cloud Hypervisor's 65536
};

/// Why there is a memory map, or not. The specification: version >= 1 and memmap_entries != 0 (start_info.h).
enum class memory_map_state : uint8_t {
  table,                ///< there is one
  absent_in_version_0,  ///< ask the hypervisor: XENMEM_memory_map
  no_entries,           ///< memmap_entries is 0; Xen's init-xenstore-domain does this with a pointer that is not
  contradictory,        ///< entries are announced but memmap_paddr is 0
};

/// A module as the list has it. Neither its bytes nor its command line were touched.
struct boot_module {
  uint64_t paddr = 0;          ///< the first byte
  uint64_t size = 0;           ///< bytes
  uint64_t cmdline_paddr = 0;  ///< 0: none

  /// The module of an entry of the list.
  static constexpr boot_module from(const abi::hvm_modlist_entry& e) noexcept {
    return {e.paddr, e.size, e.cmdline_paddr};
  }
};

/// The text at paddr up to its NUL, which must come within `limit` bytes and within readable memory. Each byte is read
/// once: memory that changes meanwhile can change the text, but not lead past the NUL that was found.
template <physical_memory Memory>
[[gnu::__always_inline__]] constexpr result<string_ref> read_string(const Memory& memory, uint64_t paddr,
                                                                    uint64_t limit) noexcept(reads_noexcept<Memory>) {
  // Byte by byte: until the NUL is found, the length is unknown. Then all of it at once, since neighbours in the
  // guest's memory need not be neighbours here.
  const uint64_t last = limit < ~paddr ? paddr + limit : ~uint64_t{};
  if (!memory.bytes(paddr, 1)) return {errc::cmdline_unreadable, paddr};
  for (uint64_t at = paddr;; ++at) {
    const uint8_t* p = memory.bytes(at, 1);
    const bool ends = p && read_once(p) == 0;
    if (!p || (!ends && at == last)) return {errc::cmdline_unterminated, paddr};
    if (!ends) continue;
    const uint8_t* text = memory.bytes(paddr, at - paddr + 1);
    if (!text) return {errc::cmdline_unreadable, paddr};
    return string_ref{text, narrow_cast<size_t>(at - paddr)};
  }
}

/// A handoff that parse accepted. It refers to the memory it was read from: copy what you need before you reuse that,
/// since nothing in the memory map reserves it.
template <class Memory> class boot_info {
 public:
  /// The table of the memory map.
  using memory_map_type = wire_table<abi::hvm_memmap_table_entry, memory_range>;
  /// The table of the modules.
  using module_list_type = wire_table<abi::hvm_modlist_entry, boot_module>;
  /// Whether reading the memory is noexcept.
  static constexpr bool reads = reads_noexcept<Memory>;

  /// The address of the structure.
  [[__nodiscard__]] constexpr uint64_t paddr() const noexcept { return paddr_; }
  /// As the producer wrote it, above 1 too.
  [[__nodiscard__]] constexpr uint32_t version() const noexcept { return info_.version; }
  /// Bits of sif.
  [[__nodiscard__]] constexpr uint32_t flags() const noexcept { return info_.flags; }
  /// absent() when there is none; an empty command line is something else.
  [[__nodiscard__]] constexpr string_ref cmdline() const noexcept { return cmdline_; }
  /// 0: not given. Search for it the old way, or do without ACPI.
  [[__nodiscard__]] constexpr uint64_t rsdp_paddr() const noexcept { return info_.rsdp_paddr; }
  /// The modules in the order of the list. The first is the initial ramdisk, by convention.
  [[__nodiscard__]] constexpr module_list_type modules() const noexcept { return {modules_, info_.nr_modules}; }
  /// As it was handed over: unsorted, overlapping and with empty entries, if that is what the producer wrote. Give it
  /// to a pvhboot::memory_map to have it sanitised. Empty unless memory_map_state() is table.
  [[__nodiscard__]] constexpr memory_map_type memory_map() const noexcept {
    return {memory_map_, memory_map_ ? info_.memmap_entries.get() : 0u};
  }
  /// Why there is a memory map, or not.
  [[__nodiscard__]] constexpr pvhboot::memory_map_state memory_map_state() const noexcept {
    if (memory_map_) return memory_map_state::table;
    if (info_.version.get() == 0) return memory_map_state::absent_in_version_0;
    return info_.memmap_entries.get() == 0 ? memory_map_state::no_entries : memory_map_state::contradictory;
  }
  /// The structure itself. Members past the version's end are zero.
  [[__nodiscard__]] constexpr const abi::hvm_start_info& wire() const noexcept { return info_; }

  /// Its bytes in memory: 40 of version 0, 56 of a later one.
  [[__nodiscard__]] constexpr size_t wire_size() const noexcept {
    return info_.version.get() == 0 ? abi::hvm_start_info_v0_size : sizeof info_;
  }

  /// What parse calls, on an object that it has just made.
  constexpr result<void> read(const parse_limits& limits) noexcept(reads);

  /// A module's command line, absent() if it has none. Read only now, and so it can fail: qboot leaves garbage in the
  /// pointer, which must not cost the whole handoff.
  [[__nodiscard__]] constexpr result<string_ref> cmdline_of(const boot_module& m) const noexcept(reads) {
    if (m.cmdline_paddr == 0) return string_ref{};
    return read_string(memory_, m.cmdline_paddr, string_size_);
  }
  /// A module's bytes. Read only now: a 32-bit kernel may pass on a module that it cannot reach itself.
  [[__nodiscard__]] constexpr result<span<const uint8_t>> contents_of(const boot_module& m) const noexcept(reads) {
    const uint8_t* p = m.size > ~size_t{} ? nullptr : memory_.bytes(m.paddr, m.size);
    if (!p) return {errc::module_unreadable, m.paddr};
    return span<const uint8_t>{p, narrow_cast<size_t>(m.size)};
  }

 private:
  friend class result<boot_info>;
  constexpr boot_info(const Memory& memory, uint64_t paddr, uint64_t string_size) noexcept
      : memory_(memory), string_size_(string_size), paddr_(paddr) {}

  Memory memory_;
  uint64_t string_size_;
  uint64_t paddr_;
  abi::hvm_start_info info_{};
  string_ref cmdline_{};
  const uint8_t* modules_ = nullptr;
  const uint8_t* memory_map_ = nullptr;
};

template <class Memory>
[[gnu::__always_inline__]] constexpr result<void> boot_info<Memory>::read(const parse_limits& limits) noexcept(reads) {
  constexpr size_t v0_size = abi::hvm_start_info_v0_size;
  const auto at = [&](size_t offset) noexcept { return paddr_ + offset; };
  if (paddr_ == 0) return {errc::start_info_absent, 0};

  const uint8_t* head = memory_.bytes(paddr_, v0_size);
  if (!head) return {errc::start_info_unreadable, paddr_};
  load_part(info_, 0, head, v0_size);
  if (info_.magic.get() != abi::hvm_start_magic_value) return {errc::bad_magic, paddr_};
  if (info_.version.get() >= 1) {
    constexpr size_t v1_size = sizeof(abi::hvm_start_info) - v0_size;
    const uint8_t* tail = at(v0_size) < paddr_ ? nullptr : memory_.bytes(at(v0_size), v1_size);
    if (!tail) return {errc::start_info_unreadable, paddr_};
    load_part(info_, v0_size, tail, v1_size);
  }

  if (info_.cmdline_paddr.get() != 0) {
    auto text = read_string(memory_, info_.cmdline_paddr, limits.string_size);
    if (!text) return text.error();
    cmdline_ = *text;
  }

  if (const uint32_t n = info_.nr_modules; n != 0) {
    if (info_.modlist_paddr.get() == 0) return {errc::modlist_absent, at(offsetof(abi::hvm_start_info, modlist_paddr))};
    if (n > limits.modules) return {errc::too_many_modules, at(offsetof(abi::hvm_start_info, nr_modules))};
    modules_ = memory_.bytes(info_.modlist_paddr, uint64_t{n} * sizeof(abi::hvm_modlist_entry));
    if (!modules_) return {errc::modlist_unreadable, info_.modlist_paddr};
    for (uint32_t i = 0; i < n; ++i) {
      const auto m = load<abi::hvm_modlist_entry>(modules_ + size_t{i} * sizeof(abi::hvm_modlist_entry));
      if (m.size.get() != 0 && m.size.get() - 1 > ~m.paddr.get())
        return {errc::module_wraps, info_.modlist_paddr.get() + uint64_t{i} * sizeof(abi::hvm_modlist_entry)};
    }
  }

  if (const uint32_t n = info_.memmap_entries; info_.version.get() != 0 && n != 0 && info_.memmap_paddr.get() != 0) {
    if (n > limits.memmap_entries)
      return {errc::too_many_memmap_entries, at(offsetof(abi::hvm_start_info, memmap_entries))};
    memory_map_ = memory_.bytes(info_.memmap_paddr, uint64_t{n} * sizeof(abi::hvm_memmap_table_entry));
    if (!memory_map_) return {errc::memmap_unreadable, info_.memmap_paddr};
  }
  return {};
}

/// Reads the handoff whose hvm_start_info lies at start_info_paddr (%ebx at entry). A version above 1 is read as
/// version 1, since versions only append; of version 0 no more than 40 bytes are touched.
///
/// Fails with an errc of the group "parse". Cost: constant, plus the length of the module list and of the command line.
///
/// Memory that changes meanwhile is safe to parse: the structure, its counts and its pointers are read once, then
/// checked. The entries of the two lists stay where they are and are read when they are dereferenced, so in such memory
/// a module's range may differ from the one that was checked; contents_of checks it again.
template <physical_memory Memory>
[[gnu::__always_inline__]] constexpr result<boot_info<Memory>> parse(
    const Memory& memory, uint64_t start_info_paddr, const parse_limits& limits = {}) noexcept(reads_noexcept<Memory>) {
  result<boot_info<Memory>> boot{in_place{}, memory, start_info_paddr, limits.string_size};
  if (auto done = (*boot).read(limits); !done) boot.fail(done.error());
  return boot;
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
