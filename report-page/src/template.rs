//! The page around the report.

/// The page up to the report, and from there on.
pub(crate) struct Template {
    pub(crate) before: String,
    pub(crate) after: String,
}

const PAGE: &str = include_str!("../page/page.html");
const STYLE: &str = include_str!("../page/style.css");

/// A module by its file's name, with its text.
macro_rules! modules {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../page/", $name)))),*]
    };
}

/// The modules, each behind those that it imports from.
const MODULES: &[(&str, &str)] = &modules![
    "report.js",
    "choices.js",
    "dom.js",
    "host.js",
    "unpack.js",
    "filter.js",
    "groups.js",
    "stacks.js",
    "graph.js",
    "parts.js",
    "layout.js",
    "pan.js",
    "picture.js",
    "backtrace.js",
    "frames-view.js",
    "findings-view.js",
    "graph-view.js",
    "stacks-view.js",
    "task-view.js",
    "list-view.js",
    "runtimes-view.js",
    "app.js",
];

/// Makes the page.
pub(crate) fn template() -> Template {
    let (before, after) = PAGE.split_once("/*REPORT*/").unwrap_or((PAGE, ""));
    Template {
        before: before.replace("/*STYLE*/", STYLE.trim_end()),
        after: after.replace("/*SCRIPT*/", &script()),
    }
}

/// All modules as one.
fn script() -> String {
    let mut script = String::new();
    for (name, text) in MODULES {
        script.push_str(&format!("// ---- {name}\n"));
        for line in text.lines().filter(|line| !line.starts_with("import ")) {
            script.push_str(line.strip_prefix("export ").unwrap_or(line));
            script.push('\n');
        }
    }
    script
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_module_is_there_behind_what_it_imports() {
        let mut before = HashSet::new();
        for (name, text) in MODULES {
            for line in text.lines().filter(|line| line.starts_with("import ")) {
                let (names, file) = line.split_once(" from './").expect("an import on one line");
                let file = file.strip_suffix("';").expect("the file at its end");
                assert!(before.contains(file), "{name} imports {file}, which comes later");
                assert!(!names.contains(" as "), "{name}: names stay as they are: {line}");
            }
            before.insert(*name);
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("page");
        let files = std::fs::read_dir(folder).expect("the folder of the page");
        for file in files {
            let name = file.expect("a file").file_name().into_string().expect("a name");
            assert!(!name.ends_with(".js") || before.contains(name.as_str()), "{name} is left out");
        }
    }

    /// The modules become one: a second declaration of a name would be an error in it.
    #[test]
    fn every_name_at_the_top_is_there_once() {
        let mut seen = HashSet::new();
        for line in script().lines() {
            let line = line.strip_prefix("async ").unwrap_or(line);
            let starts = ["function ", "class ", "const ", "let "];
            let Some(rest) = starts.iter().find_map(|start| line.strip_prefix(start)) else {
                continue;
            };
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            assert!(seen.insert(rest[..end].to_string()), "two of `{}`", &rest[..end]);
        }
        assert!(seen.contains("placed") && seen.contains("ListView"), "{seen:?}");
    }

    #[test]
    fn what_is_filled_in_is_there_once() {
        for place in ["/*STYLE*/", "/*REPORT*/", "/*SCRIPT*/"] {
            assert_eq!(PAGE.matches(place).count(), 1, "{place}");
        }
        let Template { before, after } = template();
        assert!(!before.contains("/*") || !before.contains("*/STYLE"));
        assert!(!after.contains("\nimport ") && !after.contains("\nexport "));
        assert_eq!(after.matches("</script>").count(), 2, "no script ends another one");
    }

    /// Whatever a process says becomes text: no script takes markup, and none asks the network.
    #[test]
    fn nothing_takes_markup_or_asks_the_network() {
        let script = script();
        for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!script.contains(word), "{word}");
        }
        for word in ["fetch(", "XMLHttpRequest", "WebSocket", "https://", "src="] {
            assert!(!script.contains(word), "{word}");
        }
        assert!(PAGE.contains("default-src 'none'"));
    }
}
