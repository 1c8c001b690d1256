// SPDX-License-Identifier: BSL-1.0
//
// What is in a file, as JSON. Each command prints such a document, or renders it as text.
#pragma once

#include <optional>

#include <pvhboot/abi/boot_params.hpp>

#include "dump.hpp"
#include "text.hpp"

namespace tool {

/// The verdicts of a kernel's readers, in the order of image_reader. `readers` has the names of `--for`; empty: all.
json verdicts_to_json(pvhboot::span<const uint8_t> file, const std::vector<std::string>& readers);
/// The names of `--for`.
std::vector<std::string> reader_names();

/// Fields and the memory map of a page alone.
json zero_page_to_json(const pvhboot::abi::boot_params& page);

/// Everything about a file. `marked`: the pages of a dump that have a magic number, if they are known.
json inspect(pvhboot::span<const uint8_t> file, const std::string& name, uint64_t base,
             std::optional<uint64_t> start_info, const marked_pages* marked = nullptr);

}  // namespace tool
