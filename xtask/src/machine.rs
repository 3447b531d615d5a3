//! A virtual machine for AArch64 with a real kernel: what it knows of a process, and the core files
//! that it writes.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::aarch64::AArch64;
use crate::debian::Unpacked;
use crate::executable;
use crate::progress::Step;
use crate::workspace::{self, command, exclusively, root, target};

/// qemu with the libraries that a machine may not have, and the shell of the other one.
const PACKAGES: &[&str] = &[
    "qemu-system-arm",
    "qemu-system-common",
    "qemu-system-data",
    "busybox-static:arm64",
    "libaio1",
    "libbpf1",
    "libcapstone4",
    "libdaxctl1",
    "libfdt1",
    "libfuse3-3",
    "libglib2.0-0",
    "libibverbs1",
    "libjpeg62-turbo",
    "libndctl6",
    "libnl-3-200",
    "libnl-route-3-200",
    "libnuma1",
    "libpixman-1-0",
    "libpmem1",
    "libpng16-16",
    "librdmacm1",
    "libslirp0",
    "liburing2",
    "libvdeplug2",
];

/// What programs need of the C library.
const LIBRARIES: [&str; 4] = ["ld-linux-aarch64.so.1", "libc.so.6", "libm.so.6", "libgcc_s.so.1"];

/// What carries the files out.
const MODULES: [&str; 2] = ["virtio/virtio_mmio.ko", "block/virtio_blk.ko"];

/// Starts each program, has the command look at it, and lets it dump its core.
const INIT: &str = r#"#!/bin/sh
export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for module in virtio_mmio virtio_blk; do insmod /modules/$module.ko; done
ip link set lo up
echo /out/core > /proc/sys/kernel/core_pattern
echo 0 > /proc/sys/kernel/core_uses_pid
cd /programs
for program in *; do
    mkfifo /tmp/$program.in
    sh -c "ulimit -c unlimited; exec /programs/$program" < /tmp/$program.in > /tmp/$program.out 2>&1 &
    pid=$!
    exec 3> /tmp/$program.in
    until grep -q . /tmp/$program.out; do sleep 1; done
    sleep 3
    unhang dump --width 100 -p $pid > /out/$program.live 2>&1
    kill -ABRT $pid
    wait $pid
    exec 3>&-
    mv /out/core /out/$program.core
done
cd /out; tar cf /dev/vda *; sync
poweroff -f
"#;

/// qemu as whole machines, of Arm's 64-bit and 32-bit processors.
pub fn emulator() -> Result<Unpacked> {
    Unpacked::packages_with("arm64", "aarch64-machine", PACKAGES)
}

/// Runs the programs one after the other. Gives a folder with what the command said of each while it
/// ran (`NAME.live`), and with its core file (`NAME.core`).
pub fn run(tools: &AArch64, programs: &[PathBuf]) -> Result<PathBuf> {
    let qemu = emulator()?;
    let image = Unpacked::dependency("arm64", "linux-image-arm64:arm64")?;
    let kernel = Unpacked::packages_with("arm64", "aarch64-kernel", &[&format!("{image}:arm64")])?;
    let unhang = tools.command_line()?;
    exclusively("machine", || {
        let folder = target().join("aarch64/machine");
        if folder.exists() {
            fs::remove_dir_all(&folder).context("removing what was there")?;
        }
        let (files, out) = (folder.join("root"), folder.join("out"));
        fs::create_dir_all(&out).context("creating a folder")?;
        let tree = Tree { root: &files };
        tree.add(&qemu.folder().join("bin/busybox"), "bin/busybox")?;
        for applet in
            "sh mount insmod ip echo mkfifo grep sleep kill mv tar sync poweroff".split(' ')
        {
            symlink("busybox", files.join("bin").join(applet)).context("a link")?;
        }
        tools.strip(&unhang, &files.join("bin/unhang"))?;
        for library in LIBRARIES {
            tree.add(&tools.sysroot().join("lib").join(library), &format!("lib/{library}"))?;
        }
        let version = image.trim_start_matches("linux-image-");
        let modules = kernel.folder().join(format!("lib/modules/{version}/kernel/drivers"));
        for module in MODULES {
            let name = module.rsplit('/').next().unwrap_or(module);
            tree.add(&modules.join(module), &format!("modules/{name}"))?;
        }
        for program in programs {
            let name = program.file_name().context("its name")?.to_string_lossy();
            tree.add(program, &format!("programs/{name}"))?;
        }
        for empty in ["proc", "sys", "dev", "tmp", "out"] {
            fs::create_dir_all(files.join(empty)).context("creating a folder")?;
        }
        executable::script(&files.join("init"), INIT)?;
        let initrd = folder.join("initrd");
        fs::write(&initrd, archive(&files)?).context("writing the first file system")?;
        let disk = folder.join("disk");
        fs::File::create(&disk).and_then(|disk| disk.set_len(1 << 30)).context("a disk")?;

        let step = Step::begin("running a virtual machine for AArch64");
        let mut machine = command(qemu.program("qemu-system-aarch64")?, root());
        let libraries = [qemu.libraries(), qemu.folder().join("lib/x86_64-linux-gnu")];
        machine.env("LD_LIBRARY_PATH", std::env::join_paths(libraries)?);
        machine.arg("-L").arg(qemu.folder().join("usr/share/qemu"));
        // `max` signs return addresses where the program asks for it.
        machine.args(["-M", "virt", "-cpu", "max,pauth-impdef=on", "-smp", "2", "-m", "2048"]);
        machine.args(["-nographic", "-nic", "none", "-no-reboot", "-kernel"]);
        machine.arg(kernel.folder().join(format!("boot/vmlinuz-{version}")));
        machine.arg("-initrd").arg(&initrd);
        machine.args(["-append", "console=ttyAMA0 quiet rdinit=/init panic=-1", "-drive"]);
        machine.arg(format!("file={},if=none,format=raw,id=disk", disk.display()));
        let said =
            workspace::run(machine.args(["-device", "virtio-blk-device,drive=disk"]), &step)?;
        let mut unpack = command("tar", root());
        workspace::run(unpack.arg("xf").arg(&disk).arg("-C").arg(&out), &step)
            .with_context(|| format!("the machine said: {said}"))?;
        step.done();
        Ok(out)
    })
}

/// A folder that is filled.
struct Tree<'a> {
    root: &'a Path,
}

impl Tree<'_> {
    /// Copies a file, whatever link leads to it.
    fn add(&self, from: &Path, place: &str) -> Result<()> {
        let to = self.root.join(place);
        let folder = to.parent().context("its folder")?;
        fs::create_dir_all(folder).context("creating a folder")?;
        fs::copy(from, &to).with_context(|| format!("copying {}", from.display()))?;
        Ok(())
    }
}

/// A folder as a cpio archive of the form `newc`, which the kernel unpacks
/// (`Documentation/driver-api/early-userspace/buffer-format.rst`), with a console.
fn archive(folder: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut entry = |name: &str, mode: u32, device: [u32; 2], content: &[u8]| {
        let length = content.len() as u32;
        let number = bytes.len() as u32;
        let [major, minor] = device;
        let name_length = name.len() as u32 + 1;
        bytes.extend(b"070701");
        let fields = [number, mode, 0, 0, 1, 0, length, 0, 0, major, minor, name_length, 0];
        for field in fields {
            bytes.extend(format!("{field:08X}").into_bytes());
        }
        bytes.extend(name.bytes().chain([0]));
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(content);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    };
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        let metadata = fs::symlink_metadata(&path).context("a file's kind")?;
        let content = if metadata.is_symlink() {
            fs::read_link(&path)?.into_os_string().into_encoded_bytes()
        } else if metadata.is_dir() {
            for inside in fs::read_dir(&path)? {
                open.push(inside?.path());
            }
            Vec::new()
        } else {
            fs::read(&path)?
        };
        let name = path.strip_prefix(folder)?.to_string_lossy();
        if !name.is_empty() {
            entry(&name, metadata.mode(), [0, 0], &content);
        }
    }
    entry("dev/console", 0o020_600, [5, 1], &[]);
    entry("TRAILER!!!", 0, [0, 0], &[]);
    ensure!(u32::try_from(bytes.len()).is_ok(), "the programs are too large");
    Ok(bytes)
}
