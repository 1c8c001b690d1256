// SPDX-License-Identifier: BSL-1.0
//
// peer KERNEL write N | peer KERNEL load: what is counted happens in the function `measured`.
use linux_loader::configurator::{pvh::PvhBootConfigurator, BootConfigurator, BootParams};
use linux_loader::loader::elf::start_info::{
    hvm_memmap_table_entry, hvm_modlist_entry, hvm_start_info,
};
use linux_loader::loader::{elf::Elf, elf::PvhBootCapability, KernelLoader};
use std::io::Cursor;
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

const INFO_AT: u64 = 0x6000;

/// A handoff of these values: structures, then the configurator's writes, then the command line.
fn write(memory: &GuestMemoryMmap, entries: &[(u64, u64, u32)], cmdline: &[u8]) {
    let modules = vec![hvm_modlist_entry {
        paddr: 0x800_0000,
        size: 0x10_0000,
        ..Default::default()
    }];
    let map: Vec<hvm_memmap_table_entry> = entries
        .iter()
        .map(|&(addr, size, type_)| hvm_memmap_table_entry {
            addr,
            size,
            type_,
            reserved: 0,
        })
        .collect();
    let modules_at = INFO_AT + 56;
    let map_at = modules_at + 32;
    let cmdline_at = map_at + 24 * map.len() as u64;
    let info = hvm_start_info {
        magic: 0x336e_c578,
        version: 1,
        nr_modules: 1,
        modlist_paddr: modules_at,
        cmdline_paddr: cmdline_at,
        rsdp_paddr: 0xf59e0,
        memmap_paddr: map_at,
        memmap_entries: map.len() as u32,
        ..Default::default()
    };
    let mut params = BootParams::new::<hvm_start_info>(&info, GuestAddress(INFO_AT));
    params.set_sections::<hvm_memmap_table_entry>(&map, GuestAddress(map_at));
    params.set_modules::<hvm_modlist_entry>(&modules, GuestAddress(modules_at));
    PvhBootConfigurator::write_bootparams(&params, memory).unwrap();
    memory.write_slice(cmdline, GuestAddress(cmdline_at)).unwrap();
}

fn load(memory: &GuestMemoryMmap, file: &[u8]) -> u64 {
    let result = Elf::load(memory, None, &mut Cursor::new(file), None).unwrap();
    match result.pvh_boot_cap {
        PvhBootCapability::PvhEntryPresent(at) => at.0,
        _ => 0,
    }
}

fn work(memory: &GuestMemoryMmap, file: &[u8], entries: Option<&[(u64, u64, u32)]>) -> u64 {
    match entries {
        Some(entries) => {
            write(memory, entries, b"console=ttyS0\0");
            0
        }
        None => load(memory, file),
    }
}

#[no_mangle]
#[inline(never)]
#[allow(improper_ctypes_definitions)]
pub extern "C" fn measured(
    memory: &GuestMemoryMmap,
    file: &[u8],
    entries: Option<&[(u64, u64, u32)]>,
) -> u64 {
    work(memory, file, entries)
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let file = std::fs::read(&words[1]).unwrap();
    let memory: GuestMemoryMmap =
        GuestMemoryMmap::from_ranges(&[(GuestAddress(0), 32 << 20)]).unwrap();
    let entries: Option<Vec<(u64, u64, u32)>> = words.get(3).map(|n| {
        (0..n.parse::<u64>().unwrap())
            .map(|i| (0x10_0000 * i, 0x8_0000, 1 + (i % 2) as u32))
            .collect()
    });
    work(&memory, &file, entries.as_deref()); // binds symbols
    let entry = measured(&memory, &file, entries.as_deref());
    let mut digest: u64 = 0;
    let mut block = vec![0u8; 32 << 20];
    memory.read_slice(&mut block, GuestAddress(0)).unwrap();
    for byte in block {
        digest = digest.wrapping_mul(31).wrapping_add(byte as u64);
    }
    println!("{entry:#x} {digest:016x}");
}
