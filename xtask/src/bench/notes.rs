//! What the output of unhang's commands says of itself, for the table's last column.

/// Of a list: how many tasks it has, and whether these are all.
pub(super) fn tasks(output: &str) -> String {
    let line = output
        .lines()
        .find(|line| line.starts_with("Complete: ") || line.starts_with("Incomplete"));
    line.map_or_else(
        || "no list".to_owned(),
        |line| line.split(" and ").next().unwrap_or(line).to_ascii_lowercase(),
    )
}

/// Of backtraces: how many there are, and how many frames they have.
pub(super) fn backtraces(output: &str) -> String {
    let starting = |text: &str| output.lines().filter(|line| line.starts_with(text)).count();
    format!("{} tasks, {} frames", starting("Task "), starting("#"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn lists_and_backtraces_say_how_much_they_show() {
        let list =
            "  Id  State\n  1   idle\n\nComplete: 3 tasks and 1 block_on future of 1 runtime.\n";
        assert_eq!(super::tasks(list), "complete: 3 tasks");
        assert_eq!(super::tasks("(gdb) what\n"), "no list");
        let text = "Task 1 (idle)\n#0  a\n#1  b\n\nTask 2 (idle)\n    ┌╴branch 1 of 2\n#0  │ c\n";
        assert_eq!(super::backtraces(text), "2 tasks, 3 frames");
    }
}
