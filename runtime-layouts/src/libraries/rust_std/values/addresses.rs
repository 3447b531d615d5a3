//! Internet addresses: `library/core/src/net/{ip_addr,socket_addr}.rs` (Rust 1.95).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV6};

use crate::knowledge::ValuePrinter;
use crate::knowledge::notation::{Notation, Shown};
use crate::value::{Program, Value, ValueError};

pub(super) const PRINTERS: &[ValuePrinter] = &[
    ValuePrinter::of("core::net::ip_addr::Ipv4Addr", |shown| {
        Ok(Some(Notation::Text(ipv4(shown.program, shown.value)?.to_string())))
    }),
    ValuePrinter::of("core::net::ip_addr::Ipv6Addr", |shown| {
        Ok(Some(Notation::Text(ipv6(shown.program, shown.value)?.to_string())))
    }),
    ValuePrinter::of("core::net::socket_addr::SocketAddrV4", |shown| {
        let (ip, port) = (ipv4(shown.program, shown.member("ip")?)?, shown.number("port")?);
        Ok(Some(Notation::Text(format!("{ip}:{port}"))))
    }),
    ValuePrinter::of("core::net::socket_addr::SocketAddrV6", |shown| {
        let ip = ipv6(shown.program, shown.member("ip")?)?;
        let port = u16::try_from(shown.number("port")?).unwrap_or(0);
        let scope = u32::try_from(shown.number("scope_id")?).unwrap_or(0);
        Ok(Some(Notation::Text(SocketAddrV6::new(ip, port, 0, scope).to_string())))
    }),
    ValuePrinter::of("core::net::socket_addr::SocketAddr", of_either),
    ValuePrinter::of("core::net::ip_addr::IpAddr", of_either),
];

/// A `SocketAddr` as text.
pub(crate) fn socket_address(program: &Program<'_>, value: Value) -> Result<String, ValueError> {
    let (_, fields) = value.active_variant(program)?;
    let address = fields.member(program, "__0")?;
    let port = u16::try_from(address.member(program, "port")?.unsigned(program)?).unwrap_or(0);
    let ip = address.member(program, "ip")?;
    Ok(match &*ip.layout(program)?.name {
        "core::net::ip_addr::Ipv4Addr" => format!("{}:{port}", ipv4(program, ip)?),
        _ => SocketAddrV6::new(ipv6(program, ip)?, port, 0, 0).to_string(),
    })
}

/// The address alone: it says which of the two it is.
fn of_either(shown: &Shown<'_>) -> Result<Option<Notation>, ValueError> {
    let (_, fields) = shown.value.active_variant(shown.program)?;
    Ok(Some(Notation::As(fields.member(shown.program, "__0")?)))
}

fn octets<const N: usize>(program: &Program<'_>, value: Value) -> Result<[u8; N], ValueError> {
    let mut bytes = [0; N];
    program.target().memory().read(value.address, &mut bytes)?;
    Ok(bytes)
}

fn ipv4(program: &Program<'_>, value: Value) -> Result<Ipv4Addr, ValueError> {
    Ok(Ipv4Addr::from(octets::<4>(program, value)?))
}

fn ipv6(program: &Program<'_>, value: Value) -> Result<Ipv6Addr, ValueError> {
    Ok(Ipv6Addr::from(octets::<16>(program, value)?))
}
