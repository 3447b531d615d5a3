//! What each module of a crate, or of one of its modules, names of the others beside it, from the
//! sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use proc_macro2::{Span, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree};

/// A path that leads from one of the modules into another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Import {
    /// The module that it stands in.
    pub(super) user: String,
    /// The module that it leads to; `crate` for what the file around them defines itself.
    pub(super) used: String,
    /// The file.
    pub(super) file: PathBuf,
    /// The line in it, from 1.
    pub(super) line: usize,
}

/// A crate, or a module of one, as its sources have it.
#[derive(Debug, Default)]
pub(super) struct Crate {
    /// Where it is in its crate; empty for the crate itself.
    within: Vec<String>,
    /// Its modules.
    pub(super) folders: Vec<String>,
    /// What they use of each other.
    pub(super) imports: Vec<Import>,
    /// The names that the root file takes out of its modules, with those modules.
    exports: BTreeMap<String, String>,
}

impl Crate {
    /// Reads `lib.rs` or `main.rs`, or the `mod.rs` of the module `within` the crate, and all files
    /// that they declare, but no modules of tests.
    pub(super) fn read(sources: &Path, within: &[&str]) -> Result<Self> {
        let within: Vec<String> = within.iter().map(|module| (*module).to_owned()).collect();
        let folder = sources.join(within.iter().collect::<PathBuf>());
        let names: &[&str] = if within.is_empty() { &["lib.rs", "main.rs"] } else { &["mod.rs"] };
        let mut found = Self { within, ..Self::default() };
        for file in names.iter().map(|name| folder.join(name)) {
            if file.is_file() {
                found.root_file(&file, &folder)?;
            }
        }
        if found.folders.is_empty() {
            bail!("{} has no modules", sources.display());
        }
        found.imports.sort();
        found.imports.dedup();
        Ok(found)
    }

    /// What a module uses of the others.
    pub(super) fn used_by(&self, user: &str) -> BTreeSet<&str> {
        let imports = self.imports.iter().filter(|import| import.user == user);
        imports.map(|import| &*import.used).collect()
    }

    fn root_file(&mut self, file: &Path, folder: &Path) -> Result<()> {
        let items = parsed(file)?.items;
        let modules = || items.iter().filter_map(module);
        self.folders.extend(modules().map(|module| module.ident.to_string()));
        for item in &items {
            if let Item::Use(item) = item {
                for path in leaves(&item.tree, &[]) {
                    let from = path.iter().find(|(name, _)| !matches!(&**name, "crate" | "self"));
                    if let (Some((from, _)), Some((name, _))) = (from, path.last())
                        && self.folders.contains(from)
                    {
                        self.exports.insert(name.clone(), from.clone());
                    }
                }
            }
        }
        let within = self.within.clone();
        for module in modules() {
            self.module(module, &within, file, folder)?;
        }
        Ok(())
    }

    /// Reads a module whose parent is `path` and whose file would be in `folder`.
    fn module(
        &mut self,
        module: &ItemMod,
        path: &[String],
        file: &Path,
        folder: &Path,
    ) -> Result<()> {
        let name = module.ident.to_string();
        let path = [path, std::slice::from_ref(&name)].concat();
        let folder = folder.join(&name);
        if let Some((_, items)) = &module.content {
            return self.items(items, &path, file, &folder);
        }
        let places = [folder.with_extension("rs"), folder.join("mod.rs")];
        let file = places
            .iter()
            .find(|place| place.is_file())
            .with_context(|| format!("{}: no file for `mod {name}`", file.display()))?;
        self.items(&parsed(file)?.items, &path, file, &folder)
    }

    fn items(&mut self, items: &[Item], path: &[String], file: &Path, folder: &Path) -> Result<()> {
        let within = self.within.clone();
        let mut paths = Paths { within: &within, path: path.to_vec(), found: Vec::new() };
        for item in items {
            match item {
                Item::Mod(_) => {
                    if let Some(module) = module(item) {
                        self.module(module, path, file, folder)?;
                    }
                }
                item => paths.visit_item(item),
            }
        }
        for (name, span) in paths.found {
            let used = if self.folders.contains(&name) {
                name
            } else {
                self.exports.get(&name).cloned().unwrap_or_else(|| "crate".to_owned())
            };
            let user = path[self.within.len()].clone();
            if used != user {
                let (file, line) = (file.to_owned(), span.start().line);
                self.imports.push(Import { user, used, file, line });
            }
        }
        Ok(())
    }
}

/// The module, unless it is one of tests.
fn module(item: &Item) -> Option<&ItemMod> {
    match item {
        Item::Mod(module) if !is_of_tests(&module.attrs) => Some(module),
        _ => None,
    }
}

fn parsed(file: &Path) -> Result<syn::File> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    syn::parse_file(&text).with_context(|| format!("parsing {}", file.display()))
}

/// `#[cfg(test)]`, `#[cfg(all(test, …))]`
fn is_of_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let condition = attribute.meta.require_list().ok();
        condition.filter(|list| list.path.is_ident("cfg")).is_some_and(|list| {
            let text = list.tokens.to_string().replace(' ', "");
            text == "test" || text.starts_with("all(test,")
        })
    })
}

/// The words of a path with their places.
type Words = Vec<(String, Span)>;

/// Every path of a `use`, its groups taken apart.
fn leaves(tree: &UseTree, before: &[(String, Span)]) -> Vec<Words> {
    let with = |ident: &syn::Ident| [before, &[(ident.to_string(), ident.span())]].concat();
    match tree {
        UseTree::Path(path) => leaves(&path.tree, &with(&path.ident)),
        UseTree::Name(name) => vec![with(&name.ident)],
        UseTree::Rename(rename) => vec![with(&rename.ident)],
        UseTree::Glob(_) => vec![before.to_vec()],
        UseTree::Group(group) => group.items.iter().flat_map(|tree| leaves(tree, before)).collect(),
    }
}

/// Collects the first word behind `within` of every path that leads there.
struct Paths<'w> {
    within: &'w [String],
    /// The module that is visited.
    path: Vec<String>,
    found: Vec<(String, Span)>,
}

impl Paths<'_> {
    fn add(&mut self, words: &[(String, Span)]) {
        let supers = words.iter().take_while(|(word, _)| word == "super").count();
        // Where the path begins, and how many of its words say so.
        let (around, named): (&[String], usize) = match words.first() {
            Some((word, _)) if word == "crate" => (&[], 1),
            Some(_) if supers > 0 => (&self.path[..self.path.len().saturating_sub(supers)], supers),
            _ => return,
        };
        let rest = words[named..].iter();
        let absolute =
            around.iter().map(String::as_str).chain(rest.clone().map(|(word, _)| &**word));
        let place = self.within.len();
        if !absolute.clone().take(place).eq(self.within.iter().map(String::as_str)) {
            return;
        }
        // In the same module as the path itself, or in the file around all.
        let Some(behind) = place.checked_sub(around.len()) else { return };
        self.found.extend(rest.clone().nth(behind).cloned());
    }

    /// What stands in the tokens of a macro: no syntax is known there, but paths look like paths.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut words: Words = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(word) => {
                    if colons != 2 {
                        self.add(&std::mem::take(&mut words));
                    }
                    words.push((word.to_string(), word.span()));
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                other => {
                    self.add(&std::mem::take(&mut words));
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.add(&words);
    }
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes: &[Attribute] = match item {
            Item::Const(item) => &item.attrs,
            Item::Enum(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Macro(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Static(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Trait(item) => &item.attrs,
            Item::Type(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => &[],
        };
        if !is_of_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        // One in a function; those of files are followed from outside.
        self.path.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.path.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        for words in leaves(&item.tree, &[]) {
            self.add(&words);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let words = path.segments.iter().map(|part| (part.ident.to_string(), part.ident.span()));
        self.add(&words.collect::<Words>());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, of: &'ast syn::Macro) {
        self.visit_path(&of.path);
        self.tokens(of.tokens.clone());
    }

    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {
        // `pub(in crate::walk)` uses nothing.
    }
}
