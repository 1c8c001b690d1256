// SPDX-License-Identifier: BSL-1.0
//
// Declarations that the snippets of the README and of docs/ assume.
#pragma once

#if __STDC_HOSTED__  // the loader of docs/loader.md is not
#include <linux/kvm.h>
#endif

#include <pvhboot/producer.hpp>
#include <pvhboot/pvh/emit_note.hpp>
#include <pvhboot/pvh/entry.hpp>
#include <pvhboot/pvh/lint.hpp>
#include <pvhboot/pvhboot.hpp>

[[noreturn]] void panic(const pvhboot::failure& why);
void must(const pvhboot::result<void>& done);
extern "C" const char kernel_begin[];
uint64_t kernel_size();
uint64_t address(const char* symbol);
uint8_t* pointer(uint64_t paddr);
void add_frames(uint64_t addr, uint64_t size);
void acpi_init(uint64_t rsdp_paddr);
void complain(pvhboot::string_ref what, uint64_t where, pvhboot::string_ref who_fails);
