// SPDX-License-Identifier: BSL-1.0
#include "boot.hpp"

#include "acpi.hpp"
#include "memory.hpp"

namespace vmm {

using pvhboot::memory_map;
using pvhboot::memory_type;

namespace {

constexpr auto fresh = pvhboot::memory_before::zeroes;  // guest_memory is

pvhboot::string_ref ref(const std::string& text) { return {text.data(), text.size()}; }

pvhboot::result<void> copy(const pvhboot::memory_pieces& guest, uint64_t paddr, bytes from) {
  const uint64_t n = write_bytes(guest, paddr, from);
  if (n != from.size()) return {pvhboot::errc::load_unwritable, paddr + n};
  return {};
}

/// An ELF kernel, with what goes with it, through PVH.
pvhboot::result<void> boot_elf(const boot_options& options, memory_map& map, memory_map& scratch,
                               const pvhboot::memory_pieces& guest, booted& made) {
  const auto image = pvhboot::parse_elf(options.via == way::pvh_loader ? options.loader : options.kernel.contents);
  if (!image) return image.error();
  const auto entry = find_phys32_entry(*image);
  if (!entry) return entry.error();
  const auto reloc = find_phys32_reloc(*image);
  if (!reloc) return reloc.error();
  if (options.random && !reloc->relocatable) return {pvhboot::errc::not_relocatable, image->base()};

  const std::vector<module> modules = modules_of(options);
  for (const module& m : modules)
    made.modules.push_back(
        {.size = m.contents.size(), .cmdline = m.has_cmdline ? ref(m.cmdline) : pvhboot::string_ref{}});
  const auto gdt = entry_gdt(made.cpu);
  pvhboot::plan_block block{.size = sizeof gdt};
  const pvhboot::boot_request request{.kernel = kernel_extent_of(*image, *entry, *reloc),
                                      .cmdline = ref(options.append),
                                      .modules = made.modules,
                                      .acpi_size = acpi_size(options.cpus),
                                      .blocks = {&block, 1}};
  const auto plan =
      options.random ? plan_boot(map, scratch, request, *options.random) : plan_boot(map, scratch, request);
  if (!plan) return plan.error();
  if (auto done = load_image(*image, guest, plan->kernel_shift, fresh); !done) return done.error();
  for (size_t i = 0; i < modules.size(); ++i)
    if (auto done = copy(guest, made.modules[i].paddr, modules[i].contents); !done) return done.error();
  const uint64_t rsdp = plan->handoff.rsdp_paddr;
  const auto acpi = make_acpi(rsdp, options.cpus);
  if (auto done = copy(guest, rsdp, acpi); !done) return done.error();
  if (!write_struct(guest, block.paddr, gdt)) return {pvhboot::errc::load_unwritable, block.paddr};
  if (auto done = write(plan->handoff, guest, plan->start_info_paddr); !done) return done.error();

  made.cpu = {plan->entry, plan->start_info_paddr};
  made.cpu.gdt = {block.paddr, sizeof gdt - 1};
  made.start_info = plan->start_info_paddr;
  made.bases = plan->bases;
  made.map.assign(map.begin(), map.end());
  made.pieces = {{"kernel", plan->kernel_base, image->size()},
                 {"handoff", plan->start_info_paddr, plan->handoff.size_bytes()},
                 {"GDT", block.paddr, block.size},
                 {"ACPI", rsdp, acpi.size()}};
  for (size_t i = 0; i < modules.size(); ++i)
    made.pieces.push_back({"module " + std::to_string(i), made.modules[i].paddr, made.modules[i].size});
  return {};
}

/// A bzImage by one of Linux's own protocols. The first module is the initrd.
pvhboot::result<void> boot_linux(const boot_options& options, memory_map& map, memory_map& free_ram,
                                 const pvhboot::memory_pieces& guest, booted& made) {
  const auto kernel = pvhboot::parse_bzimage(options.kernel.contents);
  if (!kernel) return kernel.error();
  if (auto done = prepare_for_linux(map); !done) return done.error();
  constexpr uint64_t page = 4096;
  const uint64_t acpi_bytes = (acpi_size(options.cpus) + page - 1) & ~(page - 1);
  const auto rsdp = find_highest_ram(map, acpi_bytes, page, 0x100000, 0xffffffff);
  if (!rsdp) return {pvhboot::errc::plan_no_room_for_acpi, acpi_bytes};
  if (auto done = map.overwrite({*rsdp, acpi_bytes, memory_type::acpi}); !done) return done.error();
  if (auto done = free_ram.append(map); !done) return done.error();
  if (auto done = free_ram.sanitize(); !done) return done.error();
  const bytes initrd = options.modules.empty() ? bytes{} : options.modules[0].contents;
  const pvhboot::linux_request request{.cmdline = ref(options.append),
                                       .initrd_size = initrd.size(),
                                       .rsdp_paddr = *rsdp,
                                       .entry_64 = options.via == way::linux64};
  const auto start = load_bzimage(*kernel, request, map, free_ram, guest);
  if (!start) return start.error();
  if (auto done = copy(guest, start->layout.initrd_paddr, initrd); !done) return done.error();
  const auto acpi = make_acpi(*rsdp, options.cpus);
  if (auto done = copy(guest, *rsdp, acpi); !done) return done.error();
  made.cpu = start->cpu;
  made.map.assign(map.begin(), map.end());
  made.pieces = {{"kernel file", start->layout.kernel.load_paddr, start->layout.kernel.load_size},
                 {"kernel", start->layout.kernel.runtime_start, start->layout.kernel.runtime_size},
                 {"zero page", start->layout.zero_page_paddr, page},
                 {"command line", start->layout.cmdline_paddr, options.append.size() + 1},
                 {"ACPI", *rsdp, acpi.size()}};
  if (!initrd.empty()) made.pieces.push_back({"initrd", start->layout.initrd_paddr, initrd.size()});
  return {};
}

}  // namespace

std::vector<module> modules_of(const boot_options& options) {
  std::vector<module> modules = options.modules;
  if (options.via == way::pvh_loader) modules.insert(modules.begin(), options.kernel);
  return modules;
}

pvhboot::result<void> boot(const boot_options& options, const pvhboot::memory_pieces& guest, booted& made) {
  pvhboot::memory_map_buffer<64> buffers[2];
  memory_map map{buffers[0]};
  memory_map scratch{buffers[1]};
  const std::vector<pvhboot::memory_range> ram = ram_of(options.memory);
  if (auto done = map.append(pvhboot::span<const pvhboot::memory_range>{ram}); !done) return done.error();
  if (auto done = map.sanitize(); !done) return done.error();
  const bool by_pvh = options.via == way::pvh || options.via == way::pvh_loader;
  return by_pvh ? boot_elf(options, map, scratch, guest, made) : boot_linux(options, map, scratch, guest, made);
}

}  // namespace vmm
