// SPDX-License-Identifier: BSL-1.0
//
// A boot loader. Entered through PVH, it starts a kernel with the memory map, RSDP, command line and modules of the
// handoff: a Linux bzImage through the 32-bit entry (linux.cpp), an ELF kernel through PVH (pvh.cpp).
//
// Modules: a kernel, then its modules, which are Linux's initrd; or a first module that begins with a cpio "newc"
// archive of `vmlinuz` and optionally `cmdline`, and whose remaining bytes are a module. Without `cmdline` the kernel
// gets the command line of this boot loader.
//
// On an error it prints one line that names the broken rule, and ends the machine with the code `refused`.
#include "chainload.hpp"

extern "C" const uint8_t image_begin[];
extern "C" const uint8_t image_end[];

namespace chainload {

void refuse(const pvhboot::failure& f) {
  example::report_error(who, f);
  example::end_machine(example::refused);
}
void refuse(pvhboot::string_ref rule, pvhboot::string_ref sentence, pvhboot::string_ref word, uint64_t where) {
  example::report_error(who, rule, sentence, word, where);
  example::end_machine(example::refused);
}

void find_usable(pvhboot::memory_map& usable, const pvhboot::memory_map& map) {
  must(usable.append(map));
  must(reserve(usable, 0, 0x1000));
  must(reserve(usable, pvhboot::isa_hole.addr, pvhboot::isa_hole.size));
}

void reserve_this_program(pvhboot::memory_map& free) {
  must(reserve(free, address_of({image_begin, 0}), static_cast<uint64_t>(image_end - image_begin)));
}

namespace {

pvhboot::memory_map_buffer<map_slots> buffer;

/// Finds the kernel and the command line in the modules.
cargo unload(const boot_info& boot) {
  cargo found{.cmdline = boot.cmdline()};
  const auto modules = boot.modules();
  if (modules.empty())
    refuse("no_module", "no module: a kernel is needed", "address",
           boot.paddr() + offsetof(pvhboot::abi::hvm_start_info, nr_modules));
  found.kernel = must(boot.contents_of(modules[0]));
  if (!is_newc(found.kernel)) return found;
  const archive a = read_archive(found.kernel);
  if (!a.ok) refuse("damaged_archive", "the cpio archive is damaged", "offset", a.offset);
  if (a.kernel.empty())
    refuse("no_kernel_in_archive", "the cpio archive holds no vmlinuz", "address", address_of(found.kernel));
  found.kernel = a.kernel;
  found.archive_rest = a.rest;
  if (!a.has_cmdline) return found;
  bytes text = a.cmdline;
  while (!text.empty() && text[text.size() - 1] == '\n') text = text.first(text.size() - 1);
  for (const uint8_t& c : text)
    if (c == 0)
      refuse("cmdline_has_nul", "the command line in the archive has a NUL", "offset",
             static_cast<uint64_t>(&c - text.data()));
  found.cmdline = {reinterpret_cast<const char*>(text.data()), text.size()};
  return found;
}

bool is_elf(bytes file) {
  return file.size() >= 4 && pvhboot::string_ref{file.data(), 4} ==
                                 "\x7f"
                                 "ELF";
}

}  // namespace

}  // namespace chainload

extern "C" [[noreturn]] void kernel_main(uint32_t start_info) {
  using namespace chainload;
  example::xen::begin();
  const auto boot = must(pvhboot::parse(pvhboot::identity_map{}, start_info));
  example::report(who, boot);
  pvhboot::memory_map map{buffer};
  must(example::receive(who, boot, map));
  if (map.empty()) refuse("no_memory_map", "the handoff has no memory map", "address", boot.paddr());
  const cargo load = unload(boot);
  if (is_elf(load.kernel)) boot_pvh(load, boot, map);
  boot_linux(load, boot, map);
}
