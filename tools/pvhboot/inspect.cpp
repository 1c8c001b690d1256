// SPDX-License-Identifier: BSL-1.0
//
// What a file is, zero pages, and the document of `inspect`.
#include <vector>

#include <fmt/format.h>

#include <pvhboot/linux/bzimage.hpp>
#include <pvhboot/linux/zero_page.hpp>

#include "fields.hpp"
#include "kinds.hpp"

namespace tool {

namespace {

using pvhboot::span;
constexpr uint16_t et_core = static_cast<uint16_t>(pvhboot::elf_type::core);

bool is_elf(span<const uint8_t> file) {
  return file.size() >= 20 && pvhboot::load<pvhboot::le32>(file.data()).get() == pvhboot::abi::elf_magic;
}

bool has_setup_header(span<const uint8_t> file) {
  return file.size() >= 0x206 &&
         pvhboot::load<pvhboot::le16>(file.data() + 0x1fe).get() == pvhboot::abi::setup_header_boot_flag &&
         pvhboot::load<pvhboot::le32>(file.data() + 0x202).get() == pvhboot::abi::setup_header_magic;
}

/// The page alone: a chain of setup_data cannot be read.
void add_zero_page_values(json& j, const pvhboot::abi::boot_params& page) {
  pvhboot::memory_map_buffer<pvhboot::abi::e820_max_entries_zeropage> slots;
  pvhboot::memory_map map{slots};
  const auto values = pvhboot::read_zero_page(pvhboot::memory_window{}, page, map);
  if (!values) {
    j["error"] = to_json(values.error());
    return;
  }
  j["cmdline_address"] = values->cmdline_paddr;
  j["initrd"] = {{"address", values->initrd_paddr}, {"size", values->initrd_size}};
  j["rsdp"] = {{"address", values->rsdp_paddr}};
  j["memory_map"] = json::array();
  for (const pvhboot::memory_range& r : map) j["memory_map"].push_back(to_json(r));
}

json dump_to_json(const dump& d, std::optional<uint64_t> start_info) {
  json j{{"format", d.kind()}};
  j["pieces"] = json::array();
  for (const auto& piece : d.pieces())
    j["pieces"].push_back({{"address", piece.base}, {"size", piece.contents.size()}});
  j["handoffs"] = json::array();
  const std::vector<uint64_t> places = start_info ? std::vector<uint64_t>{*start_info} : d.find_start_info();
  for (const uint64_t at : places) j["handoffs"].push_back(handoff_to_json(d.memory(), at));
  return j;
}

}  // namespace

kind recognise(span<const uint8_t> file) {
  if (is_elf(file)) {
    const uint16_t type = pvhboot::load<pvhboot::le16>(file.data() + 16).get();
    return type == et_core ? kind::core : kind::elf_kernel;
  }
  if (has_setup_header(file)) return file.size() == sizeof(pvhboot::abi::boot_params) ? kind::zero_page : kind::bzimage;
  return kind::raw;
}

std::string name_of(kind k) {
  constexpr const char* names[] = {"ELF kernel", "bzImage", "zero page", "core", "memory"};
  return names[static_cast<size_t>(k)];
}

json zero_page_to_json(const pvhboot::abi::boot_params& page) {
  json j = json::object();
  add_zero_page_values(j, page);
  j["fields"] = fields_of(page);
  return j;
}

json inspect(span<const uint8_t> file, const std::string& name, uint64_t base, std::optional<uint64_t> start_info) {
  const kind k = recognise(file);
  json j{{"schema", "pvhboot/inspect/1"}, {"file", name}, {"size", file.size()}, {"kind", name_of(k)}};
  switch (k) {
    case kind::elf_kernel: j["kernel"] = kernel_to_json(file); break;
    case kind::bzimage: j["bzimage"] = bzimage_to_json(file); break;
    case kind::zero_page:
      j["zero_page"] = zero_page_to_json(pvhboot::load_once<pvhboot::abi::boot_params>(file.data()));
      break;
    case kind::core: j["memory"] = dump_to_json(dump::core(file), start_info); break;
    case kind::raw: j["memory"] = dump_to_json(dump::raw(file, base), start_info); break;
  }
  return j;
}

}  // namespace tool
