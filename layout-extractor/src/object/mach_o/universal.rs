//! Universal files, which have the same program for several processors.

use std::env::consts::ARCH;

use object::read::macho::{FatArch, MachOFatFile32, MachOFatFile64};
use object::{FileKind, macho};
use runtime_layouts::target::processors::{self, Processor};

use super::super::shared_bytes::SharedBytes;

/// The bytes of one program: of a universal file the part for this machine's processor, or else the
/// first one for a processor that is supported; of any other file all of them.
pub(in super::super) fn slice(bytes: SharedBytes) -> Result<SharedBytes, String> {
    let parts = match FileKind::parse(&*bytes) {
        Ok(FileKind::MachOFat32) => MachOFatFile32::parse(&*bytes).map(|file| parts(file.arches())),
        Ok(FileKind::MachOFat64) => MachOFatFile64::parse(&*bytes).map(|file| parts(file.arches())),
        _ => return Ok(bytes),
    };
    let parts = parts.map_err(|error| format!("its table of processors is broken ({error})"))?;
    let own = parts.iter().find(|(processor, _)| processor.name == ARCH);
    let Some((_, (start, size))) = own.or(parts.first()) else {
        return Err(
            "it is a universal Mach-O file without a processor that is supported".to_owned()
        );
    };
    let start = usize::try_from(*start).ok();
    let range =
        start.and_then(|start| Some(start..start.checked_add(usize::try_from(*size).ok()?)?));
    let range = range.filter(|range| range.end <= bytes.len());
    range.map(|range| bytes.part(range)).ok_or_else(|| "it is cut short".to_owned())
}

/// The parts for processors that are supported, each with its place and size in the file.
fn parts<Fat: FatArch>(listed: &[Fat]) -> Vec<(&'static Processor, (u64, u64))> {
    let known = |part: &Fat| {
        let macho::CpuType(kind) = part.cputype();
        Some((processors::of_cpu_type(kind)?, part.file_range()))
    };
    listed.iter().filter_map(known).collect()
}
