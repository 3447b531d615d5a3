//! The origin of a source file: the user's own code, a dependency, or the standard library.

use super::SourceFile;

/// Whose code a source file is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Origin {
    /// The program's own.
    User,
    /// A crate's, from a registry or a git repository that cargo fetched.
    Dependency,
    /// The standard library's.
    Standard,
}

/// Folders that cargo unpacks dependencies to: what follows is `HOST-HASH/CRATE-VERSION/…` and
/// `NAME-HASH/COMMIT/…` (cargo's guide, "Cargo Home").
const CARGO_REGISTRY: &str = "/registry/src/";
const CARGO_GIT: &str = "/git/checkouts/";
/// The folder that `cargo vendor` makes: a crate's own folder is next.
const CARGO_VENDOR: &str = "/vendor/";
/// The standard library as rustc remaps it, as Debian's build of it does (`debian/rules` of rustc
/// 1.63 and 1.96: `/usr/src/rustc-1.96.0/library/…`), and as the component `rust-src` installs it.
const STANDARD_REMAPPED: [&str; 2] = ["/rustc/", "/usr/src/rustc-"];
const STANDARD_INSTALLED: &str = "/lib/rustlib/src/rust/";

/// The path within the sources of the standard library; `None` for other files and folders.
#[must_use]
pub fn within_standard(path: &str) -> Option<&str> {
    if let Some((_, rest)) = path.split_once(STANDARD_INSTALLED) {
        return Some(rest);
    }
    let rest = STANDARD_REMAPPED.iter().find_map(|folder| path.strip_prefix(folder))?;
    // A commit or a version is next.
    Some(after_slashes(rest, 1).unwrap_or_default())
}

/// Whether a path may be that of a vendored crate's file.
#[must_use]
pub fn may_be_vendored(path: &str) -> bool {
    path.contains(CARGO_VENDOR)
}

impl SourceFile {
    /// Whose code it is.
    #[must_use]
    pub fn origin(&self) -> Origin {
        if within_standard(&self.path).is_some() {
            Origin::Standard
        } else if self.dependency_folder().is_some() {
            Origin::Dependency
        } else {
            Origin::User
        }
    }

    /// The folder that cargo unpacked the file's crate to, with a slash at its end; `None` for files
    /// that are not a dependency's.
    #[must_use]
    pub fn dependency_folder(&self) -> Option<&str> {
        let unpacked = [CARGO_REGISTRY, CARGO_GIT].into_iter().find_map(|folder| {
            let (_, rest) = self.path.split_once(folder)?;
            let inside = after_slashes(rest, 2)?;
            Some(&self.path[..self.path.len() - inside.len()])
        });
        unpacked.or_else(|| self.vendored_folder())
    }

    /// The same for a vendored crate. Cargo compiles those, unlike the workspace's own, in their
    /// own folder; a folder of modules that happens to be called so is compiled in another.
    fn vendored_folder(&self) -> Option<&str> {
        let (_, krate) = self.directory.rsplit_once(CARGO_VENDOR)?;
        let inside = self.path.strip_prefix(self.directory.as_str())?.strip_prefix('/')?;
        (!krate.contains('/')).then(|| &self.path[..self.path.len() - inside.len()])
    }

    /// A path that says as much in fewer columns: relative to the compilation directory, from the
    /// crate's folder, or from `library/` of the standard library.
    #[must_use]
    pub fn short(&self) -> &str {
        let path = self.path.as_str();
        if let Some(rest) = within_standard(path) {
            return rest;
        }
        for folder in [CARGO_REGISTRY, CARGO_GIT] {
            if let Some((_, rest)) = path.split_once(folder) {
                return after_slashes(rest, 1).unwrap_or(path);
            }
        }
        if let Some((_, rest)) = self.vendored_folder().and_then(|_| path.rsplit_once(CARGO_VENDOR))
        {
            return rest;
        }
        path.strip_prefix(self.directory.as_str())
            .and_then(|rest| rest.strip_prefix('/'))
            .filter(|_| !self.directory.is_empty())
            .unwrap_or(path)
    }
}

fn after_slashes(path: &str, slashes: usize) -> Option<&str> {
    let mut rest = path;
    for _ in 0..slashes {
        rest = rest.split_once('/')?.1;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> SourceFile {
        SourceFile { path: path.into(), directory: "/home/me/shop".into() }
    }

    #[test]
    fn the_folder_of_a_dependency() {
        let crates = "/home/me/.cargo/registry/src/index.example-6f17d22bba15001f/";
        let file_in_it = file(&format!("{crates}bore-cli-0.6.0/src/server.rs"));
        assert_eq!(
            file_in_it.dependency_folder(),
            Some(format!("{crates}bore-cli-0.6.0/").as_str())
        );
        assert_eq!(file("/home/me/shop/src/stock.rs").dependency_folder(), None);
    }

    #[test]
    fn vendored_crates_are_dependencies() {
        let of = |directory: &str| SourceFile {
            path: "/home/me/shop/vendor/tokio/src/task/mod.rs".into(),
            directory: directory.into(),
        };
        let vendored = of("/home/me/shop/vendor/tokio");
        assert_eq!(vendored.origin(), Origin::Dependency);
        assert_eq!(vendored.short(), "tokio/src/task/mod.rs");
        let own = of("/home/me/shop");
        assert_eq!((own.origin(), own.short()), (Origin::User, "vendor/tokio/src/task/mod.rs"));
    }

    #[test]
    fn whose_and_how_short() {
        let cases = [
            ("/home/me/shop/src/stock.rs", Origin::User, "src/stock.rs"),
            ("/home/me/other/src/lib.rs", Origin::User, "/home/me/other/src/lib.rs"),
            (
                "/home/me/.cargo/registry/src/index.example-6f17d22bba15001f/tokio-1.54.1/src/sync/mutex.rs",
                Origin::Dependency,
                "tokio-1.54.1/src/sync/mutex.rs",
            ),
            (
                "/home/me/.cargo/git/checkouts/hyper-0c81/1f2e3d4/src/lib.rs",
                Origin::Dependency,
                "1f2e3d4/src/lib.rs",
            ),
            ("/rustc/5980761/library/core/src/pin.rs", Origin::Standard, "library/core/src/pin.rs"),
            (
                "/usr/src/rustc-1.96.0/library/core/src/pin.rs",
                Origin::Standard,
                "library/core/src/pin.rs",
            ),
        ];
        for (path, origin, short) in cases {
            assert_eq!((file(path).origin(), file(path).short()), (origin, short));
        }
    }
}
