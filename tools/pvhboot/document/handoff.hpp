// SPDX-License-Identifier: BSL-1.0
//
// A handoff in guest memory, and the findings of lint.
#pragma once

#include <pvhboot/pvh/extents.hpp>
#include <pvhboot/pvh/lint.hpp>
#include <pvhboot/pvh/parse.hpp>

#include "fields.hpp"
#include "values.hpp"

namespace tool::document {

inline pvhboot::string_ref name_of(pvhboot::handoff_piece piece) {
  constexpr pvhboot::string_ref names[] = {"start_info", "command line", "module list",         "memory map",
                                           "RSDP",       "module",       "module command line", "unknown"};
  const auto i = static_cast<size_t>(piece);
  return names[i < 7 ? i : 7];
}

inline pvhboot::string_ref name_of(pvhboot::severity level) {
  if (level == pvhboot::severity::info) return "info";
  if (level == pvhboot::severity::warning) return "warning";
  return "error";
}

/// Everything that fails on it, by the names of enum consumer.
inline void write_consumers(json_writer& json, pvhboot::oddity what) {
  constexpr struct {
    pvhboot::consumer who;
    pvhboot::string_ref name;
  } all[] = {
      {pvhboot::consumer::linux_6_1, "Linux before 6.12"},
      {pvhboot::consumer::linux_6_12, "Linux since 6.12"},
      {pvhboot::consumer::freebsd, "FreeBSD"},
      {pvhboot::consumer::xen, "Xen as a guest"},
      {pvhboot::consumer::grub, "GRUB"},
      {pvhboot::consumer::rust_hypervisor_firmware, "Rust Hypervisor Firmware"},
      {pvhboot::consumer::ovmf_xen, "OvmfXen"},
  };
  json.array("consumers", [&] {
    for (const auto& c : all)
      if (hurts(what, c.who)) json.value(c.name);
  });
}

template <class Memory> void write_rsdp(json_writer& json, const Memory& memory, uint64_t paddr) {
  json.object("rsdp", [&] {
    json.member("address", paddr);
    if (paddr == 0) return json.member("state", "absent");
    const uint8_t* p = memory.bytes(paddr, pvhboot::abi::rsdp_v1_size);
    if (p == nullptr) return json.member("state", "not in this file");
    uint8_t sum = 0;
    for (size_t i = 0; i < pvhboot::abi::rsdp_v1_size; ++i) sum = static_cast<uint8_t>(sum + p[i]);
    if (pvhboot::string_ref{p, 8} != "RSD PTR ")
      json.member("state", "no signature");
    else if (sum != 0)
      json.member("state", "bad checksum");
    else
      json.member("state", "valid");
    json.member("revision", p[15]);
  });
}

template <class Memory> void write_modules(json_writer& json, const pvhboot::boot_info<Memory>& boot) {
  json.array("modules", [&] {
    for (size_t i = 0; i < boot.modules().size(); ++i) {
      const pvhboot::boot_module m = boot.modules()[i];
      json.object([&] {
        json.member("address", m.paddr);
        json.member("size", m.size);
        json.member("reserved", boot.modules().wire(i).reserved.get());
        if (const auto cmdline = boot.cmdline_of(m))
          json.guest_text("cmdline", *cmdline);
        else
          json.object("cmdline", [&] { write_error(json, cmdline.error()); });
      });
    }
  });
}

template <class Memory> void write_memory_map(json_writer& json, const pvhboot::boot_info<Memory>& boot) {
  json.array("memory_map", [&] {
    for (size_t i = 0; i < boot.memory_map().size(); ++i)
      json.object([&] {
        write_range(json, boot.memory_map()[i]);
        json.member("reserved", boot.memory_map().wire(i).reserved.get());
      });
  });
}

template <class Memory> void write_extents(json_writer& json, const pvhboot::boot_info<Memory>& boot) {
  json.array("extents", [&] {
    for (const pvhboot::extent& e : pvhboot::extents{boot})
      json.object([&] {
        json.member("what", name_of(e.what));
        json.member("module", e.module);
        json.member("address", e.addr);
        json.member("size", e.size);
      });
  });
}

/// Slots that lint needs for a handoff.
template <class Memory> size_t lint_slots(const pvhboot::boot_info<Memory>& boot) {
  return 4 * (boot.memory_map().size() + boot.modules().size()) + 16;
}

template <class Memory>
void write_findings(json_writer& json, const Memory& memory, const pvhboot::boot_info<Memory>& boot,
                    pvhboot::memory_map& scratch) {
  json.array("findings", [&] {
    const auto report = [&](pvhboot::finding f) {
      json.object([&] {
        json.member("name", name(f.what));
        json.member("level", name_of(level(f.what)));
        json.member("message", message(f.what));
        json.member("where", where_is(f.what));
        json.member("address", f.where);
        json.member("fails", fails(f.what));
        write_consumers(json, f.what);
      });
    };
    // lint_slots are enough, so it cannot fail. A dump may be a part, so RAM is not probed.
    static_cast<void>(lint(memory, boot, scratch, report, {.probe_ram = false}));
  });
}

/// The object of the handoff at this address. scratch(slots, use) calls use(memory_map&) with a map that has so many
/// slots.
template <class Memory, class Scratch>
void write_handoff(json_writer& json, const Memory& memory, uint64_t start_info, const Scratch& scratch) {
  json.object([&] {
    json.member("address", start_info);
    const auto boot = pvhboot::parse(memory, start_info);
    if (!boot) return write_error(json, boot.error());
    json.member("version", boot->version());
    json.member("flags", boot->flags());
    json.guest_text("cmdline", boot->cmdline());
    write_rsdp(json, memory, boot->rsdp_paddr());
    write_fields(json, boot->wire());
    write_modules(json, *boot);
    write_memory_map(json, *boot);
    write_extents(json, *boot);
    scratch(lint_slots(*boot), [&](pvhboot::memory_map& map) { write_findings(json, memory, *boot, map); });
  });
}

}  // namespace tool::document
