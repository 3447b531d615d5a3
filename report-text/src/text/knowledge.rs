//! What a text declares, in words.

use runtime_layouts::knowledge::declared::Summary;

/// Types that are named, at most.
const MAX_NAMED: usize = 6;

/// `what swim::Pool and swim::Lane of swim are`.
#[must_use]
pub fn described(summary: &Summary) -> String {
    let Summary { library, types } = summary;
    let verb = if types.len() == 1 { "is" } else { "are" };
    let types = match types.as_slice() {
        [] => return format!("nothing of {library}"),
        [one] => (*one).to_string(),
        [first @ .., last] if types.len() <= MAX_NAMED => {
            format!("{} and {last}", first.join(", "))
        }
        many => {
            format!("{} and {} more types", many[..MAX_NAMED].join(", "), many.len() - MAX_NAMED)
        }
    };
    format!("what {types} of {library} {verb}")
}
