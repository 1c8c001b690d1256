// SPDX-License-Identifier: BSL-1.0
#include "files.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace vmm {

namespace {
[[noreturn]] void fail(const std::string& name) { throw std::system_error(errno, std::generic_category(), name); }
}  // namespace

file::file(const std::string& name) {
  const int fd = open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail(name);
  struct stat about {};
  const bool known = fstat(fd, &about) == 0;
  void* at = MAP_FAILED;
  if (known && S_ISREG(about.st_mode) && about.st_size > 0)
    at = mmap(nullptr, static_cast<size_t>(about.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
  const int why = errno;
  close(fd);
  if (known && !S_ISREG(about.st_mode)) throw std::runtime_error(name + ": not a regular file");
  if (known && about.st_size == 0) throw std::runtime_error(name + ": the file is empty");
  errno = why;
  if (at == MAP_FAILED) fail(name);
  contents_ = {static_cast<const uint8_t*>(at), static_cast<size_t>(about.st_size)};
}

file::~file() {
  if (!contents_.empty()) munmap(const_cast<uint8_t*>(contents_.data()), contents_.size());
}

void write_file(const std::string& name, pvhboot::span<const uint8_t> contents) {
  std::ofstream out{name, std::ios::binary};
  out.write(reinterpret_cast<const char*>(contents.data()), static_cast<std::streamsize>(contents.size()));
  out.close();
  if (!out) fail(name);
}

}  // namespace vmm
