// SPDX-License-Identifier: BSL-1.0
//
// All headers, and the objects on which two translation units must agree.
#pragma once

#include <pvhboot/bridge/linux_to_pvh.hpp>
#include <pvhboot/bridge/load_bzimage.hpp>
#include <pvhboot/core/format.hpp>
#include <pvhboot/linux/e820.hpp>
#include <pvhboot/producer.hpp>
#include <pvhboot/pvh/check_entry_state.hpp>
#include <pvhboot/pvh/emit_note.hpp>
#include <pvhboot/pvh/entry.hpp>
#include <pvhboot/pvh/explain.hpp>
#include <pvhboot/pvh/lint.hpp>
#include <pvhboot/pvh/patch_note.hpp>
#include <pvhboot/pvh/values_of.hpp>
#include <pvhboot/pvhboot.hpp>
#include <pvhboot/reflect.hpp>
#include <pvhboot/spec.hpp>
#include <pvhboot/xen/grub_mmap.hpp>

struct shared {
  const void* constant;
  const void* variable_template;
  const void* table;
  pvhboot::string_ref (*function)(pvhboot::errc) noexcept;
  size_t size;
};

inline shared what_i_see() {
  return {&pvhboot::abi::hvm_start_magic_value, &pvhboot::is_integer<int>,
          pvhboot::spec::fields<pvhboot::abi::boot_params>().data(), &pvhboot::message,
          sizeof(pvhboot::abi::boot_params)};
}

shared seen_in_two();
