//! An addon of Node, which starts its runtime when it is loaded, and a plugin for any program.

use std::ffi::c_void;

/// What Node calls with its environment and the object that `require` returns.
#[no_mangle]
pub extern "C" fn napi_register_module_v1(_: *mut c_void, exports: *mut c_void) -> *mut c_void {
    rates::start();
    exports
}

/// What another program calls.
#[no_mangle]
pub extern "C" fn start_rates() {
    rates::start();
}
