//! Compressed tables with a checksum, as layout files and the answer cache store them.
//!
//! The format is the uncompressed length and one zstd frame with a checksum. Files may come from
//! anywhere, so the compressed length bounds the claimed one.

use std::io::Read;

use zstd::zstd_safe::CParameter;

/// No tables are longer than this before compression, in bytes.
pub const MAX_UNCOMPRESSED: u64 = 512 << 20;
/// No real tables shrink to less than this part of their length; a bomb does.
const MAX_COMPRESSION: u64 = 64;
/// How many places zstd's tables of what it saw have, as a power of two. More of them find a
/// hundredth more in these bytes, and have to come into memory first.
const PLACES: u32 = 14;

/// Seals bytes, with one of zstd's levels of compression: 1 is quick, 17 is small.
///
/// # Errors
/// Those of zstd.
pub fn compress(plain: &[u8], level: i32) -> std::io::Result<Vec<u8>> {
    let mut compressor = zstd::bulk::Compressor::new(level)?;
    compressor.include_checksum(true)?;
    compressor.set_parameter(CParameter::HashLog(PLACES))?;
    compressor.set_parameter(CParameter::ChainLog(PLACES))?;
    let mut compressed = (plain.len() as u64).to_le_bytes().to_vec();
    compressed.extend(compressor.compress(plain)?);
    Ok(compressed)
}

/// What was sealed.
///
/// # Errors
/// What is wrong with it, in a few words: it is damaged, or was never sealed.
pub fn decompress(compressed: &[u8]) -> Result<Vec<u8>, String> {
    let (length, frame) = compressed.split_first_chunk().ok_or("it ends early")?;
    let length = u64::from_le_bytes(*length);
    if length > MAX_UNCOMPRESSED || length > (frame.len() as u64).saturating_mul(MAX_COMPRESSION) {
        return Err(format!("it claims to hold {length} bytes in {}", frame.len()));
    }
    let mut plain = Vec::new();
    zstd::Decoder::new(frame)
        .and_then(|decoder| decoder.take(length + 1).read_to_end(&mut plain))
        .map_err(|error| error.to_string())?;
    if plain.len() as u64 != length {
        return Err("it does not hold what it claims".to_owned());
    }
    Ok(plain)
}
