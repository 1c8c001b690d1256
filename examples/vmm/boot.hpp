// SPDX-License-Identifier: BSL-1.0
//
// What the boot protocols need: from files and a size of memory to guest memory and registers. All of it is done by the
// library; this is the part to copy.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <pvhboot/bridge/load_bzimage.hpp>
#include <pvhboot/producer.hpp>

namespace vmm {

using bytes = pvhboot::span<const uint8_t>;

enum class way { pvh, pvh_loader, linux32, linux64 };

struct module {
  std::string name;  ///< for messages
  bytes contents;
  std::string cmdline;
  bool has_cmdline = false;
};

struct boot_options {
  module kernel;
  bytes loader;  ///< chainload, for way::pvh_loader
  std::vector<module> modules;
  std::string append;
  uint64_t memory = 0;  ///< bytes
  unsigned cpus = 1;
  way via = way::pvh;
  std::optional<uint64_t> random;  ///< load the kernel at one of its bases
};

/// A piece of guest memory, for pictures and descriptions.
struct placed {
  std::string what;
  uint64_t addr;
  uint64_t size;
};

struct booted {
  std::vector<placed> pieces;
  std::vector<pvhboot::memory_range> map;
  pvhboot::entry_state cpu{};
  uint64_t start_info = 0;  ///< 0 for Linux's own protocols
  uint64_t bases = 1;       ///< among how many the kernel's base was chosen
  std::vector<pvhboot::handoff_module> modules;
};

/// The modules of the handoff: with a loader, the kernel comes first.
std::vector<module> modules_of(const boot_options& options);

/// Fills guest memory. On failure guest memory is in any state. What is made refers to the options.
pvhboot::result<void> boot(const boot_options& options, const pvhboot::memory_pieces& guest, booted& made);

}  // namespace vmm
