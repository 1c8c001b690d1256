// SPDX-License-Identifier: BSL-1.0
//
// Runs a harness on files, and on all files of folders: a corpus, or the input of a finding. A build with FUZZ_DIGEST
// has two options. --digest prints a number for what the harness saw of each input, and which laws it checked.
// --invert FILE:LINE inverts the law at this place, which must stop the harness.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "harness.hpp"

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  std::vector<fs::path> files;
  [[maybe_unused]] bool prints_digest = false;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--digest") == 0) {
      prints_digest = true;
      continue;
    }
#ifdef FUZZ_DIGEST
    if (std::strcmp(argv[i], "--invert") == 0 && i + 1 < argc) {
      fuzz::reached_law::invert = argv[++i];
      continue;
    }
#endif
    if (fs::is_directory(argv[i]))
      for (const auto& entry : fs::directory_iterator(argv[i])) files.push_back(entry.path());
    else
      files.emplace_back(argv[i]);
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    std::ifstream stream(file, std::ios::binary);
    const std::vector<char> text{std::istreambuf_iterator<char>(stream), {}};
    if (!stream) {
      std::fprintf(stderr, "cannot read %s\n", file.c_str());
      return 1;
    }
    std::fprintf(stderr, "%s\n", file.c_str());  // printed before the harness runs: the last name is the failing input
    const std::vector<uint8_t> bytes(text.begin(), text.end());
    const auto exact = fuzz::exact_copy(bytes);
#ifdef FUZZ_DIGEST
    fuzz::digest = 0;
#endif
    LLVMFuzzerTestOneInput(exact.get(), bytes.size());
#ifdef FUZZ_DIGEST
    if (prints_digest)
      std::printf("%s %016llx\n", file.filename().c_str(), static_cast<unsigned long long>(fuzz::digest));
#endif
  }
#ifdef FUZZ_DIGEST
  for (const fuzz::reached_law* law = fuzz::reached_law::all; prints_digest && law; law = law->next)
    std::printf("law %s:%d\n", law->file, law->line);
#endif
  std::printf("%zu inputs, every law held\n", files.size());
  return files.empty() ? 1 : 0;
}
