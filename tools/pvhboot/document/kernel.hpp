// SPDX-License-Identifier: BSL-1.0
//
// Kernel files: ELF images, bzImages, and what every reader does with them.
#pragma once

#include <pvhboot/elf/image_notes.hpp>
#include <pvhboot/linux/bzimage.hpp>
#include <pvhboot/pvh/explain.hpp>
#include <pvhboot/pvh/phys32_note.hpp>

#include "fields.hpp"
#include "values.hpp"

namespace tool::document {

/// The names of the option --for, in the order of image_reader.
inline constexpr pvhboot::string_ref reader_names[] = {
    "qemu", "qemu-before-6.0", "xen", "xen-dom0", "linux-loader", "cloud-hypervisor", "firecracker",
};
static_assert(sizeof reader_names / sizeof reader_names[0] == pvhboot::image_readers);

inline void write_verdicts(json_writer& json, pvhboot::span<const uint8_t> file) {
  uint64_t right = 0;
  if (const auto image = pvhboot::parse_elf(file))
    if (const auto entry = pvhboot::find_phys32_entry(*image)) right = entry->paddr;
  json.array("verdicts", [&] {
    for (unsigned i = 0; i < pvhboot::image_readers; ++i) {
      const auto reader = static_cast<pvhboot::image_reader>(i);
      const auto v = pvhboot::explain(file, reader);
      json.object([&] {
        json.member("reader", reader_names[i]);
        json.member("name", name(reader));
        json.member("outcome", name(v.outcome));
        json.member("boots", v.outcome == pvhboot::image_outcome::enters && v.entry == right);
        json.member("entry", v.entry);
        json.member("reason", name(v.reason));
        json.member("message", message(v.reason));
        json.member("remedy", remedy(v.reason));
        json.member("source", source(v.reason));
      });
    }
  });
}

inline void write_segments(json_writer& json, const pvhboot::elf_image& image) {
  json.array("segments", [&] {
    for (uint64_t i = 0; i < image.program_headers(); ++i) {
      const auto s = image.program_header(i);
      json.object([&] {
        json.member("type", static_cast<uint32_t>(s.type));
        json.member("flags", s.flags);
        json.member("offset", s.offset);
        json.member("address", s.paddr);
        json.member("file_size", s.filesz);
        json.member("memory_size", s.memsz);
        json.member("alignment", s.align);
      });
    }
  });
}

inline void write_note(json_writer& json, const pvhboot::elf_note& n) {
  json.member("offset", n.offset);
  json.guest_text("owner", n.name);
  json.member("type", n.type);
  json.member("descriptor", n.desc);
}

inline void write_notes(json_writer& json, const pvhboot::elf_image& image) {
  json.array("notes", [&] {
    for (const pvhboot::elf_note& n : pvhboot::image_notes{image})
      json.object([&] {
        write_note(json, n);
        json.member("descriptor_offset",
                    n.desc.empty() ? uint64_t{0} : static_cast<uint64_t>(n.desc.data() - image.file().data()));
        json.member("in", n.origin == pvhboot::note_origin::segment ? pvhboot::string_ref{"segment"} : "section");
      });
  });
}

/// The place of the note that counts, and its value; or why there is none.
inline void write_entry(json_writer& json, const pvhboot::elf_image& image) {
  json.object("phys32_entry", [&] {
    const auto entry = pvhboot::find_phys32_entry(image);
    if (!entry) return write_error(json, entry.error());
    json.member("address", entry->paddr);
    json.member("offset", entry->offset);
    json.member("notes", entry->notes);
    json.member("differs", entry->differs);
  });
}

inline void write_reloc(json_writer& json, const pvhboot::elf_image& image) {
  const auto reloc = pvhboot::find_phys32_reloc(image);
  if (reloc && !reloc->relocatable) return json.null_member("phys32_reloc");
  json.object("phys32_reloc", [&] {
    if (!reloc) return write_error(json, reloc.error());
    json.member("alignment", reloc->alignment);
    json.member("minimum", reloc->minimum);
    json.member("maximum", reloc->maximum);
  });
}

/// The members of an ELF kernel.
inline void write_kernel(json_writer& json, pvhboot::span<const uint8_t> file) {
  write_verdicts(json, file);
  const auto image = pvhboot::parse_elf(file);
  if (!image) return write_error(json, image.error());
  json.member("class", image->file_class() == pvhboot::elf_class::elf64 ? 64u : 32u);
  json.member("machine", static_cast<uint16_t>(image->machine()));
  json.member("e_entry", image->entry());
  json.member("address", image->base());
  json.member("size", image->size());
  write_entry(json, *image);
  write_reloc(json, *image);
  write_segments(json, *image);
  write_notes(json, *image);
}

inline pvhboot::string_ref name_of(pvhboot::payload_format format) {
  constexpr pvhboot::string_ref names[] = {"unknown", "gzip", "bzip2", "lzma", "xz", "lzo", "lz4", "zstd", "elf"};
  return names[static_cast<size_t>(format)];
}

inline void write_payload(json_writer& json, const pvhboot::bzimage& image, pvhboot::span<const uint8_t> file) {
  const auto payload = image.payload();
  json.object("payload", [&] {
    json.member("format", name_of(image.payload_format()));
    json.member("offset", payload.empty() ? uint64_t{0} : static_cast<uint64_t>(payload.data() - file.data()));
    json.member("size", payload.size());
    json.member("uncompressed_size", image.uncompressed_size());
  });
}

/// The members of a bzImage.
inline void write_bzimage(json_writer& json, pvhboot::span<const uint8_t> file) {
  write_verdicts(json, file);
  const auto image = pvhboot::parse_bzimage(file);
  if (!image) return write_error(json, image.error());
  json.guest_text("version", image->kernel_version());
  json.pieces("protocol", [&](const text_sink& out) {
    out.decimal(image->protocol() >> 8);
    out.one('.');
    if ((image->protocol() & 0xff) < 10) out.one('0');
    out.decimal(image->protocol() & 0xff);
  });
  json.member("relocatable", image->relocatable());
  json.member("alignment", image->kernel_alignment());
  json.member("pref_address", image->pref_address());
  json.member("init_size", image->init_size());
  json.member("cmdline_size", image->cmdline_size());
  json.member("initrd_addr_max", image->initrd_addr_max());
  json.member("entry_64", image->has_entry_64());
  write_payload(json, *image, file);
  write_fields(json, image->header());
}

}  // namespace tool::document
