// SPDX-License-Identifier: BSL-1.0
#include "describe.hpp"

#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <pvhboot/core/format.hpp>
#include <pvhboot/pvh/explain.hpp>
#include <pvhboot/pvh/lint.hpp>

namespace vmm {

namespace {
std::string text(const pvhboot::string_ref& t) { return {t.data(), t.size()}; }
}  // namespace

std::vector<placed> picture_of(const booted& made) {
  std::vector<placed> all = made.pieces;
  std::sort(all.begin(), all.end(), [](const placed& x, const placed& y) { return x.addr < y.addr; });
  return all;
}

std::string describe(const boot_options& options, const booted& made) {
  nlohmann::json j{{"entry", made.cpu.eip},
                   {"start_info", made.start_info},
                   {"bases", made.bases},
                   {"command_line", options.append}};
  for (const placed& p : picture_of(made))
    j["pieces"].push_back({{"what", p.what}, {"address", p.addr}, {"size", p.size}});
  for (const pvhboot::memory_range& r : made.map)
    j["memory_map"].push_back({{"address", r.addr}, {"size", r.size}, {"type", static_cast<uint32_t>(r.type)}});
  j["modules"] = nlohmann::json::array();
  for (const pvhboot::handoff_module& m : made.modules)
    j["modules"].push_back({{"address", m.paddr}, {"size", m.size}});
  // A command line may be any bytes.
  return j.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

pvhboot::result<void> lint_handoff(const booted& made, const pvhboot::memory_pieces& guest,
                                   std::vector<pvhboot::finding>& found) {
  const auto boot = pvhboot::parse(guest, made.start_info);
  if (!boot) return boot.error();
  const auto buffer = std::make_unique<pvhboot::memory_map_buffer<1024>>();
  pvhboot::memory_map scratch{*buffer};
  const auto kernel =
      std::find_if(made.pieces.begin(), made.pieces.end(), [](const placed& p) { return p.what == "kernel"; });
  return lint(guest, *boot, scratch, [&](pvhboot::finding f) { found.push_back(f); },
              {.kernel = {kernel->addr, kernel->size, {}}});
}

std::string text_of(const pvhboot::failure& f) {
  char line[pvhboot::format_size];
  return text(format(f, line));
}

std::string text_of(const pvhboot::finding& f) {
  std::string line = fmt::format("{} ({:#x})", text(message(f.what)), f.where);
  if (!fails(f.what).empty()) line += "; " + text(fails(f.what));
  return line;
}

namespace {

/// What found no room, and its size. Empty if that is not why.
std::string unplaced(const pvhboot::failure& f, const boot_options& options) {
  using pvhboot::errc;
  if (f.code == errc::plan_no_room_for_module) {
    const module m = modules_of(options)[f.where];
    return fmt::format("module {} ({}), {} bytes", f.where, m.name, m.contents.size());
  }
  if (f.code == errc::no_place_for_initrd)
    return fmt::format("the initrd ({}), {} bytes", options.modules[0].name, options.modules[0].contents.size());
  if (f.code == errc::plan_no_room_for_handoff) return fmt::format("the handoff, {} bytes", f.where);
  if (f.code == errc::plan_no_room_for_acpi) return fmt::format("the ACPI tables, {} bytes", f.where);
  if (f.code == errc::linux_no_room) return fmt::format("zero page, page tables and command line, {} bytes", f.where);
  if (f.code == errc::no_base || f.code == errc::no_place_for_kernel)
    return fmt::format("the kernel, {} bytes", f.where);
  if (f.code == errc::not_relocatable)
    if (const auto image = pvhboot::parse_elf(options.via == way::pvh ? options.kernel.contents : options.loader);
        image.ok())
      return fmt::format("the kernel, {} bytes from {:#x} on", image->size(), image->base());
  return {};
}

bool lacks_reloc(const boot_options& options) {
  const auto image = pvhboot::parse_elf(options.kernel.contents);
  if (!image) return false;
  const auto reloc = find_phys32_reloc(*image);
  return reloc.ok() && !reloc->relocatable;
}

}  // namespace

std::vector<std::string> explain_refusal(const pvhboot::failure& f, const boot_options& options) {
  std::vector<std::string> lines{fmt::format("{}: {}", options.kernel.name, text_of(f))};
  if (f.code == pvhboot::errc::not_relocatable && options.random && lacks_reloc(options)) {
    lines.emplace_back("--kaslr needs a PHYS32_RELOC note, which the image does not have");
    return lines;
  }
  if (const std::string what = unplaced(f, options); !what.empty()) {
    lines.push_back(fmt::format("{} bytes of RAM have no room for {}; --memory gives more", options.memory, what));
    return lines;
  }
  if (options.via != way::pvh) return lines;
  using pvhboot::image_reader;
  std::string last;
  for (const auto reader : {image_reader::qemu, image_reader::xen_toolstack, image_reader::xen_dom0,
                            image_reader::cloud_hypervisor, image_reader::firecracker}) {
    const auto v = pvhboot::explain(options.kernel.contents, reader);
    std::string verdict = fmt::format("{}: {}", text(name(v.outcome)), text(message(v.reason)));
    if (const auto change = remedy(v.reason); !change.empty()) verdict += "; " + text(change);
    if (verdict == last) {
      lines.back().insert(lines.back().find(": "), ", " + text(name(reader)));
    } else {
      lines.push_back(fmt::format("{}: {}", text(name(reader)), verdict));
    }
    last = verdict;
  }
  return lines;
}

}  // namespace vmm
