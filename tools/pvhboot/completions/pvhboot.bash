# SPDX-License-Identifier: BSL-1.0
# Completion of pvhboot for bash.
_pvhboot() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  local readers='qemu qemu-before-6.0 xen xen-dom0 linux-loader cloud-hypervisor firecracker'
  case $before in
    --for) COMPREPLY=($(compgen -W "$readers" -- "$word")); return ;;
    note) COMPREPLY=($(compgen -W 'add set remove' -- "$word")); return ;;
  esac
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W 'inspect explain lint map diff note plan write host --help --version' -- "$word"))
    return
  fi
  if [[ $word == -* ]]; then
    local options='--help --json'
    case ${COMP_WORDS[1]} in
      inspect | lint) options+=' --base --start-info' ;;
      map) options+=' --base --start-info --svg' ;;
      diff) options+=' --base' ;;
      explain) options+=' --for' ;;
      note) options+=' --entry --output' ;;
      plan) options+=' --initrd --module --memory --append --acpi-size --random' ;;
      write) options='--help --output --address' ;;
      host) options+=' --root' ;;
    esac
    COMPREPLY=($(compgen -W "$options" -- "$word"))
    return
  fi
  COMPREPLY=($(compgen -f -- "$word"))
}
complete -o filenames -F _pvhboot pvhboot
