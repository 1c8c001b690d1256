// SPDX-License-Identifier: BSL-1.0
//
// GRUB's view of the structs, as producer and as consumer (grub.def). A stated difference that is none any more is
// wrong too.
#include <pvhboot/abi/boot_params.hpp>
#include <pvhboot/abi/start_info.hpp>
#include <pvhboot/abi/xen_memory.hpp>

#include "rows.hpp"

namespace abi = pvhboot::abi;

namespace {

// The document counts the setup header from the start of the file.
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
