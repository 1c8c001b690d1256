// SPDX-License-Identifier: BSL-1.0
//
// What a file is, and what is in it, as JSON. Each command prints such a document, or renders it as text.
#pragma once

#include <optional>

#include <pvhboot/abi/boot_params.hpp>

#include "dump.hpp"
#include "text.hpp"

namespace tool {

enum class kind { elf_kernel, bzimage, zero_page, core, raw };

/// By the file's magic numbers. A file that begins as nothing known is raw memory.
kind recognise(pvhboot::span<const uint8_t> file);
std::string name_of(kind k);

/// {"address", "version", "flags", "cmdline", "rsdp", "modules", "memory_map", "fields", "findings", …}: a handoff and
/// what lint finds in it.
json handoff_to_json(const dump_memory& memory, uint64_t start_info);

/// Segments, notes, the PVH entry, and the verdict of every reader.
json kernel_to_json(pvhboot::span<const uint8_t> file);
/// The verdicts alone, in the order of image_reader. `readers` has the names of `--for`; empty: all.
json verdicts_to_json(pvhboot::span<const uint8_t> file, const std::vector<std::string>& readers);
/// The names of `--for`.
std::vector<std::string> reader_names();

json bzimage_to_json(pvhboot::span<const uint8_t> file);
/// Fields, the memory map and, if the memory around the page is there, the chain of setup_data.
json zero_page_to_json(pvhboot::abi::boot_params page, const dump_memory* memory);

/// Everything about a file. `marked`: the pages of a dump that have a magic number, if they are known.
json inspect(pvhboot::span<const uint8_t> file, const std::string& name, uint64_t base,
             std::optional<uint64_t> start_info, const marked_pages* marked = nullptr);

}  // namespace tool
