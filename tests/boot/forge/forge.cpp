// SPDX-License-Identifier: BSL-1.0
//
// Rewrites QEMU's handoff into one that QEMU cannot make, and enters chainload, which is linked into the same image, as
// PVH does.
//
// The first word of the command line selects the change; chainload gets the other words.
//   entries=N    the lowest 2 * N pages of RAM above 64 MiB below the top alternate between RAM and reserved: N more
//                entries of each, unsorted
//   state        chainload is entered in the worst state that the protocol allows and that producers have made: no
//                stack pointer, no es, fs, gs and ldt, the direction flag set, garbage in the other registers
//   modules      the one module is an archive for chainload: kernel and initrd become separate modules, and the
//                initrd is split into two halves
#include "../../../examples/chainload/cpio.hpp"
#include "../../../examples/common/report.hpp"

extern "C" [[noreturn]] void chainload_main(uint32_t start_info);
extern "C" [[noreturn]] void _start();

namespace {

namespace abi = pvhboot::abi;
using chainload::bytes;

constexpr size_t most_entries = 1024;
abi::hvm_start_info info;
abi::hvm_memmap_table_entry map[most_entries];
abi::hvm_modlist_entry modules[3];

uint64_t address_of(const void* p) { return reinterpret_cast<uintptr_t>(p); }

/// The number after "entries=" at the beginning of the command line, or 0.
uint32_t wanted_entries(pvhboot::string_ref cmdline) {
  constexpr char key[] = "entries=";
  uint32_t n = 0;
  for (size_t i = 0; i < cmdline.size() && cmdline[i] != ' '; ++i) {
    if (i < sizeof key - 1 ? cmdline[i] != key[i] : cmdline[i] < '0' || cmdline[i] > '9') return 0;
    if (i >= sizeof key - 1) n = n * 10 + static_cast<uint32_t>(cmdline[i] - '0');
  }
  return n;
}

/// Adds reserved pages to the map, every other page below the end of low RAM, in descending order.
void scatter(uint32_t n) {
  uint32_t count = 0;
  uint64_t end = 0;
  const auto* table = reinterpret_cast<const abi::hvm_memmap_table_entry*>(static_cast<uintptr_t>(info.memmap_paddr));
  for (uint32_t i = 0; i < info.memmap_entries && count < most_entries; ++i) {
    const abi::hvm_memmap_table_entry e = map[count++] = table[i];
    if (e.type == pvhboot::memory_type::ram && e.addr == 0x100000u) end = e.addr + e.size;
  }
  for (uint64_t at = (end - (uint64_t{64} << 20)) & ~uint64_t{0xfff}; n > 0 && count < most_entries; --n, at -= 0x2000)
    map[count++] = {.addr = at, .size = 0x1000, .type = pvhboot::memory_type::reserved};
  info.memmap_paddr = address_of(map);
  info.memmap_entries = count;
}

/// Makes modules of the kernel and of the initrd of the archive, the initrd as two pieces aligned to 512 bytes.
void split(bytes archive) {
  const chainload::archive found = chainload::read_archive(archive);
  if (!found.ok) return;
  const size_t middle = found.rest.size() / 2 & ~size_t{511};
  modules[0] = {.paddr = address_of(found.kernel.data()), .size = uint64_t{found.kernel.size()}};
  modules[1] = {.paddr = address_of(found.rest.data()), .size = uint64_t{middle}};
  modules[2] = {.paddr = address_of(found.rest.data() + middle), .size = uint64_t{found.rest.size() - middle}};
  info.modlist_paddr = address_of(modules);
  info.nr_modules = 3u;
}

/// Whether the command line begins with this word.
template <size_t N> bool asks_for(pvhboot::string_ref cmdline, const char (&word)[N]) {
  for (size_t i = 0; i < N - 1; ++i)
    if (i == cmdline.size() || cmdline[i] != word[i]) return false;
  return true;
}

bool entered_again = false;

/// Enters chainload with garbage in everything that docs/misc/pvh.pandoc leaves unspecified, and with es unset, as Xen
/// before 4.14 does. QEMU loads no TSS either.
[[noreturn]] void enter_badly() {
  entered_again = true;
  asm volatile(
      "xor %%ecx, %%ecx; lldt %%cx; mov %%cx, %%es; mov %%cx, %%fs; mov %%cx, %%gs; xor %%esp, %%esp\n\t"
      "mov $0xdeadbeef, %%eax; mov %%eax, %%ecx; mov %%eax, %%edx; mov %%eax, %%edi; mov %%eax, %%ebp; std\n\t"
      "jmp *%%esi"
      :
      : "b"(&info), "S"(&_start)
      : "memory");
  __builtin_unreachable();
}

}  // namespace

extern "C" [[noreturn]] void kernel_main(uint32_t start_info) {
  if (entered_again) chainload_main(start_info);
  const auto boot = pvhboot::parse(pvhboot::identity_map{}, start_info);
  if (!boot || boot->modules().empty()) example::end_machine(0x7e);
  info = boot->wire();
  size_t word = 0;
  while (word < boot->cmdline().size() && boot->cmdline()[word] != ' ') ++word;
  info.cmdline_paddr = info.cmdline_paddr + (word < boot->cmdline().size() ? word + 1 : word);
  if (asks_for(boot->cmdline(), "state ")) enter_badly();
  if (const uint32_t n = wanted_entries(boot->cmdline()); n != 0)
    scatter(n);
  else
    split(*boot->contents_of(boot->modules()[0]));
  chainload_main(static_cast<uint32_t>(address_of(&info)));
}
