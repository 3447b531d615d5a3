//! The form of the JSON that a page has: what frames and waits have in common stands there once.

use report_text::json;
use report_text::text::Beside;
use runtime_layouts::fake::service::{Await, Keep, Service};
use runtime_layouts::report::Report;
use serde_json::{Map, Value};

/// The JSON of a report, in the schema's form and in the shared one.
fn both(report: &Report) -> (Value, Value) {
    let (mut whole, mut shared) = (Vec::new(), Vec::new());
    json::write(report, &Beside::default(), &mut whole).expect("a vector");
    json::write_shared(report, &Beside::default(), &mut shared).expect("a vector");
    assert!(shared.len() < whole.len(), "{} and {}", shared.len(), whole.len());
    let read = |bytes: &[u8]| serde_json::from_slice(bytes).expect("JSON");
    (read(&whole), read(&shared))
}

/// Puts into an object what its number stands for.
fn restore(value: &mut Value, number: &str, all: &Value) {
    let object = value.as_object_mut().expect("an object");
    let number = object.remove(number).and_then(|it| it.as_u64()).expect("a number");
    let common: Map<String, Value> =
        all[usize::try_from(number).expect("small")].as_object().expect("an object").clone();
    object.extend(common);
}

fn restore_frames(frames: &mut Value, sites: &Value) {
    for frame in frames.as_array_mut().into_iter().flatten() {
        restore(frame, "site", sites);
        let object = frame.as_object_mut().expect("an object");
        for name in ["notes", "locals", "children"] {
            object.entry(name).or_insert_with(|| Value::Array(Vec::new()));
        }
        object.entry("problem").or_insert(Value::Null);
        let branches = frame["children"].as_array_mut().into_iter().flatten();
        branches.for_each(|branch| restore_frames(branch, sites));
    }
}

#[test]
fn it_says_the_same() {
    let mut service = Service::new();
    let stock = service.mutex();
    service.spawn("restock", &[Keep::guard("guard", stock)], Await::Socket);
    for _ in 0..20 {
        service.spawn("checkout", &[], Await::Lock(stock));
    }
    let (whole, mut shared) = both(&service.report());
    let object = shared.as_object_mut().expect("an object");
    let sites = object.remove("sites").expect("sites");
    let resources = object.remove("resources").expect("resources");
    for task in shared["tasks"].as_array_mut().into_iter().flatten() {
        restore_frames(&mut task["frames"], &sites);
        let waits = task["waiting_on"].as_array_mut().into_iter().flatten();
        waits.for_each(|wait| restore(wait, "of", &resources));
    }
    assert_eq!(shared, whole);
    assert!(whole["sites"].is_null() && whole["resources"].is_null());
}
