// SPDX-License-Identifier: BSL-1.0
//
// Zero pages: fields, memory map, and the chain of setup_data where the memory that it lies in is there.
#pragma once

#include <pvhboot/linux/zero_page.hpp>

#include "fields.hpp"
#include "values.hpp"

namespace tool::document {

inline constexpr uint32_t node_limit = 64;
inline constexpr size_t map_limit = 8192;  ///< 128 of the page, the others of SETUP_E820_EXT nodes

inline pvhboot::string_ref name_of(pvhboot::setup_type type) {
  constexpr pvhboot::string_ref names[] = {"none",      "e820_ext", "dtb", "pci",      "efi",      "apple_properties",
                                           "jailhouse", "cc_blob",  "ima", "rng_seed", "kexec_kho"};
  if (type == pvhboot::setup_type::indirect) return "indirect";
  const auto number = static_cast<uint32_t>(type);
  return number < sizeof names / sizeof names[0] ? names[number] : "unknown";
}

inline void write_node(json_writer& json, const pvhboot::setup_node& node) {
  json.object([&] {
    json.member("address", node.paddr);
    json.member("next", node.next);
    json.member("type", static_cast<uint32_t>(node.type));
    json.member("name", name_of(node.type));
    json.member("size", node.payload.size());
    if (node.type != pvhboot::setup_type::indirect) return;
    const auto inner = pvhboot::read_setup_indirect(node);
    if (!inner) return write_error(json, inner.error());
    json.object("indirect", [&] {
      json.member("type", inner->type.get());
      json.member("address", inner->addr.get());
      json.member("size", inner->len.get());
    });
  });
}

/// The nodes up to the first that cannot be read.
template <class Memory> void write_chain(json_writer& json, const Memory& memory, uint64_t first) {
  json.array("setup_data", [&] {
    const auto add = [&](const pvhboot::setup_node& node) -> pvhboot::result<void> {
      write_node(json, node);
      return {};
    };
    if (const auto done = pvhboot::walk_setup_data(memory, first, node_limit, add); !done)
      json.object([&] { write_error(json, done.error()); });
  });
}

/// The members of a zero page; `memory` may be null. scratch(slots, use) calls use(memory_map&) with a map that has so
/// many slots.
template <class Memory, class Scratch>
void write_zero_page(json_writer& json, pvhboot::abi::boot_params page, const Memory* memory, const Scratch& scratch) {
  write_fields(json, page);
  if (memory != nullptr)
    write_chain(json, *memory, page.hdr.setup_data.get());
  else
    page.hdr.setup_data = 0;  // a page alone: what it says itself is still worth reading
  scratch(map_limit, [&](pvhboot::memory_map& map) {
    const auto values = pvhboot::read_zero_page(memory != nullptr ? *memory : Memory{}, page, map, node_limit);
    if (!values) return write_error(json, values.error());
    json.member("cmdline_address", values->cmdline_paddr);
    json.object("initrd", [&] {
      json.member("address", values->initrd_paddr);
      json.member("size", values->initrd_size);
    });
    json.object("rsdp", [&] { json.member("address", values->rsdp_paddr); });
    json.array("memory_map", [&] {
      for (const pvhboot::memory_range& r : map) json.object([&] { write_range(json, r); });
    });
  });
}

}  // namespace tool::document
