// SPDX-License-Identifier: BSL-1.0
//
// The commands. Each returns the program's exit status: 0, or 1 for "no" (an image that does not boot, a finding, a
// difference). What cannot be read is thrown as bad_input and ends with 2.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kinds.hpp"

namespace tool {

/// What the commands that read a dump have in common.
struct dump_options {
  std::string name;
  uint64_t base = 0;
  std::optional<uint64_t> start_info;
  bool as_json = false;
};

/// The document of a file.
json read(const dump_options& o);
/// The handoff or zero page that a command is about; the first if there are several.
const json& only_part(const json& document, const std::string& command);

int command_inspect(const dump_options& o);
int command_explain(const std::string& name, const std::vector<std::string>& readers, bool as_json);
int command_lint(const dump_options& o);
int command_map(const dump_options& o, const std::string& svg);
int command_diff(const dump_options& a, const dump_options& b);

enum class note_change { add, set, remove };
int command_note(note_change change, const std::string& name, const std::string& output, uint32_t entry, bool as_json);

struct plan_options {
  std::string kernel;
  std::vector<std::string> modules;  ///< the initrd first
  uint64_t memory = 0;               ///< bytes
  std::string cmdline;
  std::optional<uint64_t> random;
  uint64_t acpi_size = 0;
  bool as_json = false;
};
int command_plan(const plan_options& o);

int command_write(const std::string& name, const std::string& output, uint64_t address);
/// `root` is the file system's root, for tests.
int command_host(const std::string& root, bool as_json);

/// Prints a document with its schema, and a newline.
void print_json(const json& document);

}  // namespace tool
