//! Tells the linker where the memory is.

fn main() {
    let folder = std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where it is");
    println!("cargo:rustc-link-search={folder}");
    println!("cargo:rustc-link-arg=-Tlink.x");
    println!("cargo:rerun-if-changed=memory.x");
}
