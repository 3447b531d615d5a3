//! Files that declare what types are, as options name them.

use std::path::PathBuf;

use anyhow::bail;
use layout_extractor::read_knowledge;
use runtime_layouts::knowledge::declared::summary;
use runtime_layouts::layout::source::KnowledgeText;

/// Reads the files that the user gave. One that cannot be used ends the command: it was asked for.
///
/// # Errors
/// When one of them cannot be read, or something in it is wrong.
pub(super) fn read(files: &[PathBuf]) -> anyhow::Result<Vec<KnowledgeText>> {
    let mut texts = Vec::new();
    for file in files {
        let text = read_knowledge(file);
        if let Err(why) = summary(&text) {
            bail!("the knowledge in {} cannot be used: {why}", file.display());
        }
        texts.push(text);
    }
    Ok(texts)
}
