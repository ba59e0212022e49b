//! Hostile JSON: trees, the many ways to spell one, and needles that are nearly in them.

use super::{Rng, any, percent, pick};

/// A value, its strings unescaped and its numbers as they are spelt.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// `null`, `true` or `false`.
    Word(&'static str),
    /// A number.
    Number(String),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Tree>),
    /// An object; keys may repeat, and of those the last counts.
    Object(Vec<(String, Tree)>),
}

/// Few and easily confused, so that they often are equal, or nearly so.
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "0.0",
    "0e7",
    "1",
    "1.0",
    "1e0",
    "10e-1",
    "-1",
    "2",
    "10",
    "1e1",
    "100",
    "1.5",
    "1.50",
    "0.1",
    "1e-1",
    "0.10",
    "3",
    "9007199254740992",
    "9007199254740993",
    "9007199254740993.0",
    "18446744073709551616",
    "-9223372036854775809",
    "1e30",
    "1e400",
    "1e401",
    "1e-400",
    "1e-300",
    "-1.5",
    "-10",
    "123456789012345678901234567890.123456789012345678901234567890",
    "0.30000000000000004",
    "1.7976931348623157e309",
];

/// What strings and keys are made of.
const PIECES: &[&str] = &[
    "a",
    "b",
    "A",
    "aa",
    "é",
    "e\u{301}",
    "É",
    "漢",
    "😀",
    "\"",
    "\\",
    "/",
    "\n",
    "\r",
    "\t",
    "\u{8}",
    "\u{c}",
    "\u{1}",
    "\u{1f}",
    "\u{7f}",
    "\u{80}",
    "\u{2028}",
    "\u{feff}",
    "\u{ffff}",
    "\u{10ffff}",
    "\u{202e}",
    ".",
    "$",
    "$.a",
    "*",
    "%",
    "_",
    "'",
    "\"\"",
    "[0]",
    "{}",
    " ",
    "0",
    "null",
    "\\u0041",
    "\\n",
    "->",
    "@>",
    "?",
];

/// Grammatical, but nothing that PostgreSQL holds, as spelt between quotes.
const REFUSED_PIECES: &[&str] =
    &["\\u0000", "\\ud800", "\\udc00", "\\udc00\\ud800", "\\ud83dx", "\\ud83d\\u0041", "a\\u0000b"];

/// At, or just past, what PostgreSQL holds.
const EXTREME_NUMBERS: &[&str] = &[
    "1e131071",
    "1e131072",
    "9.9e131071",
    "-1e131072",
    "0.1e131072",
    "1e-16383",
    "1e-16384",
    "10e-16384",
    "0e131072",
    "0e-16384",
    "0e1073741822",
    "0e1073741823",
    "0e-1073741823",
    "1e99999999999999999999",
    "-0e-20000",
    "1e0000000000000000002",
];

/// Returns any value, some four levels deep at most.
pub fn value(rng: &mut Rng) -> Tree {
    grow(rng, 4)
}

/// Returns an object, as metadata is.
pub fn object(rng: &mut Rng) -> Tree {
    let members = rng.usize(0..6);
    Tree::Object((0..members).map(|_| (key(rng), grow(rng, 3))).collect())
}

/// Returns a value to look for in this one: parts left out, shuffled, doubled, spelt otherwise and now and then changed.
pub fn needle(tree: &Tree, rng: &mut Rng) -> Tree {
    match tree {
        // At the root, an array contains a scalar.
        Tree::Array(elements) if !elements.is_empty() && percent(rng, 20) => derive(any(rng, elements), rng),
        _ => derive(tree, rng),
    }
}

/// Returns an equal value, as `jsonb = jsonb` has it: numbers spelt otherwise, members shuffled; now and then nearly equal.
pub fn alike(tree: &Tree, rng: &mut Rng) -> Tree {
    match tree {
        Tree::Number(_) | Tree::String(_) | Tree::Word(_) if percent(rng, 3) => grow(rng, 0),
        Tree::Word(_) | Tree::String(_) => tree.clone(),
        Tree::Number(number) => Tree::Number(respell(number, rng)),
        Tree::Array(elements) => {
            let mut elements: Vec<Tree> = elements.iter().map(|element| alike(element, rng)).collect();
            if percent(rng, 5) {
                rng.shuffle(&mut elements);
            }
            Tree::Array(elements)
        }
        Tree::Object(members) => {
            let mut members: Vec<_> = members.iter().map(|(key, value)| (key.clone(), alike(value, rng))).collect();
            if has_repeats(&members) {
                return Tree::Object(members);
            }
            rng.shuffle(&mut members);
            if percent(rng, 5) {
                members.pop();
            }
            Tree::Object(members)
        }
    }
}

/// Returns a value without parts.
pub fn scalar(rng: &mut Rng) -> Tree {
    grow(rng, 0)
}

/// Returns a string of awkward pieces.
pub fn string(rng: &mut Rng) -> String {
    let pieces = rng.usize(0..4);
    (0..pieces).map(|_| pick(rng, PIECES)).collect()
}

/// Returns a key that documents often have.
pub fn key(rng: &mut Rng) -> String {
    if percent(rng, 70) { (pick(rng, &["a", "b", "aa", "k", "", "0"])).to_owned() } else { string(rng) }
}

/// Spells a value: white space, escapes, and duplicate keys that a later one undoes.
pub fn spell(tree: &Tree, rng: &mut Rng) -> String {
    let mut out = String::new();
    write(tree, rng, &mut out);
    out
}

/// Spells a value wrongly: what PostgreSQL refuses, or a text with a few characters changed, which may still be JSON.
pub fn spell_wrongly(tree: &Tree, rng: &mut Rng) -> String {
    let text = spell(tree, rng);
    match rng.u32(0..10) {
        0..3 => {
            let piece = pick(rng, REFUSED_PIECES);
            let string = format!("\"{piece}\"");
            wrap(&text, &string, rng)
        }
        3..6 => wrap(&text, pick(rng, EXTREME_NUMBERS), rng),
        _ => damage(&text, rng),
    }
}

fn grow(rng: &mut Rng, levels: u32) -> Tree {
    match rng.u32(0..if levels == 0 { 6 } else { 10 }) {
        0 => Tree::Word(pick(rng, &["null", "true", "false"])),
        1..4 => Tree::Number((pick(rng, NUMBERS)).to_owned()),
        4..6 => Tree::String(string(rng)),
        6..8 => {
            let elements = rng.usize(0..5);
            Tree::Array((0..elements).map(|_| grow(rng, levels - 1)).collect())
        }
        _ => {
            let members = rng.usize(0..5);
            Tree::Object((0..members).map(|_| (key(rng), grow(rng, levels - 1))).collect())
        }
    }
}

fn derive(tree: &Tree, rng: &mut Rng) -> Tree {
    match rng.u32(0..100) {
        0 => return Tree::Array(vec![tree.clone()]),
        1 => return Tree::Array(Vec::new()),
        2 => return Tree::Object(Vec::new()),
        3..6 => return grow(rng, 0),
        _ => {}
    }
    match tree {
        Tree::Word(_) | Tree::String(_) => tree.clone(),
        Tree::Number(number) => Tree::Number(respell(number, rng)),
        Tree::Array(elements) => {
            let mut derived: Vec<Tree> = Vec::new();
            for element in elements {
                for _ in 0..pick(rng, &[0, 1, 1, 2]) {
                    derived.push(derive(element, rng));
                }
            }
            rng.shuffle(&mut derived);
            Tree::Array(derived)
        }
        Tree::Object(members) => {
            let mut derived: Vec<(String, Tree)> = Vec::new();
            for (key, value) in members {
                if percent(rng, 50) {
                    derived.push((key.clone(), derive(value, rng)));
                }
            }
            // Keeps the last of a repeated key last, or the needle would be about another value.
            if percent(rng, 50) && !has_repeats(&derived) {
                rng.shuffle(&mut derived);
            }
            Tree::Object(derived)
        }
    }
}

fn has_repeats(members: &[(String, Tree)]) -> bool {
    members.iter().enumerate().any(|(index, (key, _))| members[..index].iter().any(|(other, _)| other == key))
}

/// Returns another spelling of the same number.
fn respell(number: &str, rng: &mut Rng) -> String {
    let (mantissa, exponent) = number.split_once('e').unwrap_or((number, "0"));
    let exponent: i64 = exponent.parse().expect("the pool's exponents are small");
    match rng.u32(0..5) {
        0 if mantissa.contains('.') => format!("{mantissa}00E{exponent:+}"),
        0 => format!("{mantissa}.000e{exponent}"),
        1 if !mantissa.contains('.') && mantissa != "0" && mantissa != "-0" => format!("{mantissa}0e{}", exponent - 1),
        2 => format!("{mantissa}e{exponent:+04}"),
        _ => number.to_owned(),
    }
}

fn write(tree: &Tree, rng: &mut Rng, out: &mut String) {
    space(rng, out);
    match tree {
        Tree::Word(word) => out.push_str(word),
        Tree::Number(number) => out.push_str(number),
        Tree::String(string) => write_string(string, rng, out),
        Tree::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                write(element, rng, out);
            }
            space(rng, out);
            out.push(']');
        }
        Tree::Object(members) => {
            out.push('{');
            space(rng, out);
            for (index, (key, value)) in members.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                if percent(rng, 5) {
                    write_string(key, rng, out);
                    out.push_str(":[1,{\"undone\":null}],");
                }
                space(rng, out);
                write_string(key, rng, out);
                space(rng, out);
                out.push(':');
                write(value, rng, out);
            }
            out.push('}');
        }
    }
    space(rng, out);
}

fn space(rng: &mut Rng, out: &mut String) {
    if percent(rng, 20) {
        out.push_str(pick(rng, &[" ", "\n", "\t", "\r\n", "  "]));
    }
}

fn write_string(string: &str, rng: &mut Rng, out: &mut String) {
    out.push('"');
    for c in string.chars() {
        let short = match c {
            '"' | '\\' => Some(c),
            '/' if percent(rng, 30) => Some(c),
            '\n' => Some('n'),
            '\r' => Some('r'),
            '\t' => Some('t'),
            '\u{8}' => Some('b'),
            '\u{c}' => Some('f'),
            _ => None,
        };
        match short {
            Some(escape) if percent(rng, 80) => out.extend(['\\', escape]),
            None if c >= ' ' && percent(rng, 90) => out.push(c),
            _ => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let text = if percent(rng, 50) { format!("\\u{unit:04x}") } else { format!("\\u{unit:04X}") };
                    out.push_str(&text);
                }
            }
        }
    }
    out.push('"');
}

fn wrap(text: &str, guest: &str, rng: &mut Rng) -> String {
    match rng.u32(0..4) {
        0 => guest.to_owned(),
        1 => format!("[{text}, {guest}]"),
        2 => format!("{{\"a\": {guest}, \"b\": {text}}}"),
        // Undone by a later key, but refused all the same.
        _ => format!("{{\"a\": {guest}, \"a\": {text}}}"),
    }
}

fn damage(text: &str, rng: &mut Rng) -> String {
    const CHARACTERS: &str = "\"\\{}[]:,0123456789eE+-.truefalsn ub/\u{1}\u{1f}\u{7f}\u{80}\u{feff}é\n\t";
    let useful: Vec<char> = CHARACTERS.chars().collect();
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..rng.usize(1..4) {
        let at = rng.usize(0..=characters.len());
        let c = pick(rng, &useful);
        match rng.u32(0..4) {
            0 => characters.insert(at, c),
            1 if percent(rng, 20) => characters.truncate(at),
            2 if at < characters.len() => drop(characters.remove(at)),
            _ if at < characters.len() => characters[at] = c,
            _ => {}
        }
    }
    characters.into_iter().collect()
}
