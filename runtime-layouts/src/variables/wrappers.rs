//! Types around one value, and values that have a notation of their own: durations, addresses.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV6};
use std::time::Duration;

use super::{Printer, find};
use crate::layout::{Type, TypeKind};
use crate::value::{Value, ValueError};

/// Wrappers that are printed as what they hold.
const TRANSPARENT: [&str; 8] = [
    "core::mem::manually_drop::ManuallyDrop",
    "core::mem::maybe_dangling::MaybeDangling",
    "core::cell::UnsafeCell",
    "core::cell::SyncUnsafeCell",
    "core::pin::Pin",
    "core::num::nonzero::NonZero",
    "core::num::wrapping::Wrapping",
    "core::panic::unwind_safe::AssertUnwindSafe",
];

/// Prints a wrapper or a value with its own notation; `false` for all others.
pub(super) fn special(
    printer: &mut Printer<'_>,
    value: Value,
    layout: &Type,
    path: &str,
    depth: usize,
) -> Result<bool, ValueError> {
    let program = printer.program;
    let is_niche = path.starts_with("core::num::niche_types::");
    if TRANSPARENT.contains(&path) || is_niche || path.starts_with("core::sync::atomic::Atomic") {
        let Some(only) = only_value(printer, value, layout) else { return Ok(false) };
        printer.value(only, depth);
        return Ok(true);
    }
    let text = match path {
        "core::mem::maybe_uninit::MaybeUninit" => "<uninitialized or not>".to_string(),
        "core::time::Duration" => {
            let seconds = value.member(program, "secs")?.unsigned(program)?;
            let nanos = value.member(program, "nanos")?.unsigned(program)?;
            let nanos = u32::try_from(nanos).unwrap_or(u32::MAX);
            match nanos < 1_000_000_000 {
                true => format!("{:?}", Duration::new(seconds, nanos)),
                false => format!("<not a Duration: {seconds} s {nanos} ns>"),
            }
        }
        "std::time::Instant" | "std::time::SystemTime" | "tokio::time::instant::Instant" => {
            let mut is_time = |ty: &Type| ty.member("tv_sec").is_some();
            let Some(time) = find(program, value, &mut is_time)? else { return Ok(false) };
            let seconds = time.member(program, "tv_sec")?.unsigned(program)?;
            let nanos = time.member(program, "tv_nsec")?.unsigned(program)?;
            let name = if path.ends_with("SystemTime") { "SystemTime" } else { "Instant" };
            let seconds = seconds.cast_signed();
            format!("{name}({seconds}.{:03} s)", nanos.min(999_999_999) / 1_000_000)
        }
        "core::net::ip_addr::Ipv4Addr" => ipv4(printer, value)?.to_string(),
        "core::net::ip_addr::Ipv6Addr" => ipv6(printer, value)?.to_string(),
        "core::net::socket_addr::SocketAddrV4" => {
            let port = value.member(program, "port")?.unsigned(program)?;
            format!("{}:{port}", ipv4(printer, value.member(program, "ip")?)?)
        }
        "core::net::socket_addr::SocketAddrV6" => {
            let port = value.member(program, "port")?.unsigned(program)?;
            let scope = value.member(program, "scope_id")?.unsigned(program)?;
            let (port, scope) = (port as u16, u32::try_from(scope).unwrap_or(0));
            let ip = ipv6(printer, value.member(program, "ip")?)?;
            SocketAddrV6::new(ip, port, 0, scope).to_string()
        }
        // The address alone: it says which of the two it is.
        "core::net::socket_addr::SocketAddr" | "core::net::ip_addr::IpAddr" => {
            let (_, fields) = value.active_variant(program)?;
            printer.value(fields.member(program, "__0")?, depth);
            return Ok(true);
        }
        _ => return locks(printer, value, path, depth),
    };
    let _ = write!(printer.out, "{text}");
    Ok(true)
}

/// Locks and cells: what they hold, and their state where memory tells it.
fn locks(
    printer: &mut Printer<'_>,
    value: Value,
    path: &str,
    depth: usize,
) -> Result<bool, ValueError> {
    let program = printer.program;
    let (name, member) = match path {
        "core::cell::Cell" => ("Cell", "value"),
        "core::cell::RefCell" => ("RefCell", "value"),
        "core::cell::once::OnceCell" => ("OnceCell", "inner"),
        "std::sync::poison::mutex::Mutex" | "std::sync::mutex::Mutex" => ("Mutex", "data"),
        "std::sync::poison::rwlock::RwLock" | "std::sync::rwlock::RwLock" => ("RwLock", "data"),
        "tokio::sync::mutex::Mutex" => ("Mutex", "c"),
        "tokio::sync::rwlock::RwLock" => ("RwLock", "c"),
        "lock_api::mutex::Mutex" => ("Mutex", "data"),
        "lock_api::rwlock::RwLock" => ("RwLock", "data"),
        _ => return Ok(false),
    };
    let inner = value.member(program, member)?;
    let _ = write!(printer.out, "{name}(");
    if depth == 0 {
        printer.out.push('…');
    } else {
        printer.value(inner, depth - 1);
    }
    if let Some(state) = lock_state(printer, value, path)? {
        let _ = write!(printer.out, ", {state}");
    }
    printer.out.push(')');
    Ok(true)
}

/// What a cell or lock says of itself, where it is not as usual: `borrowed`, `locked`.
///
/// `library/core/src/cell.rs`, `library/std/src/sys/sync/mutex/futex.rs` (Rust 1.95),
/// `tokio/src/sync/mutex.rs` (tokio 1.54.1), `parking_lot/src/raw_mutex.rs` (0.12).
fn lock_state(
    printer: &Printer<'_>,
    value: Value,
    path: &str,
) -> Result<Option<&'static str>, ValueError> {
    let program = printer.program;
    let number = |wanted: &str| -> Result<Option<u64>, ValueError> {
        let holder = find(program, value, &mut |ty| ty.member(wanted).is_some())?;
        holder.map(|holder| holder.member(program, wanted)?.unsigned(program)).transpose()
    };
    Ok(match path {
        "core::cell::RefCell" => match number("borrow")?.map(u64::cast_signed) {
            Some(0) | None => None,
            Some(count) if count < 0 => Some("mutably borrowed"),
            Some(_) => Some("borrowed"),
        },
        "std::sync::poison::mutex::Mutex" | "std::sync::mutex::Mutex" => {
            match (number("futex")?, number("failed")?) {
                (_, Some(1)) => Some("poisoned"),
                (Some(0) | None, _) => None,
                _ => Some("locked"),
            }
        }
        "tokio::sync::mutex::Mutex" => {
            number("permits")?.is_some_and(|permits| permits >> 1 == 0).then_some("locked")
        }
        "lock_api::mutex::Mutex" => {
            let raw = value.member(program, "raw")?;
            let is_one = raw.layout(program)?.size == 1 && raw.unsigned(program)? & 1 != 0;
            is_one.then_some("locked")
        }
        _ => None,
    })
}

/// The one member that is no marker, when it has the size of the whole.
fn only_value(printer: &Printer<'_>, value: Value, layout: &Type) -> Option<Value> {
    let TypeKind::Struct { members } = &layout.kind else { return None };
    let fields = printer.fields(value, members);
    let [only] = fields.as_slice() else { return None };
    let size = printer.program.type_of(only.value.ty).ok()?.size;
    (size == layout.size).then_some(only.value)
}

fn octets<const N: usize>(printer: &Printer<'_>, value: Value) -> Result<[u8; N], ValueError> {
    let mut bytes = [0; N];
    printer.program.target().memory().read(value.address, &mut bytes)?;
    Ok(bytes)
}

fn ipv4(printer: &Printer<'_>, value: Value) -> Result<Ipv4Addr, ValueError> {
    Ok(Ipv4Addr::from(octets::<4>(printer, value)?))
}

fn ipv6(printer: &Printer<'_>, value: Value) -> Result<Ipv6Addr, ValueError> {
    Ok(Ipv6Addr::from(octets::<16>(printer, value)?))
}
