// SPDX-License-Identifier: BSL-1.0
//
// Compares the structs with GRUB's, as producer and as consumer (grub.def). A stated difference that does not exist is
// an error as well.
#include <pvhboot/abi/boot_params.hpp>
#include <pvhboot/abi/start_info.hpp>
#include <pvhboot/abi/xen_memory.hpp>

#include "rows.hpp"

namespace abi = pvhboot::abi;

namespace {

// boot.rst counts the setup header's offsets from the start of the file.
template <class S> constexpr size_t base = 0;
template <> constexpr size_t base<abi::setup_header> = abi::setup_header_file_offset;

void differs(const char* name, bool really, const char* how) {
  (really ? rows::agreed : rows::wrong) += 1;
  printf("%s %s: %s\n", really ? "differs " : "NO MORE ", name, how);
}

}  // namespace

int main() {
#define GRUB_FIELD(S, F, name, offset, size) \
  rows::field(#S "." #F ", GRUB's " name, base<abi::S> + offsetof(abi::S, F), sizeof(abi::S{}.F), offset, size);
#define GRUB_DIFFERS(S, F, name, offset, size, how)   \
  differs(#S "." #F ", GRUB's " name ", at " #offset, \
          base<abi::S> + offsetof(abi::S, F) != offset || sizeof(abi::S{}.F) != size, how);
#include "grub.def"
  return rows::summary("grub");
}
