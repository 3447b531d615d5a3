//! The encoded length of an attribute, by its form.

use gimli::{DwForm, Encoding, constants as dw};

/// How to find the length of an attribute whose form does not fix it.
#[derive(Clone, Copy)]
pub(crate) enum LengthRule {
    /// A LEB128 number: it ends at its last byte.
    Leb,
    /// A block or expression that begins with its length in LEB128.
    Block,
    /// Another form.
    Form(DwForm),
}

/// The rule for a form that [`fixed_size`] does not know.
pub(crate) fn length_rule(form: DwForm) -> LengthRule {
    match form {
        dw::DW_FORM_sdata
        | dw::DW_FORM_udata
        | dw::DW_FORM_ref_udata
        | dw::DW_FORM_strx
        | dw::DW_FORM_addrx
        | dw::DW_FORM_loclistx
        | dw::DW_FORM_rnglistx
        | dw::DW_FORM_GNU_addr_index
        | dw::DW_FORM_GNU_str_index => LengthRule::Leb,
        dw::DW_FORM_exprloc | dw::DW_FORM_block => LengthRule::Block,
        form => LengthRule::Form(form),
    }
}

/// Bytes of a `DW_FORM_ref_addr`: in DWARF 2 it was as large as an address.
pub(crate) fn reference_size(encoding: Encoding) -> u8 {
    match encoding.version {
        ..=2 => encoding.address_size,
        _ => encoding.format.word_size(),
    }
}

/// Bytes of a value of this form; `None` when they depend on the value.
pub(crate) fn fixed_size(form: DwForm, encoding: Encoding) -> Option<u32> {
    Some(match form {
        dw::DW_FORM_flag_present | dw::DW_FORM_implicit_const => 0,
        dw::DW_FORM_data1
        | dw::DW_FORM_ref1
        | dw::DW_FORM_flag
        | dw::DW_FORM_strx1
        | dw::DW_FORM_addrx1 => 1,
        dw::DW_FORM_data2 | dw::DW_FORM_ref2 | dw::DW_FORM_strx2 | dw::DW_FORM_addrx2 => 2,
        dw::DW_FORM_strx3 | dw::DW_FORM_addrx3 => 3,
        dw::DW_FORM_data4
        | dw::DW_FORM_ref4
        | dw::DW_FORM_strx4
        | dw::DW_FORM_addrx4
        | dw::DW_FORM_ref_sup4 => 4,
        dw::DW_FORM_data8 | dw::DW_FORM_ref8 | dw::DW_FORM_ref_sig8 | dw::DW_FORM_ref_sup8 => 8,
        dw::DW_FORM_data16 => 16,
        dw::DW_FORM_addr => u32::from(encoding.address_size),
        dw::DW_FORM_ref_addr => u32::from(reference_size(encoding)),
        dw::DW_FORM_strp
        | dw::DW_FORM_line_strp
        | dw::DW_FORM_sec_offset
        | dw::DW_FORM_strp_sup
        | dw::DW_FORM_GNU_strp_alt
        | dw::DW_FORM_GNU_ref_alt => u32::from(encoding.format.word_size()),
        _ => return None,
    })
}
