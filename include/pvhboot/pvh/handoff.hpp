// SPDX-License-Identifier: BSL-1.0
//
// A handoff as values, and how it is written into guest memory. Beside this header: values_of.hpp, the way back;
// handoff_layout.hpp, parts at addresses of one's own; plan.hpp, which finds a place for it.
//
//     constexpr auto ram = pvhboot::memory_type::ram;
//     const pvhboot::memory_range map[] = {{0, 0xa0000, ram}, {0x100000, 0x7ff00000, ram}};
//     const pvhboot::handoff_module modules[] = {{.paddr = 0x4000000, .size = initrd_size}};
//     const pvhboot::handoff h{.cmdline = "console=ttyS0", .modules = modules, .rsdp_paddr = 0xe0000, .memmap = map};
//     // take [0x6000, 0x6000 + h.size_bytes()) out of free memory, then
//     if (auto done = write(h, guest, 0x6000); !done) return done.error();   // %ebx = 0x6000
//
// A producer states values; counts and addresses are derived from them, so they cannot disagree. Nothing is cut: what
// does not fit its field or its place is refused, and then nothing is written. `write` checks, and fails with
// - handoff_version, handoff_memmap_in_version_0, handoff_reserved_in_version_0: version 0 has neither;
// - handoff_too_many, handoff_reserved_without_entry: lists that no field counts, or that contradict each other;
// - handoff_nul_in_cmdline, handoff_nul_in_module_cmdline: a reader would see only what comes before it;
// - handoff_module_wraps;
// - start_info_absent, handoff_wraps, handoff_too_high: start_info must end below 4 GiB, where %ebx can point;
// - handoff_overlaps: a module or the RSDP, which the caller may have put in place already;
// - handoff_unwritable.
//
// The caller guarantees that the texts do not lie where the handoff is written.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/abi/start_info.hpp>
#include <pvhboot/core/memory_map.hpp>
#include <pvhboot/core/writable_memory.hpp>

namespace pvhboot {

/// A module as its producer knows it. Its bytes are the caller's to load; only its command line is written.
struct handoff_module {
  uint64_t paddr = 0;     ///< the first byte
  uint64_t size = 0;      ///< bytes
  string_ref cmdline{};   ///< absent: none
  uint64_t reserved = 0;  ///< zero, but qboot leaves garbage here

  friend constexpr bool operator==(const handoff_module& a, const handoff_module& b) noexcept {
    return a.paddr == b.paddr && a.size == b.size && a.reserved == b.reserved &&
           a.cmdline.absent() == b.cmdline.absent() && a.cmdline == b.cmdline;
  }
};

/// Bytes of a text in guest memory, with its NUL; 0 if there is none.
constexpr uint64_t size_with_nul(const string_ref& text) noexcept {
  return text.absent() ? 0 : text.size() + uint64_t{1};
}

/// Everything that a handoff says. It refers to lists and texts that the caller keeps.
struct handoff {
  uint32_t version = 1;                    ///< 0 or 1; version 0 has no memory map
  uint32_t flags = 0;                      ///< sif
  string_ref cmdline{};                    ///< absent: none
  span<const handoff_module> modules{};    ///< the first is the initial ramdisk, by convention
  uint64_t rsdp_paddr = 0;                 ///< 0: not given
  span<const memory_range> memmap{};       ///< written as it is; sort_memmap makes it sorted and disjoint
  span<const uint32_t> memmap_reserved{};  ///< of the entries, in order; those without one have 0
  uint32_t reserved = 0;                   ///< zero in version 1

  /// Bytes of hvm_start_info in this version.
  [[__nodiscard__]] constexpr uint64_t start_info_size() const noexcept {
    return version == 0 ? abi::hvm_start_info_v0_size : sizeof(abi::hvm_start_info);
  }
  /// Bytes of the list of modules.
  [[__nodiscard__]] constexpr uint64_t modlist_size() const noexcept {
    return uint64_t{modules.size()} * sizeof(abi::hvm_modlist_entry);
  }
  /// Bytes of the memory map.
  [[__nodiscard__]] constexpr uint64_t memmap_size() const noexcept {
    return uint64_t{memmap.size()} * sizeof(abi::hvm_memmap_table_entry);
  }
  /// Of all modules' command lines; 2^64 - 1 also if they have more bytes.
  [[__nodiscard__]] constexpr uint64_t module_cmdlines_size() const noexcept {
    uint64_t sum = 0;
    for (const handoff_module& m : modules) {
      const uint64_t n = size_with_nul(m.cmdline);
      sum = n > ~sum ? ~uint64_t{} : sum + n;
    }
    return sum;
  }
  /// Bytes of the block that holds all of it: start_info, module list, memory map, command line, the modules' command
  /// lines. The lists are aligned as the block is.
  [[__nodiscard__]] constexpr uint64_t size_bytes() const noexcept {
    const uint64_t others = start_info_size() + modlist_size() + memmap_size() + size_with_nul(cmdline);
    const uint64_t texts = module_cmdlines_size();
    return texts > ~others ? ~uint64_t{} : others + texts;
  }
  /// The reserved word of an entry of the memory map.
  [[__nodiscard__]] constexpr uint32_t reserved_of(size_t entry) const noexcept {
    return entry < memmap_reserved.size() ? memmap_reserved[entry] : 0;
  }

  /// All values, reserved words included. An absent command line is not an empty one.
  friend constexpr bool operator==(const handoff& a, const handoff& b) noexcept {
    if (a.version != b.version || a.flags != b.flags || a.rsdp_paddr != b.rsdp_paddr || a.reserved != b.reserved ||
        a.cmdline.absent() != b.cmdline.absent() || !(a.cmdline == b.cmdline) || a.modules.size() != b.modules.size() ||
        a.memmap.size() != b.memmap.size())
      return false;
    for (size_t i = 0; i < a.modules.size(); ++i)
      if (!(a.modules[i] == b.modules[i])) return false;
    for (size_t i = 0; i < a.memmap.size(); ++i)
      if (!(a.memmap[i] == b.memmap[i]) || a.reserved_of(i) != b.reserved_of(i)) return false;
    return true;
  }
};

/// Where the parts of a handoff lie; 0 for a part that it does not have. A layout of the caller's own serves to do as
/// another producer does.
struct handoff_layout {
  uint64_t start_info_paddr = 0;                 ///< the value for %ebx
  uint64_t modlist_paddr = 0;                    ///< of the list of modules
  uint64_t memmap_paddr = 0;                     ///< of the memory map
  uint64_t cmdline_paddr = 0;                    ///< of the command line
  uint64_t module_cmdlines_paddr = 0;            ///< of all of them, one after the other
  span<const uint64_t> module_cmdline_paddrs{};  ///< or one address for each module, 0 for one without

  /// All in one block of h.size_bytes() bytes.
  static constexpr handoff_layout block(const handoff& h, uint64_t paddr) noexcept {
    handoff_layout at{.start_info_paddr = paddr};
    uint64_t next = paddr + h.start_info_size();
    const auto take = [&](uint64_t& part, uint64_t n) noexcept {
      part = n != 0 ? next : 0;
      next += n;
    };
    take(at.modlist_paddr, h.modlist_size());
    take(at.memmap_paddr, h.memmap_size());
    take(at.cmdline_paddr, size_with_nul(h.cmdline));
    take(at.module_cmdlines_paddr, h.module_cmdlines_size());
    return at;
  }
};

/// The values can be written: the rules at the head of this file that concern neither addresses nor memory.
[[gnu::__always_inline__]] constexpr result<void> check_values(const handoff& h) noexcept {
  if (h.version > 1) return {errc::handoff_version, h.version};
  if (h.version == 0 && !h.memmap.empty()) return {errc::handoff_memmap_in_version_0, h.memmap.size()};
  if (h.version == 0 && h.reserved != 0) return {errc::handoff_reserved_in_version_0, h.reserved};
  const size_t most = h.modules.size() > h.memmap.size() ? h.modules.size() : h.memmap.size();
  if (uint64_t{most} >> 32 != 0) return {errc::handoff_too_many, most};
  if (h.memmap_reserved.size() > h.memmap.size())
    return {errc::handoff_reserved_without_entry, h.memmap_reserved.size()};
  const auto first_nul = [](const string_ref& text) noexcept {
    size_t i = 0;
    if (__builtin_is_constant_evaluated())
      while (i < text.size() && text[i] != '\0') ++i;
    else
      for (const char* p = text.data(); i < text.size() && p[i] != '\0'; ++i) continue;
    return i;
  };
  if (const size_t nul = first_nul(h.cmdline); nul != h.cmdline.size()) return {errc::handoff_nul_in_cmdline, nul};
  for (size_t i = 0; i < h.modules.size(); ++i) {
    const handoff_module& m = h.modules[i];
    if (memory_range{m.paddr, m.size, {}}.wraps()) return {errc::handoff_module_wraps, i};
    if (first_nul(m.cmdline) != m.cmdline.size()) return {errc::handoff_nul_in_module_cmdline, i};
  }
  return {};
}

/// [addr, addr + size) is no place for start_info or for another part: it wraps, or meets a module or the RSDP.
[[gnu::__always_inline__]] constexpr result<void> check_place(const handoff& h, const memory_range& part) noexcept {
  if (part.wraps()) return {errc::handoff_wraps, part.addr};
  memory_range other{h.rsdp_paddr, h.rsdp_paddr != 0 ? abi::rsdp_v1_size : 0, {}};
  size_t i = 0;
  while (!part.overlaps(other) && i < h.modules.size()) {
    other = {h.modules[i].paddr, h.modules[i].size, {}};
    ++i;
  }
  if (!part.overlaps(other)) return {};
  return {errc::handoff_overlaps, part.addr > other.addr ? part.addr : other.addr};
}

/// A memory_range in memory is a map entry but for its reserved word, as on every 64-bit little-endian machine.
inline constexpr bool range_is_entry = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ &&
                                       sizeof(memory_range) == sizeof(abi::hvm_memmap_table_entry) &&
                                       offsetof(memory_range, size) == offsetof(abi::hvm_memmap_table_entry, size) &&
                                       offsetof(memory_range, type) == offsetof(abi::hvm_memmap_table_entry, type);

/// Writes a handoff that was checked: bytes in sequence, from one address after the other on. It asks the memory once
/// for as much as lies together. With Block, one part follows the other.
template <class Memory, bool Block> class handoff_writer {
 public:
  /// Whether writing is noexcept.
  static constexpr bool silent = writes_noexcept<Memory>;

  /// Keeps references to all of them.
  constexpr handoff_writer(const handoff& h, const Memory& memory, const handoff_layout& at) noexcept
      : h_(h), memory_(memory), at_(at) {}

  /// The next n bytes go to paddr. Returns whether they lie together.
  constexpr bool seek(uint64_t paddr, uint64_t n) noexcept(silent) {
    if (n == 0) return true;
    next_ = paddr;
    end_ = paddr + n;
    here_ = memory_.writable(paddr, n);
    return n <= here_.size();
  }

  /// False if a byte cannot be written: the memory has changed since it was checked. With Block, seek comes first.
  [[gnu::__always_inline__]] constexpr bool run() noexcept(silent) {
    const abi::hvm_start_info info{.magic = abi::hvm_start_magic_value,
                                   .version = h_.version,
                                   .flags = h_.flags,
                                   .nr_modules = narrow_cast<uint32_t>(h_.modules.size()),
                                   .modlist_paddr = at_.modlist_paddr,
                                   .cmdline_paddr = at_.cmdline_paddr,
                                   .rsdp_paddr = h_.rsdp_paddr,
                                   .memmap_paddr = at_.memmap_paddr,
                                   .memmap_entries = narrow_cast<uint32_t>(h_.memmap.size()),
                                   .reserved = h_.reserved};
    if constexpr (!Block) seek(at_.start_info_paddr, h_.start_info_size());
    put(info, narrow_cast<size_t>(h_.start_info_size()));
    if constexpr (!Block) seek(at_.modlist_paddr, h_.modlist_size());
    uint64_t text_at = at_.module_cmdlines_paddr;
    for (size_t i = 0; i < h_.modules.size(); ++i) {
      const handoff_module& m = h_.modules[i];
      const uint64_t n = size_with_nul(m.cmdline);
      put(abi::hvm_modlist_entry{.paddr = m.paddr,
                                 .size = m.size,
                                 .cmdline_paddr = n != 0 ? text_paddr(i, text_at) : 0,
                                 .reserved = m.reserved});
      text_at += n;
    }
    if constexpr (!Block) seek(at_.memmap_paddr, h_.memmap_size());
    put_memmap();
    if constexpr (!Block) seek(at_.cmdline_paddr, size_with_nul(h_.cmdline));
    put_text(h_.cmdline);
    text_at = at_.module_cmdlines_paddr;
    for (size_t i = 0; i < h_.modules.size(); ++i) {
      const string_ref& text = h_.modules[i].cmdline;
      if constexpr (!Block) {
        seek(text_paddr(i, text_at), size_with_nul(text));
        text_at += size_with_nul(text);
      }
      put_text(text);
    }
    return good_;
  }

 private:
  /// Where a module's command line goes if `in_a_row` is where it goes without addresses of its own.
  [[__nodiscard__]] constexpr uint64_t text_paddr(size_t module, uint64_t in_a_row) const noexcept {
    return Block || at_.module_cmdline_paddrs.empty() ? in_a_row : at_.module_cmdline_paddrs[module];
  }
  constexpr void advance(size_t n) noexcept {
    here_ = {here_.data() + n, here_.size() - n};
    next_ += n;
  }
  constexpr void put_bytes(const uint8_t* from, size_t n) noexcept(silent) {
    while (n != 0) {
      if (here_.empty()) here_ = memory_.writable(next_, end_ - next_);
      const size_t some = n < here_.size() ? n : here_.size();
      if (some == 0) {
        good_ = false;
        return;
      }
      if (__builtin_is_constant_evaluated())
        for (size_t i = 0; i < some; ++i) here_[i] = from[i];
      else
        __builtin_memcpy(here_.data(), from, some);
      advance(some);
      from += some;
      n -= some;
    }
  }
  /// The first n bytes of a wire struct.
  template <class Wire> constexpr void put(const Wire& wire, size_t n = sizeof(Wire)) noexcept(silent) {
    const auto raw = __builtin_bit_cast(array<uint8_t, sizeof wire>, wire);
    put_bytes(raw.data(), n);
  }
  /// A text and its NUL, if there is one.
  constexpr void put_text(const string_ref& text) noexcept(silent) {
    if (text.absent()) return;
    if (__builtin_is_constant_evaluated()) {
      for (const char c : text) {
        const auto byte = static_cast<uint8_t>(c);
        put_bytes(&byte, 1);
      }
    } else {
      put_bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
    }
    const uint8_t nul = 0;
    put_bytes(&nul, 1);
  }
  [[gnu::__always_inline__]] constexpr void put_memmap() noexcept(silent) {
    const size_t n = h_.memmap.size();
    if constexpr (range_is_entry) {
      if (!__builtin_is_constant_evaluated() && n != 0 && here_.size() >= h_.memmap_size()) {
        // One copy, and a store for each reserved word: a third of the instructions of an entry at a time.
        constexpr size_t stride = sizeof(abi::hvm_memmap_table_entry);
        constexpr size_t word_size = sizeof(abi::hvm_memmap_table_entry::reserved);
        __builtin_memcpy(here_.data(), h_.memmap.data(), n * stride);
        uint8_t* word = here_.data() + offsetof(abi::hvm_memmap_table_entry, reserved);
        for (const uint32_t reserved : h_.memmap_reserved) {
          store(word, le32{reserved});
          word += stride;
        }
        const size_t rest = n - h_.memmap_reserved.size();
        for (size_t i = rest / 8; i != 0; --i, word += 8 * stride) {
          __builtin_memset(word, 0, word_size);
          __builtin_memset(word + stride, 0, word_size);
          __builtin_memset(word + 2 * stride, 0, word_size);
          __builtin_memset(word + 3 * stride, 0, word_size);
          __builtin_memset(word + 4 * stride, 0, word_size);
          __builtin_memset(word + 5 * stride, 0, word_size);
          __builtin_memset(word + 6 * stride, 0, word_size);
          __builtin_memset(word + 7 * stride, 0, word_size);
        }
        for (size_t i = rest % 8; i != 0; --i, word += stride) __builtin_memset(word, 0, word_size);
        advance(n * stride);
        return;
      }
    }
    for (size_t i = 0; i < n; ++i) {
      const memory_range& r = h_.memmap[i];
      put(abi::hvm_memmap_table_entry{.addr = r.addr, .size = r.size, .type = r.type, .reserved = h_.reserved_of(i)});
    }
  }

  const handoff& h_;
  const Memory& memory_;
  const handoff_layout& at_;
  span<uint8_t> here_{};  ///< what lies together from next_ on
  uint64_t next_ = 0;
  uint64_t end_ = 0;  ///< of what was asked for
  bool good_ = true;
};

/// Writes the handoff as one block of h.size_bytes() bytes at paddr, of which each is written.
template <writable_memory Memory>
[[gnu::__always_inline__]] constexpr result<void> write(const handoff& h, const Memory& memory,
                                                        uint64_t paddr) noexcept(writes_noexcept<Memory>) {
  const memory_range block{paddr, h.size_bytes(), {}};
  if (auto good = check_values(h); !good) return good;
  if (paddr == 0) return {errc::start_info_absent, 0};
  if (auto good = check_place(h, block); !good) return good;
  if (paddr > 0x100000000 - h.start_info_size()) return {errc::handoff_too_high, paddr};
  const handoff_layout at = handoff_layout::block(h, paddr);
  handoff_writer<Memory, true> writer{h, memory, at};
  if (!writer.seek(paddr, block.size))
    if (const uint64_t there = writable_bytes(memory, paddr, block.size); there != block.size)
      return {errc::handoff_unwritable, paddr + there};
  if (!writer.run()) return {errc::handoff_unwritable, paddr};
  return {};
}
/// The same into bytes that lie at paddr in the guest. A template, so that an include alone does not instantiate it.
template <class Window = writable_window>
[[gnu::__always_inline__]] constexpr result<void> write(const handoff& h, span<uint8_t> block,
                                                        uint64_t paddr) noexcept {
  return write(h, Window{paddr, block}, paddr);
}

/// Makes the handoff's memory map sorted and disjoint, in `map`, which it then refers to and which must have a scratch
/// slot for each entry. Reserved words are lost, since entries merge and split. Fails with map_full and
/// scratch_too_small; the handoff is then as it was.
constexpr result<void> sort_memmap(handoff& h, memory_map& map) noexcept {
  map.clear();
  if (auto done = map.append(h.memmap); !done) return done;
  if (auto done = map.sanitize(); !done) return done;
  h.memmap = {map.data(), map.size()};
  h.memmap_reserved = {};
  return {};
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
