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
