// SPDX-License-Identifier: BSL-1.0
//
// Zero pages: fields, memory map, and the chain of setup_data where the memory that it lies in is there.
#include <memory>

#include <fmt/format.h>

#include <pvhboot/linux/zero_page.hpp>

#include "fields.hpp"
#include "kinds.hpp"

namespace tool {

namespace {

using pvhboot::setup_node;
using pvhboot::setup_type;

constexpr uint32_t node_limit = 64;
constexpr size_t map_limit = 8192;  ///< 128 of the page, the others of SETUP_E820_EXT nodes

std::string name_of(setup_type type) {
  constexpr const char* names[] = {"none",      "e820_ext", "dtb", "pci",      "efi",      "apple_properties",
                                   "jailhouse", "cc_blob",  "ima", "rng_seed", "kexec_kho"};
  if (type == setup_type::indirect) return "indirect";
  const auto number = static_cast<uint32_t>(type);
  return number < sizeof names / sizeof names[0] ? names[number] : "unknown";
}

json node_to_json(const setup_node& node) {
  json j{{"address", node.paddr},
         {"next", node.next},
         {"type", static_cast<uint32_t>(node.type)},
         {"name", name_of(node.type)},
         {"size", node.payload.size()}};
  if (node.type != setup_type::indirect) return j;
  if (const auto inner = pvhboot::read_setup_indirect(node))
    j["indirect"] = {{"type", inner->type.get()}, {"address", inner->addr.get()}, {"size", inner->len.get()}};
  else
    j["error"] = to_json(inner.error());
  return j;
}

/// The nodes up to the first that cannot be read.
json chain_to_json(const dump_memory& memory, uint64_t first) {
  json list = json::array();
  const auto add = [&](const setup_node& node) -> pvhboot::result<void> {
    list.push_back(node_to_json(node));
    return {};
  };
  if (const auto done = pvhboot::walk_setup_data(memory, first, node_limit, add); !done)
    list.push_back({{"error", to_json(done.error())}});
  return list;
}

}  // namespace

json zero_page_to_json(pvhboot::abi::boot_params page, const dump_memory* memory) {
  json j{{"fields", fields_of(page)}};
  if (memory != nullptr)
    j["setup_data"] = chain_to_json(*memory, page.hdr.setup_data.get());
  else
    page.hdr.setup_data = 0;  // a page alone: what it says itself is still worth reading
  const auto slots = std::make_unique<pvhboot::memory_map_buffer<map_limit>>();
  pvhboot::memory_map map{*slots};
  const auto values = pvhboot::read_zero_page(memory != nullptr ? *memory : dump_memory{}, page, map, node_limit);
  if (!values) {
    j["error"] = to_json(values.error());
    return j;
  }
  j["cmdline_address"] = values->cmdline_paddr;
  j["initrd"] = {{"address", values->initrd_paddr}, {"size", values->initrd_size}};
  j["rsdp"] = {{"address", values->rsdp_paddr}};
  j["memory_map"] = json::array();
  for (const pvhboot::memory_range& r : map) j["memory_map"].push_back(to_json(r));
  return j;
}

}  // namespace tool
