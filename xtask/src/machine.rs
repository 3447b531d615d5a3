//! A virtual machine for AArch64 with a real kernel: what it knows of a process, and the core files
//! that it writes.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::aarch64::AArch64;
use crate::debian::{Archive, Unpacked};
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

/// Starts each program, has the command look at it, and lets it dump its core. Customers of a shop
/// come first, as in `shop.rs`: until one is not answered, and so many behind it. A fault comes about
/// within a moment of 15 ms (`tests/fixtures/faults`), which a slow machine may miss: seen of
/// `futurelock` and `no-waker`, whose tasks all ended. It gets another try.
const INIT: &str = r#"#!/bin/sh
export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for module in virtio_mmio virtio_blk; do insmod /modules/$module.ko; done
ip link set lo up
echo /out/core > /proc/sys/kernel/core_pattern
echo 0 > /proc/sys/kernel/core_uses_pid
buy() {
    rm -f /tmp/answered
    (wget -q -O /dev/null --post-data '' "http://$1/checkout/lamp"; echo > /tmp/answered) &
    sleep 5
}
look() {
    mkfifo /tmp/$name.in
    sh -c 'ulimit -c unlimited; exec /programs/"$@"' sh $program $argument \
        < /tmp/$name.in > /tmp/$name.out 2>&1 &
    pid=$!
    exec 3> /tmp/$name.in
    until grep -q . /tmp/$name.out; do sleep 1; done
    if [ $customers != 0 ]; then
        until buy "$(cat /tmp/$name.out)"; [ ! -e /tmp/answered ]; do :; done
        for customer in $(seq $customers); do buy "$(cat /tmp/$name.out)"; done
    fi
    sleep 3
    unhang dump --width 100 -p $pid < /dev/null > /out/$name.live 2>&1
    kill -ABRT $pid
    wait $pid
    exec 3>&-
    mv /out/core /out/$name.core
    rm /tmp/$name.in
}
cd /programs
while read name customers program argument; do
    for try in 1 2 3 4 5; do
        look
        [ -z "$argument" ] && break
        grep -q '^1\. ' /out/$name.live && break
    done
done < /guests
cd /out; grep -m 1 KernelPageSize /proc/self/smaps > page-size; tar cf /dev/vda *; sync
poweroff -f
"#;

/// The programs of the shell that are used.
const APPLETS: &str =
    "sh mount insmod ip echo mkfifo grep sleep kill mv tar sync poweroff wget rm cat seq";

/// A program that is to be looked at in the machine.
pub struct Guest {
    /// What its files are called.
    pub name: String,
    /// Where it is.
    pub program: PathBuf,
    /// What it is told; nothing when that is empty.
    pub argument: String,
    /// How many customers queue behind the one whose checkout hangs; `None` where it is no shop.
    pub queue: Option<usize>,
}

/// qemu as whole machines, of Arm's 64-bit and 32-bit processors.
pub fn emulator() -> Result<Unpacked> {
    Unpacked::packages_with("arm64", "aarch64-machine", PACKAGES)
}

/// The kernel of a machine.
pub struct Kernel {
    package: Unpacked,
    version: String,
}

impl Kernel {
    /// The distribution's, whose pages have 4 kB.
    pub fn usual() -> Result<Self> {
        let archive = Archive { architecture: "arm64", release: None };
        Self::of(archive, "linux-image-arm64:arm64", "aarch64-kernel")
    }

    /// One whose pages have 16 kB. Debian has none with 64 kB, and none for older releases.
    pub fn of_large_pages() -> Result<Self> {
        let archive = Archive { architecture: "arm64", release: Some("trixie") };
        Self::of(archive, "linux-image-arm64-16k:arm64", "aarch64-kernel-16k")
    }

    fn of(archive: Archive, name: &str, folder: &str) -> Result<Self> {
        let image = archive.dependency(name)?;
        let package = archive.packages(folder, &[&format!("{image}:arm64")])?;
        Ok(Self { package, version: image.trim_start_matches("linux-image-").to_owned() })
    }

    /// The image.
    fn image(&self) -> PathBuf {
        self.package.folder().join(format!("boot/vmlinuz-{}", self.version))
    }

    /// The bytes of a module, which newer releases compress.
    fn module(&self, path: &str, step: &Step) -> Result<Vec<u8>> {
        let below = format!("lib/modules/{}/kernel/drivers/{path}", self.version);
        let folder = self.package.folder();
        let places = [folder.join(&below), folder.join("usr").join(&below)];
        if let Some(place) = places.iter().find(|place| place.is_file()) {
            return fs::read(place).with_context(|| format!("reading {}", place.display()));
        }
        let packed = folder.join("usr").join(format!("{below}.xz"));
        let mut unpack = command("xz", root());
        workspace::run(unpack.args(["--decompress", "--keep", "--force"]).arg(&packed), step)?;
        fs::read(&places[1]).with_context(|| format!("reading {}", places[1].display()))
    }
}

/// Runs the programs one after the other. Gives a folder with what the command said of each while it
/// ran (`NAME.live`), with its core file (`NAME.core`), and with a line on how large pages are
/// (`page-size`).
pub fn run(tools: &AArch64, kernel: &Kernel, guests: &[Guest]) -> Result<PathBuf> {
    let qemu = emulator()?;
    let unhang = tools.standalone()?;
    exclusively("machine", || {
        // Another test looks at what it has of another kernel meanwhile.
        let folder = target().join("aarch64/machine").join(&kernel.version);
        if folder.exists() {
            fs::remove_dir_all(&folder).context("removing what was there")?;
        }
        let (files, out) = (folder.join("root"), folder.join("out"));
        fs::create_dir_all(&out).context("creating a folder")?;
        let tree = Tree { root: &files };
        tree.add(&qemu.folder().join("bin/busybox"), "bin/busybox")?;
        for applet in APPLETS.split(' ') {
            symlink("busybox", files.join("bin").join(applet)).context("a link")?;
        }
        tree.add(&unhang, "bin/unhang")?;
        for library in LIBRARIES {
            tree.add(&tools.sysroot().join("lib").join(library), &format!("lib/{library}"))?;
        }
        let step = Step::begin("filling a virtual machine for AArch64");
        fs::create_dir_all(files.join("modules")).context("creating a folder")?;
        for module in MODULES {
            let name = module.rsplit('/').next().unwrap_or(module);
            fs::write(files.join("modules").join(name), kernel.module(module, &step)?)
                .context("writing a module")?;
        }
        step.done();
        let mut list = String::new();
        for Guest { name, program, argument, queue } in guests {
            let file = program.file_name().context("its name")?.to_string_lossy();
            tree.add(program, &format!("programs/{file}"))?;
            list += &format!("{name} {} {file} {argument}\n", queue.unwrap_or(0));
        }
        fs::write(files.join("guests"), list).context("writing what is to be looked at")?;
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
        machine.arg(kernel.image());
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
