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

/// A dump, of a core or of raw memory.
dump read_dump(pvhboot::span<const uint8_t> file, uint64_t base);

/// {"address", "version", "flags", "cmdline", "rsdp", "modules", "memory_map", "fields", "findings", …}: a handoff and
/// what lint finds in it.
json handoff_to_json(const dump_memory& memory, uint64_t start_info, bool is_whole);

/// Segments, notes, the PVH entry, and the verdict of every reader.
json kernel_to_json(pvhboot::span<const uint8_t> file);
/// The verdicts alone, in the order of image_reader. `readers` has the names of `--for`; empty: all.
json verdicts_to_json(pvhboot::span<const uint8_t> file, const std::vector<std::string>& readers);
/// The names of `--for`.
std::vector<std::string> reader_names();

json bzimage_to_json(pvhboot::span<const uint8_t> file);
/// Fields, the memory map and, if `memory` is the machine's, the chain of setup_data.
json zero_page_to_json(const pvhboot::abi::boot_params& page, const dump_memory* memory);

/// Everything about a file.
json inspect(pvhboot::span<const uint8_t> file, const std::string& name, uint64_t base,
             std::optional<uint64_t> start_info);

}  // namespace tool
