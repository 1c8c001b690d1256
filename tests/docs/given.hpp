// SPDX-License-Identifier: BSL-1.0
//
// The names that the examples at the heads of the headers assume.
#pragma once

#include <inttypes.h>
#include <linux/kvm.h>
#include <stdio.h>

#include <pvhboot/producer.hpp>
#include <pvhboot/pvh/lint.hpp>
#include <pvhboot/pvhboot.hpp>

extern const pvhboot::memory_window memory;   ///< physical memory, as it is read
extern const pvhboot::writable_window guest;  ///< physical memory, as it is written
extern uint8_t* const low;                    ///< host memory of the guest's first 2 GiB
extern uint8_t* const high;                   ///< and from 4 GiB on
extern pvhboot::span<uint8_t> ram;            ///< all of the guest's memory, in one piece
extern uint32_t paddr;                        ///< %ebx at entry
extern pvhboot::span<const uint8_t> file;     ///< a kernel file
extern pvhboot::span<const uint8_t> segment;  ///< the bytes of a PT_NOTE
extern uint64_t initrd_size, kernel_begin, kernel_size, random64;
extern const char* text;
pvhboot::cpuid_leaf execute_cpuid(uint32_t leaf);
extern pvhboot::result<pvhboot::boot_info<pvhboot::memory_window>> boot;
extern pvhboot::result<pvhboot::elf_image> image;
extern pvhboot::result<pvhboot::bzimage> kernel;
extern pvhboot::memory_map& map;              ///< of boot, or of a guest
extern pvhboot::memory_map& free_ram;         ///< sanitised, without what is in use
extern pvhboot::linux_layout& layout;         ///< of a boot of Linux
extern pvhboot::abi::boot_params& zero_page;  ///< to fill, or filled
extern pvhboot::setup_data_writer& nodes;     ///< memory for setup_data nodes
extern pvhboot::span<pvhboot::memory_range> table;
extern pvhboot::handoff h;
extern pvhboot::result<pvhboot::boot_plan> plan;
extern kvm_sregs sregs;
extern kvm_regs regs;
template <class... Values> void use(const Values&... values);
template <class... Values> void warn(const Values&... values);
