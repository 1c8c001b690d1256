// SPDX-License-Identifier: BSL-1.0
//
// Kernel files: ELF images, bzImages, and what every reader does with them.
#include <algorithm>

#include <fmt/format.h>

#include <pvhboot/elf/image_notes.hpp>
#include <pvhboot/linux/bzimage.hpp>
#include <pvhboot/pvh/explain.hpp>
#include <pvhboot/pvh/phys32_note.hpp>

#include "fields.hpp"
#include "kinds.hpp"

namespace tool {

namespace {

using pvhboot::image_reader;

constexpr struct {
  image_reader reader;
  const char* name;  ///< for --for
} readers[] = {
    {image_reader::qemu, "qemu"},
    {image_reader::qemu_before_6_0, "qemu-before-6.0"},
    {image_reader::xen_toolstack, "xen"},
    {image_reader::xen_dom0, "xen-dom0"},
    {image_reader::linux_loader, "linux-loader"},
    {image_reader::cloud_hypervisor, "cloud-hypervisor"},
    {image_reader::firecracker, "firecracker"},
};
static_assert(sizeof readers / sizeof readers[0] == pvhboot::image_readers);

std::string name_of(pvhboot::payload_format format) {
  constexpr const char* names[] = {"unknown", "gzip", "bzip2", "lzma", "xz", "lzo", "lz4", "zstd", "elf"};
  return names[static_cast<size_t>(format)];
}

json segments_to_json(const pvhboot::elf_image& image) {
  json list = json::array();
  for (uint64_t i = 0; i < image.program_headers(); ++i) {
    const auto s = image.program_header(i);
    list.push_back({{"type", static_cast<uint32_t>(s.type)},
                    {"flags", s.flags},
                    {"offset", s.offset},
                    {"address", s.paddr},
                    {"file_size", s.filesz},
                    {"memory_size", s.memsz},
                    {"alignment", s.align}});
  }
  return list;
}

json notes_to_json(const pvhboot::elf_image& image) {
  json list = json::array();
  for (const pvhboot::elf_note& n : pvhboot::image_notes{image})
    list.push_back({{"offset", n.offset},
                    {"owner", to_json(n.name)},
                    {"type", n.type},
                    {"descriptor", hex(n.desc)},
                    {"in", n.origin == pvhboot::note_origin::segment ? "segment" : "section"}});
  return list;
}

/// The place of the note that counts, and its value; or why there is none.
json entry_to_json(const pvhboot::elf_image& image) {
  const auto entry = pvhboot::find_phys32_entry(image);
  if (!entry) return {{"error", to_json(entry.error())}};
  return {{"address", entry->paddr}, {"offset", entry->offset}, {"notes", entry->notes}, {"differs", entry->differs}};
}

json reloc_to_json(const pvhboot::elf_image& image) {
  const auto reloc = pvhboot::find_phys32_reloc(image);
  if (!reloc) return {{"error", to_json(reloc.error())}};
  if (!reloc->relocatable) return nullptr;
  return {{"alignment", reloc->alignment}, {"minimum", reloc->minimum}, {"maximum", reloc->maximum}};
}

}  // namespace

std::vector<std::string> reader_names() {
  std::vector<std::string> names;
  for (const auto& r : readers) names.emplace_back(r.name);
  return names;
}

json verdicts_to_json(pvhboot::span<const uint8_t> file, const std::vector<std::string>& wanted) {
  uint64_t right = 0;
  if (const auto image = pvhboot::parse_elf(file))
    if (const auto entry = pvhboot::find_phys32_entry(*image)) right = entry->paddr;
  json list = json::array();
  for (const auto& r : readers) {
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), r.name) == wanted.end()) continue;
    const auto v = pvhboot::explain(file, r.reader);
    list.push_back({{"reader", r.name},
                    {"name", text(name(r.reader))},
                    {"outcome", text(name(v.outcome))},
                    {"boots", v.outcome == pvhboot::image_outcome::enters && v.entry == right},
                    {"entry", v.entry},
                    {"reason", text(name(v.reason))},
                    {"message", text(message(v.reason))},
                    {"remedy", text(remedy(v.reason))},
                    {"source", text(source(v.reason))}});
  }
  return list;
}

json kernel_to_json(pvhboot::span<const uint8_t> file) {
  json j{{"verdicts", verdicts_to_json(file, {})}};
  const auto image = pvhboot::parse_elf(file);
  if (!image) {
    j["error"] = to_json(image.error());
    return j;
  }
  j["class"] = image->file_class() == pvhboot::elf_class::elf64 ? 64 : 32;
  j["machine"] = static_cast<uint16_t>(image->machine());
  j["e_entry"] = image->entry();
  j["address"] = image->base();
  j["size"] = image->size();
  j["phys32_entry"] = entry_to_json(*image);
  j["phys32_reloc"] = reloc_to_json(*image);
  j["segments"] = segments_to_json(*image);
  j["notes"] = notes_to_json(*image);
  return j;
}

json bzimage_to_json(pvhboot::span<const uint8_t> file) {
  json j{{"verdicts", verdicts_to_json(file, {})}};
  const auto image = pvhboot::parse_bzimage(file);
  if (!image) {
    j["error"] = to_json(image.error());
    return j;
  }
  j["version"] = to_json(image->kernel_version());
  j["protocol"] = fmt::format("{}.{:02}", image->protocol() >> 8, image->protocol() & 0xff);
  j["relocatable"] = image->relocatable();
  j["alignment"] = image->kernel_alignment();
  j["pref_address"] = image->pref_address();
  j["init_size"] = image->init_size();
  j["cmdline_size"] = image->cmdline_size();
  j["initrd_addr_max"] = image->initrd_addr_max();
  j["entry_64"] = image->has_entry_64();
  const auto payload = image->payload();
  j["payload"] = {{"format", name_of(image->payload_format())},
                  {"offset", payload.empty() ? 0 : static_cast<uint64_t>(payload.data() - file.data())},
                  {"size", payload.size()},
                  {"uncompressed_size", image->uncompressed_size()}};
  j["fields"] = fields_of(image->header());
  return j;
}

}  // namespace tool
