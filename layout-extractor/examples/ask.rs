//! Asks a program's debug information the questions on standard input, one a line, and prints the
//! answers: `fn ADDRESS`, `vtable ADDRESS`, `type OFFSET`, `named NAME`, `tls PATH`, `body OFFSET`,
//! `poll OFFSET`, `at ADDRESS`, `line ADDRESS`.

use std::io::BufRead;
use std::path::Path;
use std::time::Instant;

use layout_extractor::DwarfSource;
use runtime_layouts::layout::source::LayoutSource;
use runtime_layouts::layout::{StaticAddress, TypeId};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: ask BINARY")?;
    let started = Instant::now();
    let source = DwarfSource::open(Path::new(&path))?;
    eprintln!("opened in {:?}", started.elapsed());
    let started = Instant::now();
    eprintln!("{:?} {:?}", source.facts(), source.provenance());
    eprintln!("provenance in {:?}", started.elapsed());
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let Some((question, about)) = line.split_once(' ') else { continue };
        let number = || u64::from_str_radix(about.trim_start_matches("0x"), 16);
        let started = Instant::now();
        match question {
            "fn" => println!("{:#?}", source.functions_at(StaticAddress(number()?))?),
            "vtable" => {
                for ty in source.vtable_types(StaticAddress(number()?))? {
                    println!("{:#x} {}", ty.0, source.type_at(ty)?.name);
                }
            }
            "type" => println!("{:#?}", source.type_at(TypeId(number()?))?),
            "named" => println!("{:x?}", source.types_named(about, None)?),
            "tls" => println!("{:#x?}", source.thread_locals(about)?),
            "body" => println!("{:#?}", source.body_of(TypeId(number()?))?),
            "poll" => println!("{:#?}", source.poll_of(TypeId(number()?))?),
            "at" => println!("{:#?}", source.variables_at(StaticAddress(number()?))?),
            "line" => println!("{:#?}", source.source_lines(StaticAddress(number()?))),
            _ => return Err(format!("no question: {question}").into()),
        }
        eprintln!("{line}: {:?}", started.elapsed());
    }
    Ok(())
}
