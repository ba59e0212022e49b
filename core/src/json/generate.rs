//! Hostile documents, related needles and odd spellings for the property tests.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;

/// A value whose scalars and keys are kept as they are spelt.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Scalar(String),
    Array(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

/// Few and easily confused, so that random values often are equal, or nearly so.
const NUMBERS: [&str; 38] = [
    "0",
    "-0",
    "0.0",
    "-0.00",
    "0e5",
    "0e-3",
    "1",
    "1.0",
    "1.00",
    "1e0",
    "10e-1",
    "0.1e1",
    "0.01e+2",
    "-1",
    "-1E0",
    "-10e-1",
    "10",
    "1e1",
    "100",
    "1e2",
    "1.5",
    "1.50",
    "15e-1",
    "1.50e1",
    "0.05",
    "5e-2",
    "12.34",
    "1234e-2",
    "9007199254740992",
    "9007199254740993",
    "9007199254740993.0",
    "90071992547409930e-1",
    "1e400",
    "1e401",
    "10e399",
    "1e-400",
    "123456789.5",
    "2",
];

/// Grammatical, but past what PostgreSQL holds, or at the very edge of that.
const EXTREME_NUMBERS: [&str; 22] = [
    "1e131071",
    "1e131072",
    "9.9e131071",
    "0.1e131072",
    "0.1e131073",
    "-1e131072",
    "1e-16383",
    "1e-16384",
    "10e-16384",
    "1.0e-16383",
    "0e-16383",
    "0e-16384",
    "0e131072",
    "0e1073741822",
    "0e1073741823",
    "0e-1073741823",
    "1e999999999999999999999",
    "1e-999999999999999999999",
    "0e99999999999999999999999999999999999999999999",
    "-0e-20000",
    "1e00000000000000000000000000000002",
    "1e-0",
];

/// What strings are made of, as it is spelt between the quotes.
const PIECES: [&str; 46] = [
    "a",
    "b",
    "A",
    "\\u0061",
    "\\u0041",
    "é",
    "\\u00e9",
    "\\u00E9",
    "e\u{301}",
    "漢",
    "\\u6f22",
    "😀",
    "\\ud83d\\ude00",
    "\\uD83D\\uDE00",
    "\\\"",
    "\\u0022",
    "\\\\",
    "\\u005c",
    "\\/",
    "/",
    "\\u002f",
    "\\n",
    "\\u000a",
    "\\b",
    "\\f",
    "\\r",
    "\\t",
    "\\u0001",
    "\\u001F",
    "\\u001f",
    "\\u0008",
    "\\u007f",
    "\u{7f}",
    "\u{80}",
    "\\u0080",
    "\u{2028}",
    "\u{feff}",
    "\u{ffff}",
    "\\uffff",
    ".",
    "$",
    "*",
    "0",
    " ",
    "'",
    ":,[]{}",
];

/// Grammatical, but nothing PostgreSQL holds.
const REFUSED_PIECES: [&str; 8] = [
    "\\u0000",
    "\\ud800",
    "\\udc00",
    "\\udbff\\ud800",
    "\\ude00\\ud83d",
    "\\ud83dx\\ude00",
    "\\ud83d\\n",
    "\\udfff\\udbff\\udfff",
];

/// Returns documents PostgreSQL accepts, whatever their spelling.
pub(crate) fn document() -> BoxedStrategy<Tree> {
    trees(number(), string(PIECES.to_vec()))
}

/// Returns documents that are JSON by the grammar, many of them not accepted by PostgreSQL.
pub(crate) fn foreign_document() -> BoxedStrategy<Tree> {
    let extreme = select(EXTREME_NUMBERS.to_vec()).prop_map(str::to_owned);
    trees(
        Union::new_weighted(vec![(9, number()), (1, extreme.boxed())]).boxed(),
        string([PIECES.repeat(4), REFUSED_PIECES.to_vec()].concat()),
    )
}

fn trees(number: BoxedStrategy<String>, string: BoxedStrategy<String>) -> BoxedStrategy<Tree> {
    let word = select(vec!["null", "true", "false"]).prop_map(str::to_owned);
    let key = prop_oneof![
        select(vec![r#""""#, r#""a""#, r#""b""#, r#""aa""#, r#""\u0061""#]).prop_map(str::to_owned),
        string.clone()
    ];
    let scalar = prop_oneof![2 => number, 2 => string, 1 => word].prop_map(Tree::Scalar);
    // Wide enough for the binary searches of the matcher, which deep trees never get.
    let wide = prop_oneof![
        vec(scalar.clone(), 8..30).prop_map(Tree::Array),
        vec((key.clone(), scalar.clone()), 8..30).prop_map(Tree::Object),
    ];
    Union::new_weighted(vec![(9, scalar.boxed()), (1, wide.boxed())])
        .prop_recursive(5, 40, 5, move |inner| {
            prop_oneof![
                vec(inner.clone(), 0..6).prop_map(Tree::Array),
                vec((key.clone(), inner), 0..6).prop_map(Tree::Object),
            ]
        })
        .boxed()
}

fn number() -> BoxedStrategy<String> {
    prop_oneof![
        4 => select(NUMBERS.to_vec()).prop_map(str::to_owned),
        1 => "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
    ]
    .boxed()
}

fn string(pieces: Vec<&'static str>) -> BoxedStrategy<String> {
    vec(select(pieces), 0..5).prop_map(|pieces| format!("\"{}\"", pieces.concat())).boxed()
}

/// A small generator of its own, since deriving one tree from another is awkward to say in strategies.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// Returns a number below `bound` (xorshift64*).
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).expect("31 bits fit") % bound
    }

    pub(crate) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

impl Tree {
    /// Returns the text, with white space strewn in.
    pub(crate) fn text(&self, dice: &mut Dice) -> String {
        let mut out = String::new();
        self.write(dice, &mut out);
        out
    }

    /// Returns a tree to look for in this one: parts dropped, shuffled, doubled, spelt otherwise and now and then
    /// changed.
    pub(crate) fn needle(&self, dice: &mut Dice) -> Self {
        match self {
            // At the root, an array contains a scalar.
            Self::Array(elements) if !elements.is_empty() && dice.percent(15) => {
                dice.pick(elements).clone().derive(dice)
            }
            _ => self.derive(dice),
        }
    }

    /// Returns a value near to this one, or another.
    pub(crate) fn value(&self, dice: &mut Dice) -> Self {
        if dice.percent(60) { self.same(dice) } else { self.derive(dice) }
    }

    /// Returns an equal value, spelt otherwise.
    fn same(&self, dice: &mut Dice) -> Self {
        match self {
            Self::Scalar(text) => Self::Scalar(respell(text, dice)),
            Self::Array(elements) => Self::Array(elements.iter().map(|element| element.same(dice)).collect()),
            Self::Object(members) => {
                let same = members.iter().map(|(key, value)| (respell(key, dice), value.same(dice)));
                let mut same = same.collect::<Vec<_>>();
                // Where keys are told apart by their first letter, order means nothing. Elsewhere there may be duplicates.
                if let [(a, _), (b, _)] = &*same
                    && a.as_bytes()[1] != b.as_bytes()[1]
                    && !a.contains('\\')
                    && !b.contains('\\')
                {
                    same.reverse();
                }
                Self::Object(same)
            }
        }
    }

    fn write(&self, dice: &mut Dice, out: &mut String) {
        const SPACE: [&str; 12] = ["", "", "", "", "", "", " ", " ", "\n", "\t", "\r\n", "   "];
        let space = |dice: &mut Dice, out: &mut String| out.push_str(SPACE[dice.below(SPACE.len())]);
        space(dice, out);
        match self {
            Self::Scalar(text) => out.push_str(text),
            Self::Array(elements) => {
                out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    element.write(dice, out);
                }
                space(dice, out);
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { "," });
                    space(dice, out);
                    out.push_str(key);
                    space(dice, out);
                    out.push(':');
                    value.write(dice, out);
                }
                space(dice, out);
                out.push('}');
            }
        }
        space(dice, out);
    }

    fn derive(&self, dice: &mut Dice) -> Self {
        match dice.below(100) {
            0 => return Self::Array(vec![self.clone()]),
            1 => return Self::Array(Vec::new()),
            2 => return Self::Object(Vec::new()),
            3 => return Self::Scalar((*dice.pick(&NUMBERS)).to_owned()),
            _ => {}
        }
        match self {
            Self::Scalar(text) => Self::Scalar(respell(text, dice)),
            Self::Array(elements) => {
                let mut derived = elements.clone();
                derived.retain(|_| !dice.percent(40));
                for element in &mut derived {
                    *element = element.derive(dice);
                }
                for _ in 0..derived.len() {
                    let (a, b) = (dice.below(derived.len()), dice.below(derived.len()));
                    derived.swap(a, b);
                }
                if !derived.is_empty() && dice.percent(20) {
                    derived.push(dice.pick(&derived.clone()).derive(dice));
                }
                Self::Array(derived)
            }
            Self::Object(members) => {
                let mut derived = members.clone();
                derived.retain(|_| !dice.percent(40));
                for (key, value) in &mut derived {
                    (*key, *value) = (respell(key, dice), value.derive(dice));
                }
                if !derived.is_empty() && dice.percent(15) {
                    let (key, _) = dice.pick(&derived).clone();
                    let (_, value) = dice.pick(members).clone();
                    let at = dice.below(derived.len() + 1);
                    derived.insert(at, (key, value));
                }
                Self::Object(derived)
            }
        }
    }
}

/// Returns another spelling of the same scalar.
fn respell(text: &str, dice: &mut Dice) -> String {
    if dice.percent(50) || text.starts_with(['n', 't', 'f']) {
        return text.to_owned();
    }
    if !text.starts_with('"') {
        return respell_number(text, dice);
    }
    let escaped = text[1..text.len() - 1].chars().map(|c| {
        // A character outside ASCII is never part of an escape.
        if c.is_ascii() || dice.percent(50) {
            return c.to_string();
        }
        c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04X}")).collect::<Vec<_>>().concat()
    });
    format!("\"{}\"", escaped.collect::<String>())
}

fn respell_number(text: &str, dice: &mut Dice) -> String {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let Ok(exponent) = exponent.parse::<i64>() else { return text.to_owned() };
    match dice.below(4) {
        0 => format!("{integer}.{fraction}0e{exponent}"),
        1 if !fraction.is_empty() => format!("{integer}.{fraction}000E{exponent:+}"),
        // A digit in front would need the point moved; a zero behind an integer moves the exponent alone.
        2 if fraction.is_empty() && !integer.ends_with('0') => format!("{integer}0e{}", exponent - 1),
        3 => format!("{mantissa}e{exponent:+04}"),
        _ => text.to_owned(),
    }
}
