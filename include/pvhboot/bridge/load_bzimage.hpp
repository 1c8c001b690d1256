// SPDX-License-Identifier: BSL-1.0
//
// Opt-in: Linux's own boot protocols for a VMM, so that a bzImage needs no PVH note: chooses all places, writes kernel,
// command line and zero page into guest memory, and gives the state of the CPU at the entry. Source: boot.rst, "32-bit
// Boot Protocol" and "64-bit Boot Protocol".
//
//     if (auto done = prepare_for_linux(map); !done) return done.error();
//     const pvhboot::linux_request request{.cmdline = "console=ttyS0", .initrd_size = initrd_size, .entry_64 = true};
//     const auto start = load_bzimage(*kernel, request, map, free_ram, guest);
//     if (!start) return start.error();
//     use(start->layout.initrd_paddr);                    // copy the initrd there
//     to_kvm(start->cpu, sregs, regs);                    // and enter
//
// `map` becomes Linux's memory map. `free_ram` is that map without what is in use, such as ACPI tables in RAM; all that
// load_bzimage places is taken out of it. The VMM copies the initrd.
//
// Everything is checked before the first byte is written, but 4 KiB of stack hold the zero page. Fails as place_kernel,
// place_initrd, translate and check_placement do, and with
// - linux_no_room: no free RAM for zero page, page tables and command line;
// - linux_nul_in_cmdline: Linux would read only what comes before it;
// - load_unwritable: a place does not lie in writable memory, or the table for more than 128 ranges not in one piece.
#pragma once

#include <pvhboot/abi/begin.def>
#include <pvhboot/core/writable_memory.hpp>
#include <pvhboot/linux/boot_loader.hpp>
#include <pvhboot/pvh/entry_state.hpp>

namespace pvhboot {

/// What a guest is booted with.
struct linux_request {
  string_ref cmdline{};      ///< absent: none
  uint64_t initrd_size = 0;  ///< bytes; 0: none
  uint64_t rsdp_paddr = 0;   ///< 0: not given
  bool entry_64 = false;  ///< by the 64-bit protocol, in long mode with the first 4 GiB mapped; else by the 32-bit one
  uint16_t loader = 0xf;  ///< as in linux_layout
  uint16_t loader_version = 0xf;  ///< as in linux_layout
};

/// A guest that is ready: where its parts lie, and how to enter it.
struct linux_start {
  linux_layout layout{};  ///< where the parts lie
  entry_state cpu{};      ///< for to_kvm
};

/// The work of load_bzimage.
template <class Memory> class bzimage_loader {
 public:
  /// Whether load() is noexcept.
  static constexpr bool silent = writes_noexcept<Memory>;

  /// Keeps references to all of them.
  constexpr bzimage_loader(const bzimage& kernel, const linux_request& request, const memory_map& map, memory_map& free,
                           const Memory& memory) noexcept
      : kernel_(kernel), request_(request), map_(map), free_(free), memory_(memory) {}

  /// Places, checks and writes everything.
  constexpr result<linux_start> load() noexcept(silent) {
    if (auto placed = place(); !placed) return placed.error();
    const uint64_t unwritable = first_unwritable();
    if (unwritable != ~uint64_t{}) return {errc::load_unwritable, unwritable};
    const span<uint8_t> storage = memory_.writable(nodes_at_, nodes_size_);
    if (storage.size() < nodes_size_) return {errc::load_unwritable, nodes_at_ + storage.size()};
    setup_data_writer nodes{storage.first(narrow_cast<size_t>(nodes_size_)), nodes_at_};
    const memory_range tables{tables_at_, tables_size(), {}};
    start_.layout.keep = span<const memory_range>{&tables, 1};
    abi::boot_params zero_page{};
    if (auto done = translate(kernel_, start_.layout, map_, zero_page, &nodes); !done) return done.error();
    start_.layout.keep = {};
    if (!write(zero_page)) return {errc::load_unwritable, start_.layout.zero_page_paddr};
    set_cpu();
    return start_;
  }

 private:
  static constexpr uint64_t page = 4096;
  static constexpr uint64_t big_page = 0x200000;
  static constexpr uint64_t mapped_pages = 2048;  // of 2 MiB each: 4 GiB
  static constexpr uint64_t gdt_offset = 6 * page;
  // Linux reads 2048 bytes from the address of the command line, whatever its length.
  static constexpr uint64_t least_cmdline = 2048;

  /// A table of the top level, one of the next, four directories, and a page for the GDT; or the GDT alone.
  [[__nodiscard__]] constexpr uint64_t tables_size() const noexcept {
    return request_.entry_64 ? gdt_offset + page : page;
  }
  [[__nodiscard__]] constexpr uint64_t gdt_at() const noexcept { return tables_at_ + (tables_size() - page); }
  [[__nodiscard__]] constexpr uint64_t cmdline_bytes() const noexcept {
    const uint64_t n = request_.cmdline.size() + uint64_t{1};
    return n > least_cmdline ? n : least_cmdline;
  }

  constexpr result<void> place() noexcept {
    for (size_t i = 0; i < request_.cmdline.size(); ++i)
      if (request_.cmdline[i] == '\0') return {errc::linux_nul_in_cmdline, i};
    const auto kernel_place = place_kernel(kernel_, free_);
    if (!kernel_place) return kernel_place.error();
    if (auto done = free_.punch(kernel_place->load_paddr, kernel_place->load_size); !done) return done;
    if (auto done = free_.punch(kernel_place->runtime_start, kernel_place->runtime_size); !done) return done;
    linux_layout& layout = start_.layout;
    layout = {.kernel = *kernel_place,
              .entry_64 = request_.entry_64,
              .cmdline_size = request_.cmdline.size(),
              .initrd_size = request_.initrd_size,
              .rsdp_paddr = request_.rsdp_paddr,
              .loader = request_.loader,
              .loader_version = request_.loader_version};
    if (layout.initrd_size != 0) {
      const auto initrd = place_initrd(kernel_, layout.initrd_size, free_);
      if (!initrd) return initrd.error();
      layout.initrd_paddr = *initrd;
      if (auto done = free_.punch(*initrd, layout.initrd_size); !done) return done;
    }
    nodes_size_ = e820_ext_size(map_);
    const uint64_t all = page + tables_size() + cmdline_bytes() + nodes_size_;
    auto block = find_highest_ram(free_, all, page, 0x10000, 0x9ffff);
    if (!block) block = find_highest_ram(free_, all, page, 0x100000, 0xffffffff);
    if (!block) return {errc::linux_no_room, all};
    if (auto done = free_.punch(*block, all); !done) return done;
    layout.zero_page_paddr = *block;
    tables_at_ = *block + page;
    layout.cmdline_paddr = tables_at_ + tables_size();
    nodes_at_ = layout.cmdline_paddr + cmdline_bytes();
    return {};
  }

  /// 2^64 - 1 if all that is written can be.
  [[__nodiscard__]] constexpr uint64_t first_unwritable() const noexcept(silent) {
    const linux_layout& at = start_.layout;
    const memory_range places[] = {{at.kernel.load_paddr, at.kernel.load_size, {}},
                                   {at.zero_page_paddr, nodes_at_ - at.zero_page_paddr + nodes_size_, {}}};
    for (const memory_range& p : places)
      if (const uint64_t n = writable_bytes(memory_, p.addr, p.size); n != p.size) return p.addr + n;
    return ~uint64_t{};
  }

  /// False if the memory has changed since it was checked.
  [[__nodiscard__]] constexpr bool write(const abi::boot_params& zero_page) noexcept(silent) {
    const linux_layout& at = start_.layout;
    const uint64_t cleared = nodes_at_ - at.zero_page_paddr;
    bool good = write_bytes(memory_, at.kernel.load_paddr, kernel_.code()) == kernel_.code().size();
    good &= write_zeros(memory_, at.zero_page_paddr, cleared) == cleared;
    good &= write_struct(memory_, at.zero_page_paddr, zero_page);
    for (size_t i = 0; i < request_.cmdline.size(); ++i)
      good &=
          write_struct(memory_, at.cmdline_paddr + i, array<uint8_t, 1>{{static_cast<uint8_t>(request_.cmdline[i])}});
    const segment_state code = request_.entry_64 ? code_64 : code_32;
    good &= write_struct(memory_, gdt_at(),
                         array<le64, 4>{{uint64_t{0}, uint64_t{0}, code.descriptor(), data.descriptor()}});
    if (request_.entry_64) good &= write_page_tables();
    return good;
  }

  [[__nodiscard__]] constexpr bool write_page_tables() noexcept(silent) {
    constexpr uint64_t present_writable = 3, is_big = 0x80;
    bool good = true;
    const auto put = [&](uint64_t table, uint64_t index, uint64_t entry) noexcept(silent) {
      good &= write_struct(memory_, table + index * sizeof(le64), le64{entry});
    };
    put(tables_at_, 0, (tables_at_ + page) | present_writable);
    for (uint64_t i = 0; i < 4; ++i) put(tables_at_ + page, i, (tables_at_ + (2 + i) * page) | present_writable);
    for (uint64_t i = 0; i < mapped_pages; ++i) put(tables_at_ + 2 * page, i, i * big_page | is_big | present_writable);
    return good;
  }

  constexpr void set_cpu() noexcept {
    constexpr uint64_t pg = uint64_t{1} << 31, pae = 1u << 5, lme = 1u << 8, lma = 1u << 10;
    entry_state& cpu = start_.cpu;
    cpu.eip = start_.layout.kernel.load_paddr;
    cpu.esi = start_.layout.zero_page_paddr;
    cpu.cs = request_.entry_64 ? code_64 : code_32;
    cpu.ds = cpu.es = cpu.fs = cpu.gs = cpu.ss = data;
    cpu.gdt = {gdt_at(), 4 * sizeof(le64) - 1};
    if (!request_.entry_64) return;
    cpu.eip += 0x200;
    cpu.cr0 |= pg;
    cpu.cr3 = tables_at_;
    cpu.cr4 = pae;
    cpu.efer = lme | lma;
  }

  // __BOOT_CS and __BOOT_DS of boot.rst.
  static constexpr segment_state code_32{0x10, 0xc9b, 0xffffffff, 0};
  static constexpr segment_state code_64{0x10, 0xa9b, 0xffffffff, 0};
  static constexpr segment_state data{0x18, 0xc93, 0xffffffff, 0};

  const bzimage& kernel_;
  const linux_request& request_;
  const memory_map& map_;
  memory_map& free_;
  const Memory& memory_;
  linux_start start_{};
  uint64_t tables_at_ = 0;
  uint64_t nodes_at_ = 0;
  uint64_t nodes_size_ = 0;
};

/// See the head of this file. After a failure free_ram lacks what had a place already.
template <writable_memory Memory>
constexpr result<linux_start> load_bzimage(const bzimage& kernel, const linux_request& request, const memory_map& map,
                                           memory_map& free_ram,
                                           const Memory& memory) noexcept(writes_noexcept<Memory>) {
  return bzimage_loader<Memory>{kernel, request, map, free_ram, memory}.load();
}

}  // namespace pvhboot

#include <pvhboot/abi/end.def>
