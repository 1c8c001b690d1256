// SPDX-License-Identifier: BSL-1.0
//
// What a triple fault left.
#pragma once

#include <string>
#include <vector>

#include "machine.hpp"

namespace vmm {

/// KVM resets the CPU after a triple fault where the hardware does not keep its state, as with svm.
bool was_reset(const crash& c);

/// The registers and the instruction. One line each.
std::vector<std::string> text_of(const crash& c);

}  // namespace vmm
