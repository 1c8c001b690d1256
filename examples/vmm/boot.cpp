// SPDX-License-Identifier: BSL-1.0
#include "boot.hpp"

#include <algorithm>

#include "acpi.hpp"

namespace vmm {

using pvhboot::memory_range;
using pvhboot::memory_type;

namespace {

constexpr uint64_t gib = uint64_t{1} << 30;

pvhboot::result<void> copy(const pvhboot::memory_pieces& guest, uint64_t paddr, const bytes& from) {
  const uint64_t n = write_bytes(guest, paddr, pvhboot::span<const uint8_t>{from});
  if (n != from.size()) return {pvhboot::errc::load_unwritable, paddr + n};
  return {};
}

/// An ELF kernel, with what goes with it, through PVH.
pvhboot::result<void> boot_elf(const boot_options& options, const bytes& kernel,
                               const std::vector<const module*>& modules, const pvhboot::memory_pieces& guest,
                               booted& made) {
  const auto image = pvhboot::parse_elf(kernel);
  if (!image) return image.error();
  const auto entry = find_phys32_entry(*image);
  if (!entry) return entry.error();
  const auto reloc = find_phys32_reloc(*image);
  if (!reloc) return reloc.error();
  if (options.random && !reloc->relocatable) return {pvhboot::errc::not_relocatable, image->base()};

  pvhboot::memory_map_buffer<64> buffers[2];
  pvhboot::memory_map map{buffers[0]};
  pvhboot::memory_map scratch{buffers[1]};
  for (const memory_range& r : ram_of(options.memory))
    if (auto done = map.append(r); !done) return done.error();
  if (auto done = map.sanitize(); !done) return done.error();
  for (const module* m : modules)
    made.modules.push_back({.size = m->contents.size(),
                            .cmdline = m->has_cmdline ? pvhboot::string_ref{m->cmdline.data(), m->cmdline.size()}
                                                      : pvhboot::string_ref{}});
  const pvhboot::boot_request request{.kernel = kernel_extent_of(*image, *entry, *reloc),
                                      .cmdline = {options.append.data(), options.append.size()},
                                      .modules = made.modules,
                                      .acpi_size = acpi_size(options.cpus)};
  const auto plan =
      options.random ? plan_boot(map, scratch, request, *options.random) : plan_boot(map, scratch, request);
  if (!plan) return plan.error();
  if (auto done = load_image(*image, guest, plan->kernel_shift); !done) return done.error();
  for (size_t i = 0; i < modules.size(); ++i)
    if (auto done = copy(guest, made.modules[i].paddr, modules[i]->contents); !done) return done.error();
  const uint64_t rsdp = plan->handoff.rsdp_paddr;
  if (auto done = copy(guest, rsdp, make_acpi(rsdp, options.cpus)); !done) return done.error();
  if (auto done = write(plan->handoff, guest, plan->start_info_paddr); !done) return done.error();

  made.cpu = {plan->entry, plan->start_info_paddr};
  made.start_info = plan->start_info_paddr;
  made.bases = plan->bases;
  made.map.assign(map.begin(), map.end());
  made.pieces = {{"kernel", plan->kernel_base, image->size()},
                 {"handoff", plan->start_info_paddr, plan->handoff.size_bytes()},
                 {"ACPI", rsdp, acpi_size(options.cpus)}};
  for (size_t i = 0; i < modules.size(); ++i)
    made.pieces.push_back({"module " + std::to_string(i), made.modules[i].paddr, made.modules[i].size});
  return {};
}

/// A bzImage by one of Linux's own protocols. The first module is the initrd.
pvhboot::result<void> boot_linux(const boot_options& options, const pvhboot::memory_pieces& guest, booted& made) {
  const auto kernel = pvhboot::parse_bzimage(options.kernel);
  if (!kernel) return kernel.error();
  pvhboot::memory_map_buffer<64> buffers[2];
  pvhboot::memory_map map{buffers[0]};
  pvhboot::memory_map free_ram{buffers[1]};
  for (const memory_range& r : ram_of(options.memory))
    if (auto done = map.append(r); !done) return done.error();
  if (auto done = prepare_for_linux(map); !done) return done.error();
  const uint64_t acpi_bytes = (acpi_size(options.cpus) + 4095) & ~uint64_t{4095};
  const auto rsdp = find_highest_ram(map, acpi_bytes, 4096, 0x100000, 0xffffffff);
  if (!rsdp) return rsdp.error();
  if (auto done = map.overwrite({*rsdp, acpi_bytes, memory_type::acpi}); !done) return done.error();
  if (auto done = free_ram.append(map); !done) return done.error();
  if (auto done = free_ram.sanitize(); !done) return done.error();
  const bytes none;
  const bytes& initrd = options.modules.empty() ? none : options.modules[0].contents;
  const pvhboot::linux_request request{.cmdline = {options.append.data(), options.append.size()},
                                       .initrd_size = initrd.size(),
                                       .rsdp_paddr = *rsdp,
                                       .entry_64 = options.via == way::linux64};
  const auto start = load_bzimage(*kernel, request, map, free_ram, guest);
  if (!start) return start.error();
  if (auto done = copy(guest, start->layout.initrd_paddr, initrd); !done && !initrd.empty()) return done.error();
  if (auto done = copy(guest, *rsdp, make_acpi(*rsdp, options.cpus)); !done) return done.error();
  made.cpu = start->cpu;
  made.map.assign(map.begin(), map.end());
  made.pieces = {{"kernel file", start->layout.kernel.load_paddr, start->layout.kernel.load_size},
                 {"kernel", start->layout.kernel.runtime_start, start->layout.kernel.runtime_size},
                 {"zero page", start->layout.zero_page_paddr, 4096},
                 {"command line", start->layout.cmdline_paddr, options.append.size() + 1},
                 {"ACPI", *rsdp, acpi_size(options.cpus)}};
  if (!initrd.empty()) made.pieces.push_back({"initrd", start->layout.initrd_paddr, initrd.size()});
  return {};
}

}  // namespace

std::vector<memory_range> ram_of(uint64_t memory) {
  const uint64_t low = std::min(memory, 3 * gib);
  std::vector<memory_range> ram{{0, 0xa0000, memory_type::ram}};
  if (low > 0x100000) ram.push_back({0x100000, low - 0x100000, memory_type::ram});
  if (memory > low) ram.push_back({4 * gib, memory - low, memory_type::ram});
  return ram;
}

pvhboot::result<void> boot(const boot_options& options, const pvhboot::memory_pieces& guest, booted& made) {
  if (options.via == way::linux32 || options.via == way::linux64) return boot_linux(options, guest, made);
  std::vector<const module*> modules;
  module kernel;
  if (options.via == way::pvh_loader) {
    kernel.contents = options.kernel;
    modules.push_back(&kernel);
  }
  for (const module& m : options.modules) modules.push_back(&m);
  return boot_elf(options, options.via == way::pvh_loader ? options.loader : options.kernel, modules, guest, made);
}

}  // namespace vmm
