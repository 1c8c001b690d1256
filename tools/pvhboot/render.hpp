// SPDX-License-Identifier: BSL-1.0
//
// The documents of kinds.hpp as text for people.
#pragma once

#include "text.hpp"

namespace tool {

void print_inspect(const json& document);
void print_verdicts(const json& verdicts);
void print_handoff(const json& handoff);
void print_findings(const json& findings);
void print_memory_map(const json& memory_map);

}  // namespace tool
