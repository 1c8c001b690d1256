// SPDX-License-Identifier: BSL-1.0
//
// Small values of the library: failures and ranges.
#pragma once

#include <pvhboot/core/format.hpp>
#include <pvhboot/core/memory_range.hpp>

#include "json_writer.hpp"

namespace tool::document {

/// {"rule", "message", "place", "where", "source"} as the member "error".
inline void write_error(json_writer& json, const pvhboot::failure& f) {
  json.object("error", [&] {
    json.member("rule", name(f.code));
    json.member("message", message(f.code));
    json.member("place", name(where_is(f.code)));
    json.member("where", f.where);
    json.member("source", source(f.code));
  });
}

/// The members "address", "size", "type", "name".
inline void write_range(json_writer& json, const pvhboot::memory_range& r) {
  json.member("address", r.addr);
  json.member("size", r.size);
  json.member("type", static_cast<uint32_t>(r.type));
  json.member("name", name(r.type));
}

}  // namespace tool::document
