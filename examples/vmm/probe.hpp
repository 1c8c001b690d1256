// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>

namespace vmm {

/// Why the guests of this program would not run; empty if KVM runs a guest of three instructions. Throws what machine
/// throws.
std::string probe(const std::string& device);

}  // namespace vmm
