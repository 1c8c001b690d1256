// SPDX-License-Identifier: BSL-1.0
//
// A handoff in a dump, and the findings of lint.
#include <vector>

#include <pvhboot/pvh/extents.hpp>
#include <pvhboot/pvh/lint.hpp>
#include <pvhboot/pvh/parse.hpp>

#include "fields.hpp"
#include "kinds.hpp"

namespace tool {

namespace {

using boot = pvhboot::boot_info<dump_memory>;

std::string name_of(pvhboot::handoff_piece piece) {
  switch (piece) {
    case pvhboot::handoff_piece::start_info: return "start_info";
    case pvhboot::handoff_piece::cmdline: return "command line";
    case pvhboot::handoff_piece::modlist: return "module list";
    case pvhboot::handoff_piece::memmap: return "memory map";
    case pvhboot::handoff_piece::rsdp: return "RSDP";
    case pvhboot::handoff_piece::module: return "module";
    case pvhboot::handoff_piece::module_cmdline: return "module command line";
    default: return "unknown";
  }
}

std::string name_of(pvhboot::severity level) {
  return level == pvhboot::severity::info ? "info" : level == pvhboot::severity::warning ? "warning" : "error";
}

/// Everything that fails on it, by the names of enum consumer.
json consumers_of(pvhboot::oddity what) {
  constexpr std::pair<pvhboot::consumer, const char*> all[] = {
      {pvhboot::consumer::linux_6_1, "Linux before 6.12"},
      {pvhboot::consumer::linux_6_12, "Linux since 6.12"},
      {pvhboot::consumer::freebsd, "FreeBSD"},
      {pvhboot::consumer::xen, "Xen as a guest"},
      {pvhboot::consumer::grub, "GRUB"},
      {pvhboot::consumer::rust_hypervisor_firmware, "Rust Hypervisor Firmware"},
      {pvhboot::consumer::ovmf_xen, "OvmfXen"},
  };
  json list = json::array();
  for (const auto& [who, name] : all)
    if (hurts(what, who)) list.push_back(name);
  return list;
}

json module_to_json(const boot& b, const pvhboot::boot_module& m, const pvhboot::abi::hvm_modlist_entry& wire) {
  json j{{"address", m.paddr}, {"size", m.size}, {"reserved", wire.reserved.get()}};
  const auto cmdline = b.cmdline_of(m);
  j["cmdline"] = cmdline ? to_json(*cmdline) : json{{"error", to_json(cmdline.error())}};
  return j;
}

json rsdp_to_json(const dump_memory& memory, uint64_t paddr) {
  json j{{"address", paddr}, {"state", "absent"}};
  if (paddr == 0) return j;
  const uint8_t* p = memory.bytes(paddr, pvhboot::abi::rsdp_v1_size);
  if (p == nullptr) {
    j["state"] = "not in this file";
    return j;
  }
  uint8_t sum = 0;
  for (size_t i = 0; i < pvhboot::abi::rsdp_v1_size; ++i) sum = static_cast<uint8_t>(sum + p[i]);
  const bool is_signed = std::string_view{reinterpret_cast<const char*>(p), 8} == "RSD PTR ";
  j["state"] = !is_signed ? "no signature" : sum != 0 ? "bad checksum" : "valid";
  j["revision"] = p[15];
  return j;
}

json findings_to_json(const dump_memory& memory, const boot& b) {
  std::vector<pvhboot::memory_range> slots(4 * (b.memory_map().size() + b.modules().size()) + 16);
  std::vector<pvhboot::sweep_slot> sweep(slots.size());
  pvhboot::memory_map scratch{{slots.data(), slots.size()}, {sweep.data(), sweep.size()}};
  json list = json::array();
  const auto done = lint(memory, b, scratch,
                         [&](pvhboot::finding f) {
                           list.push_back({{"name", text(name(f.what))},
                                           {"level", name_of(level(f.what))},
                                           {"message", text(message(f.what))},
                                           {"where", text(where_is(f.what))},
                                           {"address", f.where},
                                           {"fails", text(fails(f.what))},
                                           {"consumers", consumers_of(f.what)}});
                         },
                         {.probe_ram = false});  // a dump may be a part
  if (!done) throw bad_input("lint: " + text(done.error()));
  return list;
}

}  // namespace

json handoff_to_json(const dump_memory& memory, uint64_t start_info) {
  const auto b = pvhboot::parse(memory, start_info);
  if (!b) return {{"address", start_info}, {"error", to_json(b.error())}};
  json j{{"address", start_info},
         {"version", b->version()},
         {"flags", b->flags()},
         {"cmdline", to_json(b->cmdline())},
         {"rsdp", rsdp_to_json(memory, b->rsdp_paddr())},
         {"fields", fields_of(b->wire())}};
  j["modules"] = json::array();
  for (size_t i = 0; i < b->modules().size(); ++i)
    j["modules"].push_back(module_to_json(*b, b->modules()[i], b->modules().wire(i)));
  j["memory_map"] = json::array();
  for (size_t i = 0; i < b->memory_map().size(); ++i) {
    json entry = to_json(pvhboot::memory_range{b->memory_map()[i]});
    entry["reserved"] = b->memory_map().wire(i).reserved.get();
    j["memory_map"].push_back(entry);
  }
  j["extents"] = json::array();
  for (const pvhboot::extent& e : pvhboot::extents{*b})
    j["extents"].push_back({{"what", name_of(e.what)}, {"module", e.module}, {"address", e.addr}, {"size", e.size}});
  j["findings"] = findings_to_json(memory, *b);
  return j;
}

}  // namespace tool
