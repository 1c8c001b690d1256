// SPDX-License-Identifier: BSL-1.0
//
// The document of `inspect`: everything about a file.
#pragma once

#include "kernel.hpp"
#include "kind.hpp"
#include "memory.hpp"

namespace tool::document {

/// `write_dump` writes the members of a dump.
template <class Scratch, class WriteDump>
void write_inspect(json_writer& json, pvhboot::span<const uint8_t> file, const pvhboot::string_ref& name,
                   const Scratch& scratch, const WriteDump& write_dump) {
  const kind k = recognise(file);
  json.object([&] {
    json.member("schema", "pvhboot/inspect/1");
    json.guest_text("file", name);
    json.member("size", file.size());
    json.member("kind", name_of(k));
    switch (k) {
      case kind::elf_kernel: return json.object("kernel", [&] { write_kernel(json, file); });
      case kind::bzimage: return json.object("bzimage", [&] { write_bzimage(json, file); });
      case kind::zero_page:
        return json.object("zero_page", [&] {
          write_zero_page(json, pvhboot::load_once<pvhboot::abi::boot_params>(file.data()),
                          static_cast<const dump_memory*>(nullptr), scratch);
        });
      case kind::core:
      case kind::raw: return json.object("memory", [&] { write_dump(json); });
    }
  });
}

}  // namespace tool::document
