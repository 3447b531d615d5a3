//! Holds what is declared of types against a program that has them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use layout_extractor::{DwarfSource, read_knowledge};
use runtime_layouts::knowledge::declared::{self, Remark};
use runtime_layouts::layout::source::{KnowledgeText, LayoutSource};
use runtime_layouts::memory::{MemoryReader, ReadError};
use runtime_layouts::target::{Identity, Module, NativeFrame, Target, TargetKind, Thread};
use runtime_layouts::value::Program;

use super::{Check, Checks};

const KNOWLEDGE: &str = "knowledge";

/// Checks the texts in files against a program. A file that is a program itself has its texts in a
/// section; without another program they are held against it.
///
/// # Errors
/// When a program cannot be read, or has no debug information.
pub(super) fn check(
    files: &[PathBuf],
    program: Option<&Path>,
    checks: &mut Checks,
) -> anyhow::Result<()> {
    for file in files {
        let (texts, own) = match DwarfSource::open(file) {
            Ok(source) => (source.knowledge(), Some(file.as_path())),
            Err(_) => (vec![read_knowledge(file)], None),
        };
        if texts.is_empty() {
            let found = format!("{}: it has no section with knowledge", file.display());
            checks.add(Check::bad(KNOWLEDGE, found));
        }
        let source = program.or(own).map(DwarfSource::open).transpose()?.map(Arc::new);
        if let Some(lack) = source.as_ref().and_then(|source| source.provenance().lack) {
            anyhow::bail!("{lack}");
        }
        for text in &texts {
            match &source {
                Some(source) => against(text, source, checks),
                None => alone(text, checks),
            }
        }
    }
    Ok(())
}

/// Checks the form of a text.
fn alone(text: &KnowledgeText, checks: &mut Checks) {
    checks.add(match declared::summary(text) {
        Ok(summary) => {
            let what = report_text::text::knowledge::described(&summary);
            let found = format!("{}: {what}; name a program to check it against", text.origin);
            Check::good(KNOWLEDGE, found)
        }
        Err(why) => Check::bad(KNOWLEDGE, format!("{}: {why}", text.origin)),
    });
}

/// Holds a text against the types of a program.
fn against(text: &KnowledgeText, source: &Arc<DwarfSource>, checks: &mut Checks) {
    let target = FileTarget::of(source.clone());
    let program = Program::new(&target);
    let mut find = |names: &[&str]| {
        let found = source.find_all(names).into_iter();
        found.map(|found| found.types).collect()
    };
    let bad = |why: String| Check::bad(KNOWLEDGE, format!("{}: {why}", text.origin));
    let read = match &text.text {
        Ok(read) => read,
        Err(why) => return checks.add(bad(format!("it cannot be read: {why}"))),
    };
    match declared::check(read, &program, &mut find) {
        Err(error) => checks.add(bad(error.to_string())),
        Ok(checked) => {
            let (origin, library) = (&text.origin, checked.library);
            checks.add(Check::good(KNOWLEDGE, format!("{origin}: knowledge of {library}")));
            checked.remarks.iter().for_each(|remark| checks.add(remarked(remark)));
        }
    }
}

fn remarked(remark: &Remark) -> Check {
    let found = format!("line {}: {}", remark.line, remark.text);
    match remark.verdict {
        declared::Verdict::Fits => Check::good("", found),
        declared::Verdict::Absent => Check::note("", found),
        declared::Verdict::Wrong => Check::bad("", found),
    }
}

/// A program's file, of which nothing runs.
struct FileTarget {
    identity: Identity,
    modules: [Module; 1],
}

impl FileTarget {
    fn of(layouts: Arc<dyn LayoutSource>) -> Self {
        let executable = layouts.provenance().path;
        let identity = Identity { kind: TargetKind::Core, pid: None, executable };
        Self { identity, modules: [Module { load_bias: 0, layouts }] }
    }
}

impl MemoryReader for FileTarget {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), ReadError> {
        Err(ReadError { address, length: buffer.len() })
    }
}

impl Target for FileTarget {
    fn memory(&self) -> &dyn MemoryReader {
        self
    }

    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn modules(&self) -> &[Module] {
        &self.modules
    }

    fn threads(&self) -> &[Thread] {
        &[]
    }

    fn native_frames(&self, _: &Thread, _: usize) -> Vec<NativeFrame> {
        Vec::new()
    }

    fn interrupted(&self) -> bool {
        false
    }
}
