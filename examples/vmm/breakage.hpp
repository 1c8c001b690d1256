// SPDX-License-Identifier: BSL-1.0
//
// Guests that are broken on purpose, each in one clause of the protocol: a test of what finds it.
#pragma once

#include <string>
#include <vector>

#include "boot.hpp"

namespace vmm {

/// A guest that is ready to be entered, and the registers that it will be entered with.
struct broken_guest {
  const booted& made;
  bytes kernel;  ///< the file
  pvhboot::memory_pieces memory;
  pvhboot::entry_state cpu;
};

struct breakage {
  const char* name;
  const char* what;
  void (*apply)(broken_guest&);  ///< null: in the machine, before it has memory
};

const std::vector<breakage>& breakages();
/// The name of the one that guest_memory does: bit 20 of addresses is ignored.
inline constexpr const char* without_a20 = "a20";

/// Throws std::runtime_error if the guest lacks what is to be broken.
void break_guest(const std::string& name, broken_guest& guest);

}  // namespace vmm
