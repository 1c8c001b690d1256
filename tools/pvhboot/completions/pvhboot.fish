# SPDX-License-Identifier: BSL-1.0
# Completion of pvhboot for fish.
set -l commands inspect explain lint map diff note plan write host
complete -c pvhboot -n "not __fish_seen_subcommand_from $commands" -f -a "$commands"
complete -c pvhboot -n "__fish_seen_subcommand_from inspect explain lint map diff note plan host" -l json
complete -c pvhboot -n "__fish_seen_subcommand_from inspect lint map diff" -x -l base
complete -c pvhboot -n "__fish_seen_subcommand_from inspect lint map" -x -l start-info
complete -c pvhboot -n "__fish_seen_subcommand_from map" -r -l svg
complete -c pvhboot -n "__fish_seen_subcommand_from explain" -x -l for \
  -a "qemu qemu-before-6.0 xen xen-dom0 linux-loader cloud-hypervisor firecracker"
complete -c pvhboot -n "__fish_seen_subcommand_from note" -a "add set remove"
complete -c pvhboot -n "__fish_seen_subcommand_from note" -x -l entry
complete -c pvhboot -n "__fish_seen_subcommand_from note write" -r -l output
complete -c pvhboot -n "__fish_seen_subcommand_from plan" -r -l initrd
complete -c pvhboot -n "__fish_seen_subcommand_from plan" -r -l module
complete -c pvhboot -n "__fish_seen_subcommand_from plan" -x -l memory
complete -c pvhboot -n "__fish_seen_subcommand_from plan" -x -l append
complete -c pvhboot -n "__fish_seen_subcommand_from plan" -x -l acpi-size
complete -c pvhboot -n "__fish_seen_subcommand_from plan" -x -l random
complete -c pvhboot -n "__fish_seen_subcommand_from write" -x -l address
complete -c pvhboot -n "__fish_seen_subcommand_from host" -r -l root
