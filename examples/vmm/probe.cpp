// SPDX-License-Identifier: BSL-1.0
#include "probe.hpp"

#include <algorithm>
#include <iterator>

#include "machine.hpp"

namespace vmm {

std::string probe(const std::string& device) {
  const uint8_t code[] = {0xb0, 0x2a, 0xe6, 0xf4, 0xf4};  // mov $0x2a, %al; out %al, $0xf4; hlt
  constexpr uint32_t at = 0x1000;
  const guest_memory memory{1 << 20};
  machine m{device, memory, 1};
  if (virtualisation() == nullptr)
    return "the CPU has neither vmx nor svm, so KVM emulates the guest, as far as it can";
  std::copy(std::begin(code), std::end(code), memory.windows()[0].contents.begin() + at);
  m.set({.eip = at});
  const ending e = m.run(true);
  return e.status == (0x2a << 1 | 1) ? "" : e.how;
}

}  // namespace vmm
