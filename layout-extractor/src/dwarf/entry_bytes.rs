//! What an [`EntryCursor`] reads at one place of a unit: values by their forms, and what lies behind
//! attributes of no fixed size.

use gimli::{
    DebugStrOffsetsIndex, DwForm, EndianSlice, Endianity as _, Error, Reader as _, RunTimeEndian,
    Section as _, constants as dw,
};

use super::abbreviations::{AbbreviationLayout, AttributePlace, UnsizedAttribute};
use super::attribute_forms::{LengthRule, fixed_size, length_rule, reference_size};
use super::attribute_value::Value;
use super::entry_cursor::{CursorEntry, EntryCursor};
use super::name_ref::NameRef;

impl<'v, 'a> EntryCursor<'v, 'a> {
    /// The value of the given form at an offset in the unit.
    #[inline]
    pub(super) fn value(&self, form: DwForm, mut at: usize) -> Result<Value<'a>, Error> {
        let fixed = |width: u8| Ok(Value::Fixed(self.number(at, usize::from(width))?, width));
        let reference = |offset: u64| Ok(Value::Reference(self.view.start.wrapping_add(offset)));
        let word = usize::from(self.encoding.format.word_size());
        match form {
            dw::DW_FORM_strp if word == 4 => Ok(Value::Name(NameRef::Str(self.word(at)?))),
            dw::DW_FORM_strp => Ok(Value::Name(NameRef::Str(self.number(at, word)?))),
            dw::DW_FORM_ref4 => reference(self.word(at)?),
            dw::DW_FORM_data1 => fixed(1),
            dw::DW_FORM_data2 => fixed(2),
            dw::DW_FORM_data4 => fixed(4),
            dw::DW_FORM_data8 => fixed(8),
            dw::DW_FORM_data16 => {
                let mut bytes = EndianSlice::new(self.slice(at, 16)?, self.endian);
                Ok(Value::Wide(bytes.read_u128()?.to_ne_bytes()))
            }
            dw::DW_FORM_udata => Ok(Value::Unsigned(self.leb(&mut at)?)),
            dw::DW_FORM_sdata => {
                let rest = self.bytes.get(at..).ok_or_else(|| self.end())?;
                Ok(Value::Signed(EndianSlice::new(rest, self.endian).read_sleb128()?))
            }
            dw::DW_FORM_flag | dw::DW_FORM_flag_present => Ok(Value::Flag),
            dw::DW_FORM_line_strp => Ok(Value::Name(NameRef::LineStr(self.number(at, word)?))),
            dw::DW_FORM_string => Ok(Value::Name(NameRef::Info(self.view.start + at as u64))),
            dw::DW_FORM_strx1 => self.indexed_name(self.number(at, 1)?),
            dw::DW_FORM_strx2 => self.indexed_name(self.number(at, 2)?),
            dw::DW_FORM_strx3 => self.indexed_name(self.number(at, 3)?),
            dw::DW_FORM_strx4 => self.indexed_name(self.number(at, 4)?),
            dw::DW_FORM_strx | dw::DW_FORM_GNU_str_index => self.indexed_name(self.leb(&mut at)?),
            dw::DW_FORM_ref_addr => {
                let size = usize::from(reference_size(self.encoding));
                Ok(Value::Reference(self.number(at, size)?))
            }
            dw::DW_FORM_ref1 => reference(self.number(at, 1)?),
            dw::DW_FORM_ref2 => reference(self.number(at, 2)?),
            dw::DW_FORM_ref8 => reference(self.number(at, 8)?),
            dw::DW_FORM_ref_udata => reference(self.leb(&mut at)?),
            dw::DW_FORM_exprloc | dw::DW_FORM_block => {
                let length = self.leb(&mut at)?;
                self.block(at, length)
            }
            dw::DW_FORM_block1 => self.block(at + 1, self.number(at, 1)?),
            dw::DW_FORM_block2 => self.block(at + 2, self.number(at, 2)?),
            dw::DW_FORM_block4 => self.block(at + 4, self.number(at, 4)?),
            _ => Ok(Value::Other),
        }
    }

    pub(super) fn indexed_name(&self, index: u64) -> Result<Value<'a>, Error> {
        let index = usize::try_from(index).map_err(|_| Error::UnsupportedOffset)?;
        let offset = self.dwarf.string_offset(&self.view.unit, DebugStrOffsetsIndex(index))?;
        Ok(Value::Name(NameRef::Str(offset.0 as u64)))
    }

    pub(super) fn block(&self, at: usize, length: u64) -> Result<Value<'a>, Error> {
        let length = usize::try_from(length).map_err(|_| self.end())?;
        Ok(Value::Bytes(self.slice(at, length)?))
    }

    pub(super) fn slice(&self, at: usize, length: usize) -> Result<&'a [u8], Error> {
        let bytes = self.bytes.get(at..).and_then(|rest| rest.get(..length));
        bytes.ok_or_else(|| self.end())
    }

    #[inline]
    pub(super) fn place(
        &self,
        layout: &AbbreviationLayout,
        place: AttributePlace,
        entry: &CursorEntry<'v>,
    ) -> Result<usize, Error> {
        let mut at = entry.attributes as usize;
        if place.steps > 0 {
            let (last, before) = layout.rest[..place.steps as usize].split_last().unzip();
            at = self.behind(layout.first, before.unwrap_or_default(), at)?;
            if let Some(last) = last {
                at = self.behind_value(last.rule, at)?;
            }
        }
        Ok(at + place.bytes as usize)
    }

    /// The offset behind `first` bytes and these attributes.
    #[inline]
    pub(super) fn behind(
        &self,
        first: u32,
        rest: &[UnsizedAttribute],
        at: usize,
    ) -> Result<usize, Error> {
        let mut at = at + first as usize;
        for step in rest {
            at = self.behind_value(step.rule, at)? + step.after as usize;
        }
        Ok(at)
    }

    /// The offset behind a value of unknown length.
    #[inline]
    pub(super) fn behind_value(&self, length: LengthRule, mut at: usize) -> Result<usize, Error> {
        match length {
            LengthRule::Leb => {
                self.leb(&mut at)?;
                Ok(at)
            }
            LengthRule::Block => {
                let length = self.leb(&mut at)?;
                self.behind_block(at, length)
            }
            LengthRule::Form(form) => self.behind_form(form, at),
        }
    }

    #[inline]
    pub(super) fn behind_block(&self, at: usize, length: u64) -> Result<usize, Error> {
        let end = usize::try_from(length).ok().and_then(|length| at.checked_add(length));
        end.filter(|end| *end <= self.bytes.len()).ok_or_else(|| self.end())
    }

    pub(super) fn behind_form(&self, form: DwForm, mut at: usize) -> Result<usize, Error> {
        let length = match form {
            dw::DW_FORM_block1 => self.length(&mut at, 1)?,
            dw::DW_FORM_block2 => self.length(&mut at, 2)?,
            dw::DW_FORM_block4 => self.length(&mut at, 4)?,
            dw::DW_FORM_string => {
                let rest = self.bytes.get(at..).unwrap_or_default();
                memchr::memchr(0, rest).ok_or_else(|| self.end())? as u64 + 1
            }
            dw::DW_FORM_indirect => {
                let form = DwForm(u16::try_from(self.leb(&mut at)?).unwrap_or(u16::MAX));
                match fixed_size(form, self.encoding) {
                    Some(size) => u64::from(size),
                    // A chain of indirect forms could go on for ever.
                    None if form == dw::DW_FORM_indirect => return Err(Error::UnknownForm(form)),
                    None => return self.behind_value(length_rule(form), at),
                }
            }
            other => return Err(Error::UnknownForm(other)),
        };
        self.behind_block(at, length)
    }

    pub(super) fn length(&self, at: &mut usize, size: usize) -> Result<u64, Error> {
        let length = self.number(*at, size)?;
        *at += size;
        Ok(length)
    }

    /// A number of four bytes.
    #[inline]
    pub(super) fn word(&self, at: usize) -> Result<u64, Error> {
        let bytes = self.bytes.get(at..).and_then(|rest| rest.first_chunk());
        let bytes = *bytes.ok_or_else(|| self.end())?;
        Ok(u64::from(match self.endian {
            RunTimeEndian::Little => u32::from_le_bytes(bytes),
            RunTimeEndian::Big => u32::from_be_bytes(bytes),
        }))
    }

    pub(super) fn number(&self, at: usize, size: usize) -> Result<u64, Error> {
        let mut endian = self.endian;
        Ok(endian.read_uint(self.slice(at, size)?))
    }

    #[inline]
    pub(super) fn leb(&self, at: &mut usize) -> Result<u64, Error> {
        match self.bytes.get(*at) {
            Some(&byte) if byte < 0x80 => {
                *at += 1;
                Ok(u64::from(byte))
            }
            _ => self.long_leb(at),
        }
    }

    pub(super) fn long_leb(&self, at: &mut usize) -> Result<u64, Error> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(*at).ok_or_else(|| self.end())?;
            *at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Error::BadUnsignedLeb128)
    }

    pub(super) fn end(&self) -> Error {
        Error::UnexpectedEof(self.dwarf.debug_info.reader().offset_id())
    }
}
