// SPDX-License-Identifier: BSL-1.0
//
// The memory of a guest: its pieces, the handoffs and the zero pages in it.
#pragma once

#include "dump_memory.hpp"
#include "handoff.hpp"
#include "zero_page.hpp"

namespace tool::document {

/// The members of a dump. `scratch` as for handoffs and zero pages.
template <class Scratch>
void write_memory(json_writer& json, const pvhboot::string_ref& format, const dump_memory& memory,
                  const pvhboot::span<const uint64_t>& start_info, const pvhboot::span<const uint64_t>& zero_pages,
                  const Scratch& scratch) {
  json.member("format", format);
  json.array("pieces", [&] {
    for (size_t i = 0; i < memory.count; ++i)
      json.object([&] {
        json.member("address", memory.pieces[i].base);
        json.member("size", memory.pieces[i].contents.size());
      });
  });
  json.array("handoffs", [&] {
    for (const uint64_t at : start_info) write_handoff(json, memory, at, scratch);
  });
  json.array("zero_pages", [&] {
    for (const uint64_t at : zero_pages)
      json.object([&] {
        json.member("address", at);
        const auto* const page = memory.bytes(at, sizeof(pvhboot::abi::boot_params));
        write_zero_page(json, pvhboot::load_once<pvhboot::abi::boot_params>(page), &memory, scratch);
      });
  });
}

}  // namespace tool::document
