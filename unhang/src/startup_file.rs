//! The block that `unhang install` keeps in a debugger's startup file.
//!
//! It is the user's file: all that is not in the block stays as it is, to the byte, and taking the
//! block out again leaves what was there before. What that takes is noted in the block itself.

use std::ops::Range;

use anyhow::bail;

/// What the first line of the block begins with, and the last one is.
const BEGIN: &[u8] = b"# >>> unhang >>>";
const END: &[u8] = b"# <<< unhang <<<";

/// Notes in the first line of the block.
const NEW_FILE: &str = " (in a file of its own)";
const ENDED_LINE: &str = " (and the end of the line above)";

/// The file with the block in it; `old` is the file as it is, `None` when there is none.
///
/// # Errors
/// When a block in the file is damaged.
pub(crate) fn with_block(old: Option<&[u8]>, command: &str) -> anyhow::Result<Vec<u8>> {
    let text = old.unwrap_or_default();
    let blocks = blocks(text)?;
    let Some((first, others)) = blocks.split_first() else {
        let (ended, note) = match text.last() {
            None if old.is_none() => ("", NEW_FILE),
            None | Some(b'\n') => ("", ""),
            Some(_) => ("\n", ENDED_LINE),
        };
        return Ok([text, ended.as_bytes(), block(command, note).as_bytes()].concat());
    };
    let mut new = text[..first.place.start].to_vec();
    new.extend_from_slice(block(command, first.note).as_bytes());
    let mut rest = first.place.end;
    for other in others {
        new.extend_from_slice(&text[rest..other.place.start]);
        rest = other.place.end;
    }
    new.extend_from_slice(&text[rest..]);
    Ok(new)
}

/// The file without the block; `None` when nothing is left of a file that was made for it.
///
/// # Errors
/// When a block in the file is damaged.
pub(crate) fn without_block(text: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
    let blocks = blocks(text)?;
    let mut new = Vec::new();
    let mut rest = 0;
    for block in &blocks {
        let mut before = &text[rest..block.place.start];
        // Its line end was ours, and nothing needs it when nothing follows.
        if block.note == ENDED_LINE && block.place.end == text.len() {
            before = before.strip_suffix(b"\n").unwrap_or(before);
        }
        new.extend_from_slice(before);
        rest = block.place.end;
    }
    new.extend_from_slice(&text[rest..]);
    let is_ours = blocks.iter().any(|block| block.note == NEW_FILE);
    Ok(Some(new).filter(|new| !new.is_empty() || !is_ours))
}

fn block(command: &str, note: &str) -> String {
    let (begin, end) = (String::from_utf8_lossy(BEGIN), String::from_utf8_lossy(END));
    format!(
        "{begin} written by `unhang install`, removed by `unhang install --uninstall`{note}\n\
         {command}\n{end}\n"
    )
}

/// A block that was found.
struct Block {
    /// The bytes of its lines.
    place: Range<usize>,
    note: &'static str,
}

fn blocks(text: &[u8]) -> anyhow::Result<Vec<Block>> {
    let mut found = Vec::new();
    let mut begun: Option<(usize, &'static str)> = None;
    let mut start = 0;
    for (number, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let end = start + line.len();
        let content = line.trim_ascii_end();
        if content.starts_with(BEGIN) {
            if begun.is_some() {
                bail!("line {} starts a second unhang block within the first", number + 1);
            }
            let note = [NEW_FILE, ENDED_LINE].into_iter().find(|n| content.ends_with(n.as_bytes()));
            begun = Some((start, note.unwrap_or_default()));
        } else if content == END {
            let Some((start, note)) = begun.take() else {
                bail!("line {} ends an unhang block that never starts", number + 1);
            };
            found.push(Block { place: start..end, note });
        }
        start = end;
    }
    if begun.is_some() {
        bail!("the unhang block has no end");
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(old: Option<&str>, command: &str) -> String {
        let new = with_block(old.map(str::as_bytes), command).expect("no damage");
        String::from_utf8(new).expect("text")
    }

    fn without(text: &str) -> Option<String> {
        let new = without_block(text.as_bytes()).expect("no damage");
        new.map(|new| String::from_utf8(new).expect("text"))
    }

    #[test]
    fn out_again_leaves_what_was_there() {
        let files = [
            None,
            Some(""),
            Some("\n"),
            Some("set x"),
            Some("set x\n"),
            Some("a\n\n"),
            Some("# é"),
        ];
        for old in files {
            let new = with(old, "source unhang.py");
            assert!(new.starts_with(old.unwrap_or_default()), "{new}");
            assert!(new.contains("\nsource unhang.py\n"), "{new}");
            assert_eq!(without(&new).as_deref(), old, "{new}");
        }
    }

    #[test]
    fn a_second_time_changes_nothing() {
        for old in [None, Some("set x"), Some("set x\n")] {
            let once = with(old, "one");
            assert_eq!(with(Some(&once), "one"), once);
            let other = with(Some(&once), "another");
            assert_eq!(other, once.replace("\none\n", "\nanother\n"));
            assert_eq!(without(&other).as_deref(), old);
        }
    }

    #[test]
    fn what_was_added_later_stays() {
        let own_file = with(None, "one") + "set y\n";
        assert_eq!(without(&own_file).as_deref(), Some("set y\n"));
        let unended = with(Some("set x"), "one") + "set y";
        assert_eq!(without(&unended).as_deref(), Some("set x\nset y"));
        assert_eq!(with(Some(&unended), "one"), unended);
    }

    #[test]
    fn copies_of_the_block_go_too() {
        let block = with(Some(""), "one");
        let text = format!("a\n{block}b\n{block}c\n");
        assert_eq!(with(Some(&text), "two"), format!("a\n{}b\nc\n", with(Some(""), "two")));
        assert_eq!(without(&text).as_deref(), Some("a\nb\nc\n"));
    }

    #[test]
    fn a_damaged_block_is_left_alone() {
        let block = with(Some(""), "one");
        let open = block.replace("# <<< unhang <<<\n", "");
        for damaged in [open.clone(), format!("{open}{block}"), "# <<< unhang <<<".to_owned()] {
            assert!(with_block(Some(damaged.as_bytes()), "one").is_err());
            assert!(without_block(damaged.as_bytes()).is_err());
        }
    }

    #[test]
    fn a_file_need_not_be_text() {
        let old = b"echo \xff\n";
        let new = with_block(Some(old), "one").expect("no damage");
        assert_eq!(without_block(&new).expect("no damage").as_deref(), Some(&old[..]));
    }
}
