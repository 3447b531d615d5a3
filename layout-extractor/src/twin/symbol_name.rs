//! Names of symbols without what differs between two builds of the same code.
//!
//! rustc takes a crate's identity into every name: as a hash at the end of a legacy name
//! (`…17h0123456789abcdefE`), as a disambiguator of each crate in a v0 name (`Cs1a2B_4shop`). cargo
//! makes that identity from the settings of the build too, so `debug = true` changes it. ThinLTO
//! adds `.llvm.` and a number to local names that it promotes.

/// The length of the hash of a legacy name: `17h`, 16 digits, `E`.
const HASH: usize = 20;

/// The name without hashes, disambiguators and numbers of ThinLTO.
pub(crate) fn without_identity(name: &[u8]) -> Box<[u8]> {
    let name = memchr::memmem::rfind(name, b".llvm.").map_or(name, |at| &name[..at]);
    if name.starts_with(b"_R") {
        return without_disambiguators(name);
    }
    match name.len().checked_sub(HASH).map(|at| name.split_at(at)) {
        Some((path, hash)) if hash.starts_with(b"17h") && hash.ends_with(b"E") => path.into(),
        _ => name.into(),
    }
}

/// A v0 name in which each `Cs…_` is a `C`.
fn without_disambiguators(name: &[u8]) -> Box<[u8]> {
    let mut kept = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = memchr::memmem::find(rest, b"Cs") {
        kept.extend_from_slice(&rest[..=at]);
        rest = &rest[at + 2..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        match rest.get(digits) {
            Some(b'_') => rest = &rest[digits + 1..],
            // An identifier with these two letters.
            _ => kept.push(b's'),
        }
    }
    kept.extend_from_slice(rest);
    kept.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(name: &str) -> String {
        String::from_utf8(without_identity(name.as_bytes()).into_vec()).expect("text")
    }

    #[test]
    fn names_of_two_builds_are_the_same() {
        assert_eq!(without("_ZN4shop7reserve17h0123456789abcdefE"), "_ZN4shop7reserve");
        assert_eq!(
            without("_ZN4shop7reserve17h0123456789abcdefE.llvm.1529"),
            without("_ZN4shop7reserve17hfedcba9876543210E")
        );
        assert_eq!(without("_RNvCs1a2B_4shop7reserve"), "_RNvC4shop7reserve");
        assert_eq!(without("_RNvCs1a2B_4shop6DoCsIt"), "_RNvC4shop6DoCsIt");
        assert_eq!(without("epoll_wait"), "epoll_wait");
    }
}
