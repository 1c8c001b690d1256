// SPDX-License-Identifier: BSL-1.0
//
// Runs a harness on many inputs in one process, for the engines that have a main of their own no more than this: AFL++
// (afl-clang-fast++ HARNESS.cpp persistent.cpp) and honggfuzz (hfuzz-clang++ -DFUZZ_HONGGFUZZ HARNESS.cpp
// persistent.cpp). libFuzzer has its own main; replay.cpp replays files.
#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

#if defined(FUZZ_HONGGFUZZ)

extern "C" void HF_ITER(const uint8_t** data, size_t* size);

int main() {
  for (;;) {
    const uint8_t* data = nullptr;
    size_t size = 0;
    HF_ITER(&data, &size);
    LLVMFuzzerTestOneInput(data, size);
  }
}

#elif defined(__AFL_FUZZ_TESTCASE_LEN)

#include <unistd.h>  // __AFL_LOOP reads the input from standard input when no AFL++ runs

__AFL_FUZZ_INIT();

int main() {
  __AFL_INIT();
  const uint8_t* const data = __AFL_FUZZ_TESTCASE_BUF;
  while (__AFL_LOOP(100000)) {
    const auto size = static_cast<size_t>(__AFL_FUZZ_TESTCASE_LEN);
    if (size <= 0x10000) LLVMFuzzerTestOneInput(data, size);
  }
  return 0;
}

#else

#include <cstdio>

/// Without an engine: one input from standard input.
int main() {
  static uint8_t data[0x10000];
  LLVMFuzzerTestOneInput(data, std::fread(data, 1, sizeof data, stdin));
  return 0;
}

#endif
