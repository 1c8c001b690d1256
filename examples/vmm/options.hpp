// SPDX-License-Identifier: BSL-1.0
//
// The command line.
#pragma once

#include <list>
#include <optional>
#include <string>

#include "boot.hpp"
#include "files.hpp"

namespace vmm {

struct settings {
  std::list<file> files;  ///< to which `boot` refers
  boot_options boot;
  std::string dump;  ///< a file for the handoff
  std::string device = "/dev/kvm";
  std::string break_what;  ///< the name of a breakage
  bool check_entry = false;
  bool describe = false;
  bool probe = false;
  bool debug_exit = false;
};

/// Nothing if only the help was asked for, which is printed. Throws std::runtime_error and std::system_error.
std::optional<settings> read_options(int argc, char** argv);

}  // namespace vmm
