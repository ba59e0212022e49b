//! Numbers as exact decimals: PostgreSQL's limits, its way of printing them, and comparison without expansion.

use std::cmp::Ordering;

use super::fault::Reason;

/// The digits PostgreSQL's numeric holds before the decimal point.
const MAX_INTEGER_DIGITS: usize = 131_072;

/// The digits PostgreSQL's numeric holds after the decimal point.
const MAX_SCALE: usize = 16_383;

/// The exponent from which on PostgreSQL refuses a number, even zero.
const EXPONENT_LIMIT: i64 = 1_073_741_823;

/// Where the exponents of a foreign document saturate. Far above any length of a text and any weight of a needle, so a
/// saturated exponent equals none, and far enough below `i64::MAX` for lengths to be added.
const EXPONENT_BOUND: i64 = 1 << 60;

/// A number as its text spells it: valid by the grammar, its limits unchecked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number<'a> {
    text: &'a [u8],
    /// Where the integer digits end.
    point: usize,
    /// Where the digits end and the exponent begins, if there is one.
    mantissa_end: usize,
}

/// A number of a needle: its value in one form that equal numbers share.
#[derive(Clone, Debug)]
pub(crate) struct Decimal {
    text: Box<[u8]>,
    is_plain_integer: bool,
    negative: bool,
    weight: i64,
    digits: Box<[u8]>,
}

/// The value of a number as `0.digits * 10^weight`, where `digits` is `head` followed by `tail` and has no zero at
/// either end. Zero has no digits, weight 0 and no sign.
#[derive(Clone, Copy, Debug)]
struct Normal<'a> {
    negative: bool,
    weight: i64,
    head: &'a [u8],
    tail: &'a [u8],
}

impl<'a> Number<'a> {
    /// Returns the number spelt by `text`, with its parts' ends as offsets in it.
    #[inline]
    pub(crate) fn new(text: &'a [u8], point: usize, mantissa_end: usize) -> Self {
        Self { text, point, mantissa_end }
    }

    /// Returns the number as it is spelt.
    pub(crate) fn as_str(&self) -> &'a str {
        std::str::from_utf8(self.text).expect("the grammar of numbers is ASCII")
    }

    /// Reports whether PostgreSQL prints this number as it is spelt here.
    pub(crate) fn is_canonical(&self) -> bool {
        self.exponent().is_none()
            && self.integer().len() <= MAX_INTEGER_DIGITS
            && self.fraction().len() <= MAX_SCALE
            && !(self.is_negative() && self.is_zero())
    }

    /// Appends the number as PostgreSQL prints it: the exponent spelt out, the scale kept.
    ///
    /// # Errors
    ///
    /// Returns why PostgreSQL refuses the number, or [`Reason::ExpansionTooLong`] if `out` would grow past `max_len`
    /// bytes.
    pub(crate) fn write_canonical(&self, out: &mut Vec<u8>, max_len: usize) -> Result<(), Reason> {
        if self.is_canonical() {
            out.extend_from_slice(self.text);
            return Ok(());
        }
        let layout = self.layout()?;
        // Before the first digit is written: a few bytes of exponent can stand for 131 KB of zeros.
        if out.len() + layout.len() > max_len {
            return Err(Reason::ExpansionTooLong);
        }
        if layout.negative {
            out.push(b'-');
        }
        // The digits of the mantissa, numbered from its first one, which may be zeros; digits past its last are zeros
        // too.
        let digits = |from: usize, count: usize| {
            let known = self.integer().iter().chain(self.fraction()).skip(from).take(count).copied();
            let missing = count - (self.integer().len() + self.fraction().len()).saturating_sub(from).min(count);
            known.chain(std::iter::repeat_n(b'0', missing))
        };
        if layout.integer_digits == 0 {
            out.push(b'0');
        } else {
            out.extend(digits(layout.leading_zeros, layout.integer_digits));
        }
        if layout.scale > 0 {
            out.push(b'.');
            out.extend(std::iter::repeat_n(b'0', layout.fraction_zeros));
            out.extend(digits(layout.fraction_start, layout.scale - layout.fraction_zeros));
        }
        Ok(())
    }

    /// Appends the value in a form that equal numbers share: 1 if it is negative, else 0; in 8 bytes, the lowest first, the
    /// power of ten by which `0.digits` is multiplied; and the digits, as ASCII, without zeros at either end. Zero is not
    /// negative, its power is 0, and it has no digits.
    ///
    /// Frozen: terms on disk are made of it.
    pub(crate) fn write_value(&self, out: &mut Vec<u8>) {
        let Normal { negative, weight, head, tail } = self.normal();
        out.push(u8::from(negative));
        out.extend_from_slice(&weight.to_le_bytes());
        out.extend_from_slice(head);
        out.extend_from_slice(tail);
    }

    fn is_negative(&self) -> bool {
        self.text.first() == Some(&b'-')
    }

    fn is_zero(&self) -> bool {
        self.integer().iter().chain(self.fraction()).all(|&digit| digit == b'0')
    }

    /// Reports whether the text is a sign and digits only.
    fn is_plain_integer(&self) -> bool {
        self.point == self.text.len()
    }

    fn integer(&self) -> &'a [u8] {
        &self.text[usize::from(self.is_negative())..self.point]
    }

    fn fraction(&self) -> &'a [u8] {
        self.text[self.point..self.mantissa_end].strip_prefix(b".").unwrap_or_default()
    }

    /// Returns the exponent, saturated at [`EXPONENT_BOUND`] either way.
    fn exponent(&self) -> Option<i64> {
        let (&_e, exponent) = self.text[self.mantissa_end..].split_first()?;
        let (negative, digits) = match exponent.split_first() {
            Some((&sign @ (b'+' | b'-'), digits)) => (sign == b'-', digits),
            _ => (false, exponent),
        };
        let magnitude = digits
            .iter()
            .fold(0_i64, |sum, digit| sum.saturating_mul(10).saturating_add(i64::from(digit - b'0')))
            .min(EXPONENT_BOUND);
        Some(if negative { -magnitude } else { magnitude })
    }

    fn normal(&self) -> Normal<'a> {
        let (integer, fraction) = (self.integer(), self.fraction());
        let mut head = trim_start(integer);
        let mut tail = trim_end(fraction);
        let mut weight = length(head) + self.exponent().unwrap_or(0);
        if head.is_empty() {
            let significant = trim_start(tail);
            weight -= length(tail) - length(significant);
            tail = significant;
        }
        if tail.is_empty() {
            head = trim_end(head);
        }
        if head.is_empty() && tail.is_empty() {
            return Normal { negative: false, weight: 0, head, tail };
        }
        Normal { negative: self.is_negative(), weight, head, tail }
    }

    /// Works out how PostgreSQL prints the number, or why it refuses it.
    fn layout(&self) -> Result<Layout, Reason> {
        let exponent = self.exponent().unwrap_or(0);
        if exponent.abs() >= EXPONENT_LIMIT {
            return Err(Reason::ExponentTooLarge);
        }
        let (integer, fraction) = (self.integer(), self.fraction());
        // Negative where the exponent reaches past the last digit: the scale is 0 then.
        let scale = usize::try_from(length(fraction) - exponent).unwrap_or(0);
        if scale > MAX_SCALE {
            return Err(Reason::NumberTooFine);
        }
        let leading_zeros = integer.iter().chain(fraction).take_while(|&&digit| digit == b'0').count();
        if leading_zeros == integer.len() + fraction.len() {
            return Ok(Layout {
                negative: false,
                leading_zeros,
                integer_digits: 0,
                scale,
                fraction_zeros: scale,
                fraction_start: leading_zeros,
            });
        }
        // How many digits of the mantissa, its leading zeros included, stand before the decimal point.
        let point = length(integer) + exponent;
        let before_point = usize::try_from(point).unwrap_or(0);
        let integer_digits = before_point.saturating_sub(leading_zeros);
        if integer_digits > MAX_INTEGER_DIGITS {
            return Err(Reason::NumberTooLarge);
        }
        Ok(Layout {
            negative: self.is_negative(),
            leading_zeros,
            integer_digits,
            scale,
            fraction_zeros: usize::try_from(-point).unwrap_or(0),
            fraction_start: before_point,
        })
    }
}

/// How PostgreSQL prints a number.
#[derive(Clone, Copy, Debug)]
struct Layout {
    negative: bool,
    /// The zeros the mantissa begins with.
    leading_zeros: usize,
    /// The digits before the decimal point; none means that `0` stands there.
    integer_digits: usize,
    /// The digits after the decimal point.
    scale: usize,
    /// The zeros after the decimal point that the mantissa does not spell.
    fraction_zeros: usize,
    /// The digit of the mantissa that follows them.
    fraction_start: usize,
}

impl Layout {
    /// Returns how many bytes the number takes.
    fn len(&self) -> usize {
        let point = usize::from(self.scale > 0);
        usize::from(self.negative) + self.integer_digits.max(1) + point + self.scale
    }
}

impl Decimal {
    /// Returns the value of `number`.
    pub(crate) fn new(number: &Number<'_>) -> Self {
        let Normal { negative, weight, head, tail } = number.normal();
        Self {
            text: number.text.into(),
            is_plain_integer: number.is_plain_integer(),
            negative,
            weight,
            digits: [head, tail].concat().into(),
        }
    }

    /// Reports whether `number` has this value.
    #[inline]
    pub(crate) fn equals(&self, number: &Number<'_>) -> bool {
        if *self.text == *number.text {
            return true;
        }
        // Integers have one spelling, but for zero: the grammar refuses leading zeros.
        if self.is_plain_integer && number.is_plain_integer() {
            return self.digits.is_empty() && number.is_zero();
        }
        self.compare(number) == Ordering::Equal
    }

    /// Orders `number` and this value as numbers.
    pub(crate) fn order(&self, number: &Number<'_>) -> Ordering {
        number.normal().order(&self.normal())
    }

    /// Orders this value and `number` for searching: total, equal where the values are equal, and otherwise without
    /// meaning.
    pub(crate) fn compare(&self, number: &Number<'_>) -> Ordering {
        self.normal().compare(&number.normal())
    }

    /// Orders two values as [`compare`](Self::compare) does.
    pub(crate) fn compare_decimal(&self, other: &Self) -> Ordering {
        self.normal().compare(&other.normal())
    }

    fn normal(&self) -> Normal<'_> {
        Normal { negative: self.negative, weight: self.weight, head: &self.digits, tail: &[] }
    }
}

impl Normal<'_> {
    fn compare(&self, other: &Normal<'_>) -> Ordering {
        (self.negative, self.weight, self.digit_count())
            .cmp(&(other.negative, other.weight, other.digit_count()))
            .then_with(|| self.head.iter().chain(self.tail).cmp(other.head.iter().chain(other.tail)))
    }

    /// Orders two values as numbers.
    fn order(&self, other: &Normal<'_>) -> Ordering {
        let magnitude = |a: &Normal<'_>, b: &Normal<'_>| {
            let digits = || a.head.iter().chain(a.tail).cmp(b.head.iter().chain(b.tail));
            a.weight.cmp(&b.weight).then_with(digits)
        };
        self.signum()
            .cmp(&other.signum())
            .then_with(|| if self.negative { magnitude(other, self) } else { magnitude(self, other) })
    }

    fn signum(&self) -> i8 {
        match self.digit_count() {
            0 => 0,
            _ if self.negative => -1,
            _ => 1,
        }
    }

    fn digit_count(&self) -> usize {
        self.head.len() + self.tail.len()
    }
}

fn trim_start(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    &digits[zeros..]
}

fn trim_end(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().rev().take_while(|&&digit| digit == b'0').count();
    &digits[..digits.len() - zeros]
}

fn length(digits: &[u8]) -> i64 {
    i64::try_from(digits.len()).expect("a slice is at most isize::MAX bytes long")
}
