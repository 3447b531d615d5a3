//! The report as a page: one HTML file that needs no network and no server.
//!
//! The scripts are ES modules in `page/`, which import from each other as browsers and Node.js have it,
//! so that they are checked and tested as they are. Nothing bundles them: here they are put one behind
//! the other, those that are imported first, without their `import` lines and the word `export`. All of
//! their top-level names are therefore different; two of one name are an error when the page is opened,
//! which a test does.
//!
//! The report is the JSON of `docs/report.schema.json`, compressed: of ten thousand tasks it is twenty
//! megabytes of text, and one of this. The page of no report waits for one, which VS Code sends it.
//!
//! ```
//! let mut page = Vec::new();
//! report_page::write(|out| out.write_all(br#"{"schema":1}"#), &mut page)?;
//! let page = String::from_utf8(page)?;
//! assert!(page.starts_with("<!doctype html>"));
//! assert!(report_page::empty().len() < page.len());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod base64;
mod template;

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use self::base64::Base64;
use self::template::Template;

/// Writes the page of a report, whose JSON `report` writes.
///
/// # Errors
/// What `report` or `out` returns.
pub fn write(
    report: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Template { before, after } = template::template();
    out.write_all(before.as_bytes())?;
    // A JSON string, which Base64 cannot end.
    out.write_all(b"\"")?;
    let mut packed = GzEncoder::new(Base64::new(&mut *out), Compression::default());
    report(&mut packed)?;
    packed.finish()?.finish()?;
    out.write_all(b"\"")?;
    out.write_all(after.as_bytes())
}

/// The page without a report: it shows those that are sent to its window,
/// `{ type: 'report', report }`.
#[must_use]
pub fn empty() -> String {
    let Template { before, after } = template::template();
    before + "null" + &after
}
