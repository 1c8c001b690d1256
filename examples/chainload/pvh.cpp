// SPDX-License-Identifier: BSL-1.0
//
// An ELF kernel with a PHYS32_ENTRY note: loads it and enters it through PVH, with a handoff that has the memory map,
// RSDP, flags and command line of this boot loader's own, and the modules that are left.
//
// The kernel stays where it is linked if that is RAM. Files that lie there are moved away; this program itself may be
// overwritten, since the last instructions run from a page of their own. If that is not RAM, and the kernel has a
// PHYS32_RELOC note, it goes to the highest base that the note allows; with the word `chainload.kaslr` in the command
// line it goes to a random one.
#include <pvhboot/producer.hpp>
#include <pvhboot/pvh/values_of.hpp>

#include "chainload.hpp"
#include "enter.hpp"

using example::hex;
using example::line;

namespace chainload {

namespace {

pvhboot::memory_map_buffer<map_slots> usable_buffer;
pvhboot::memory_map_buffer<map_slots> free_buffer;
pvhboot::handoff_buffer<64, map_slots> handoff_buffer;

bool has_word(pvhboot::string_ref text, pvhboot::string_ref word) {
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin;
    while (end < text.size() && text[end] != ' ') ++end;
    size_t same = 0;
    while (same < word.size() && begin + same < end && text[begin + same] == word[same]) ++same;
    if (same == word.size() && begin + same == end) return true;
    begin = end + 1;
  }
  return false;
}

/// 64 bits of RDRAND, or where the CPU lacks it, of the time stamp counter, mixed (the finaliser of splitmix64).
uint64_t random_number() {
  uint32_t eax = 1, ebx = 0, ecx = 0, edx = 0;
  asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  const auto rdrand = [](uint32_t& word) {
    uint8_t ok = 0;
    for (unsigned tries = 0; tries < 10 && ok == 0; ++tries) asm volatile("rdrand %0; setc %1" : "=r"(word), "=q"(ok));
    return ok != 0;
  };
  uint32_t low = 0, high = 0;
  if ((ecx & 1u << 30) != 0 && rdrand(low) && rdrand(high)) return uint64_t{high} << 32 | low;
  asm volatile("rdtsc" : "=a"(low), "=d"(high));
  uint64_t mixed = uint64_t{high} << 32 | low;
  mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
  return mixed ^ mixed >> 31;
}

// Not inlined: each is called twice.
[[gnu::noinline]] pvhboot::elf_image read_image(bytes file) { return must(pvhboot::parse_elf(file)); }
[[gnu::noinline]] pvhboot::result<uint64_t> linked_or_highest(const pvhboot::elf_image& image,
                                                              const pvhboot::phys32_reloc& reloc,
                                                              const pvhboot::memory_map& free) {
  return pvhboot::choose_base(image, reloc, free);
}

uint64_t choose_base(const pvhboot::elf_image& image, const pvhboot::phys32_reloc& reloc, bool at_random,
                     const pvhboot::memory_map& usable, const pvhboot::memory_map& free) {
  if (at_random && !reloc.relocatable) line(who, "chainload.kaslr has no effect: the kernel has no PHYS32_RELOC note");
  if (at_random && reloc.relocatable) {
    line(who, "chainload.kaslr: ", count_bases(image, reloc, free), " bases");
    return must(pvhboot::choose_base(image, reloc, free, random_number()));
  }
  if (const auto base = linked_or_highest(image, reloc, free)) return *base;
  return must(linked_or_highest(image, reloc, usable));
}

/// A free place of n bytes below 4 GiB, which is free no longer.
[[gnu::noinline]] uint64_t take(pvhboot::memory_map& free, uint64_t n, uint64_t highest) {
  auto place = find_highest_ram(free, n, 4096, 0x10000, highest);
  if (!place) place = find_highest_ram(free, n, 4096, 0x10000, 0xffffffff);
  const uint64_t at = must(place);
  must(reserve(free, at, n));
  return at;
}

/// The file at a place where the kernel does not overwrite it.
bytes moved_away(bytes file, const pvhboot::memory_range& kernel, pvhboot::memory_map& free) {
  if (!kernel.overlaps({address_of(file), file.size(), {}})) return file;
  const uint64_t to = take(free, file.size(), 0xffffffff);
  __builtin_memcpy(pointer_to(to), file.data(), file.size());
  line(who, "moved [", hex{address_of(file)}, ", ", hex{address_of(file) + file.size()}, ") to ", hex{to});
  return {pointer_to(to), file.size()};
}

/// The modules after the kernel. What follows an archive in the first module comes first.
pvhboot::span<pvhboot::handoff_module> find_modules(const cargo& load, const boot_info& boot) {
  const pvhboot::span<pvhboot::handoff_module> all{handoff_buffer.modules.data(), boot.modules().size()};
  if (load.archive_rest.empty()) return all.after(1);
  all[0] = {.paddr = address_of(load.archive_rest), .size = load.archive_rest.size(), .cmdline = {}};
  return all;
}

}  // namespace

void boot_pvh(const cargo& load, const boot_info& boot, pvhboot::memory_map& map) {
  const size_t received = map.size();
  must(map.sanitize());
  line(who, "memory map ", uint64_t{received}, " entries received, ", uint64_t{map.size()}, " after sanitising");
  for (const pvhboot::memory_range& r : map) example::report_range(who, "map sanitised", r);
  const pvhboot::elf_image image = read_image(load.kernel);
  const auto entry = must(find_phys32_entry(image));
  const auto reloc = must(find_phys32_reloc(image));
  line(who, "kernel ELF, PVH entry ", hex{entry.paddr}, ", ", uint64_t{load.kernel.size()}, " bytes at ",
       hex{address_of(load.kernel)});

  pvhboot::memory_map usable{usable_buffer};
  find_usable(usable, map);
  pvhboot::memory_map free{free_buffer};
  must(free.append(usable));
  must(reserve_handoff(free, boot));
  reserve_this_program(free);
  const bool at_random = has_word(load.cmdline, "chainload.kaslr");
  const auto place = must(place_image(image, entry, choose_base(image, reloc, at_random, usable, free)));
  const pvhboot::memory_range kernel{place.base, image.size(), pvhboot::memory_type::ram};
  // The code that copies the segments has 32-bit pointers, and no machine has to leave a hole below 4 GiB.
  if (kernel.last() > 0xffffffff) refuse({pvhboot::errc::kernel_too_high, kernel.addr + kernel.size});
  line(who, "placed kernel [", hex{kernel.addr}, ", ", hex{kernel.addr + kernel.size}, ") moved by ", hex{place.shift});
  must(reserve(free, kernel.addr, kernel.size));

  pvhboot::handoff values = must(values_of(boot, handoff_buffer, pvhboot::unreadable_cmdline::drop));
  const auto modules = find_modules(load, boot);
  const uint64_t last_page = take(free, 4096, 0x3fffffff);
  values.version = values.version != 0 ? 1 : 0;
  values.cmdline = load.cmdline;
  values.modules = modules;
  // All that is written here goes to free memory: what the handoff is made of stays in place until the last step.
  const uint64_t size = values.size_bytes();
  const uint64_t start_info = take(free, size, 0x3fffffff);
  for (pvhboot::handoff_module& m : modules) {
    if (m.size == 0) continue;
    m.paddr = address_of(moved_away(must(boot.contents_of(pvhboot::boot_module{m.paddr, m.size, 0})), kernel, free));
    line(who, "placed module [", hex{m.paddr}, ", ", hex{m.paddr + m.size}, ")");
  }
  must(write(values, pvhboot::writable_identity_map{}, start_info));
  const bytes file = moved_away(load.kernel, kernel, free);
  line(who, "placed start_info ", hex{start_info}, " (", size, " bytes)");
  line(who, "entering ", hex{place.entry});
  enter_pvh(last_page, read_image(file), place.shift, place.entry, start_info);
}

}  // namespace chainload
