// SPDX-License-Identifier: BSL-1.0
//
// What was made of a guest, for people and programs. Nothing here needs KVM or files.
#pragma once

#include <string>
#include <vector>

#include <pvhboot/core/result.hpp>
#include <pvhboot/pvh/oddity.hpp>

#include "boot.hpp"

namespace vmm {

/// What lies where, in ascending order.
std::vector<placed> picture_of(const booted& made);

/// The plan as JSON.
std::string describe(const boot_options& options, const booted& made);

/// The handoff as a guest would judge it. A handoff that cannot be read is a failure.
pvhboot::result<void> lint_handoff(const booted& made, const pvhboot::memory_pieces& guest,
                                   std::vector<pvhboot::finding>& found);

std::string text_of(const pvhboot::failure& f);
std::string text_of(const pvhboot::finding& f);

/// Why the guest does not boot: the rule, what did not fit or what to change, and what other VMMs make of the kernel.
/// One line each.
std::vector<std::string> explain_refusal(const pvhboot::failure& f, const boot_options& options);

}  // namespace vmm
