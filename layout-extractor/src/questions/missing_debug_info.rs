//! What an object's debug information lacks, in one sentence that says how to fix it.

use std::sync::PoisonError;

use runtime_layouts::layout::origin::within_standard;

use super::source::DwarfSource;

impl DwarfSource {
    /// `DWARF 4, resolved on demand`.
    pub(crate) fn form(&self) -> String {
        let dwarf = self.dwarf();
        let version = (0..self.units.len())
            .find_map(|unit| self.units.root(&dwarf, unit).ok())
            .map(|root| root.version);
        let Some(version) = version else { return "no debug information".to_owned() };
        let package = self.object.split.as_ref().map(|split| split.package.as_deref());
        let place = match (package, self.object.separate_path()) {
            _ if self.object.debug_map.is_some() => " of the object files".to_owned(),
            (Some(Some(package)), _) => format!(" of {}", package.display()),
            (Some(None), _) => " of .dwo files".to_owned(),
            (None, Some(separate)) => format!(" of {}", separate.display()),
            (None, None) => String::new(),
        };
        format!("DWARF {version}{place}, resolved on demand")
    }

    /// What is missing, and why files that could have helped were rejected; `None` when nothing is
    /// missing.
    pub(crate) fn missing_debug_info(&self) -> Option<String> {
        let missing = self.missing_debug_info.get_or_init(|| self.find_missing_debug_info());
        missing.clone().map(|missing| self.with_rejected_files(missing))
    }

    fn with_rejected_files(&self, mut missing: String) -> String {
        let known = self.rejected_files.lock().unwrap_or_else(PoisonError::into_inner);
        for why in self.object.ignored.iter().chain(known.iter()) {
            missing.push_str(". ");
            missing.push_str(why);
        }
        missing
    }

    fn find_missing_debug_info(&self) -> Option<String> {
        if self.units.len() == 0 {
            return Some(self.no_units());
        }
        // The usual case, without reading every unit's root: the walker asks for it anyway.
        if self.libraries.has_runtime(self) {
            return None;
        }
        self.missing_files().or_else(|| self.missing_objects()).or_else(|| self.missing_types())
    }

    fn no_units(&self) -> String {
        let path = self.object.path.display();
        match self.units.broken {
            Some(error) => format!(
                "{path} has debug information that cannot be read ({error}): rebuild it, or give a \
                 layout file"
            ),
            None => self.missing_objects().unwrap_or_else(|| {
                format!(
                    "{path} has no debug information: build with `debug = true` or give a layout \
                     file"
                )
            }),
        }
    }

    /// What the Rust units lack: types at all, or the runtime's types.
    fn missing_types(&self) -> Option<String> {
        let path = self.object.path.display();
        let dwarf = self.dwarf();
        let (mut has_rust, mut has_types) = (false, false);
        let mut untyped_runtime = None;
        let runtime_of = |name: Option<&str>| {
            let mut runtimes = self.libraries.runtimes().map(|(library, _)| library);
            let of = runtimes.find(|library| Some(&*library.crate_name()) == name);
            of.map(|library| library.name)
        };
        for number in 0..self.units.len() {
            let Ok(root) = self.units.root(&dwarf, number) else { continue };
            if root.is_skeleton || !root.is_rust {
                continue;
            }
            has_rust = true;
            // The precompiled standard library has line tables only.
            if within_standard(&root.directory).is_some() {
                continue;
            }
            let runtime = runtime_of(root.crate_name());
            match root.has_types() {
                true if runtime.is_some() => return None,
                true => has_types = true,
                false => untyped_runtime = untyped_runtime.or(runtime),
            }
        }
        if !has_rust {
            return Some(format!(
                "{path} was not compiled from Rust, or its Rust parts have no debug information: \
                 build with `debug = true` or give a layout file"
            ));
        }
        if !has_types {
            return Some(format!(
                "{path} has line tables but no types: build with `debug = true` (not 1 or \
                 \"line-tables-only\") or give a layout file"
            ));
        }
        // A profile override for dependencies takes away the runtime's own types alone.
        untyped_runtime.map(|runtime| {
            format!(
                "{path} has no types of {runtime} itself: build dependencies with `debug = true` \
                 too (see `[profile.dev.package.\"*\"]`) or give a layout file"
            )
        })
    }

    /// The object files that a program for a Mac names and that cannot be used.
    fn missing_objects(&self) -> Option<String> {
        let map = self.object.debug_map.as_ref()?;
        let first = map.unusable.first()?;
        let path = self.object.path.display();
        let more = if map.unusable.len() > 1 { "; …" } else { "" };
        let files = match (map.named, map.unusable.len()) {
            (1, _) => "the 1 object file that it was linked from, which cannot be used".to_owned(),
            (named, unusable) => format!(
                "the {named} object files that it was linked from, of which {unusable} cannot be used"
            ),
        };
        Some(format!(
            "{path} leaves its debug information in {files} ({first}{more}): build with \
             `split-debuginfo = \"packed\"`, or run `dsymutil {path}` where they are, or give a \
             layout file"
        ))
    }

    /// The split files that were not found.
    fn missing_files(&self) -> Option<String> {
        let split = self.object.split.as_ref()?;
        let first = split.missing.first()?;
        let path = self.object.path.display();
        let count = split.missing.len();
        let files = if count == 1 { "file" } else { "files" };
        Some(format!(
            "{path} keeps its debug information in {count} .dwo {files} that {} missing ({}{}): \
             put {path}.dwp beside it, build with `split-debuginfo = \"off\"`, or give a layout \
             file",
            if count == 1 { "is" } else { "are" },
            first.display(),
            if count == 1 { "" } else { ", …" },
        ))
    }
}
