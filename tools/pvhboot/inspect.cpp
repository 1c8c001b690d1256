// SPDX-License-Identifier: BSL-1.0
//
// What a file is, and the document of `inspect`.
#include <pvhboot/abi/elf.hpp>
#include <pvhboot/linux/bzimage.hpp>

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

json dump_to_json(const dump& d, std::optional<uint64_t> start_info, const marked_pages* marked) {
  const dump_memory memory = d.memory();
  json j{{"format", d.kind()}};
  j["pieces"] = json::array();
  for (const auto& piece : d.pieces())
    j["pieces"].push_back({{"address", piece.base}, {"size", piece.contents.size()}});
  const auto places = start_info ? dump::places{{*start_info}, {}} : d.find(marked);
  j["handoffs"] = json::array();
  for (const uint64_t at : places.start_info) j["handoffs"].push_back(handoff_to_json(memory, at));
  j["zero_pages"] = json::array();
  for (const uint64_t at : places.zero_pages) {
    const auto* const page = memory.bytes(at, sizeof(pvhboot::abi::boot_params));
    j["zero_pages"].push_back(zero_page_to_json(pvhboot::load_once<pvhboot::abi::boot_params>(page), &memory));
    j["zero_pages"].back()["address"] = at;
  }
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

json inspect(span<const uint8_t> file, const std::string& name, uint64_t base, std::optional<uint64_t> start_info,
             const marked_pages* marked) {
  const kind k = recognise(file);
  json j{{"schema", "pvhboot/inspect/1"}, {"file", name}, {"size", file.size()}, {"kind", name_of(k)}};
  switch (k) {
    case kind::elf_kernel: j["kernel"] = kernel_to_json(file); break;
    case kind::bzimage: j["bzimage"] = bzimage_to_json(file); break;
    case kind::zero_page:
      j["zero_page"] = zero_page_to_json(pvhboot::load_once<pvhboot::abi::boot_params>(file.data()), nullptr);
      break;
    case kind::core: j["memory"] = dump_to_json(dump::core(file), start_info, marked); break;
    case kind::raw: j["memory"] = dump_to_json(dump::raw(file, base), start_info, marked); break;
  }
  return j;
}

}  // namespace tool
