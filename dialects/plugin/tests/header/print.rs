//! Writing the header.

use std::fmt::Write as _;

use syn::{BinOp, Expr, GenericArgument, Lit, PathArguments, PointerMutability, ReturnType, Type};

use crate::source::{Declared, Field, Interface, Operation};

/// Returns the text of the header.
pub(crate) fn header(interface: &Interface) -> String {
    let mut text = String::new();
    comment(&mut text, "", &interface.docs);
    text.push_str(INTRODUCTION);
    for item in &interface.items {
        text.push('\n');
        match item {
            Declared::Constant { docs, name, kind, value } => constant(&mut text, docs, name, kind, value),
            Declared::Struct { docs, name, fields } => structure(&mut text, docs, name, fields),
        }
    }
    text.push_str(OPERATIONS);
    for operation in &interface.operations {
        self::operation(&mut text, operation);
    }
    text.push_str(END);
    text
}

const INTRODUCTION: &str = "/* Made from src/abi.rs and src/operation.rs: see tests/header. Not to be edited. */

#ifndef POLYMNIA_PLUGIN_H
#define POLYMNIA_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern \"C\" {
#endif

/** Makes a symbol visible to the host. */
#if defined(_WIN32)
#define POLYMNIA_EXPORT __declspec(dllexport)
#elif defined(__GNUC__)
#define POLYMNIA_EXPORT __attribute__((visibility(\"default\")))
#else
#define POLYMNIA_EXPORT
#endif
";

const OPERATIONS: &str = "
/*
 * Operations: what can be asked of a handle. The arguments are a list of the items named, and the reply is one item.
 * What the items are is described in docs/plugins/wire.md.
 */
";

const END: &str = "
/** The plugin's own table: what the host looks for. */
extern POLYMNIA_EXPORT const polymnia_plugin polymnia_plugin_v1;

#ifdef __cplusplus
}
#endif

#endif
";

fn constant(text: &mut String, docs: &[String], name: &str, kind: &Type, value: &Expr) {
    comment(text, "", docs);
    writeln!(text, "#define POLYMNIA_{name} {}", literal(kind, value)).unwrap();
}

fn structure(text: &mut String, docs: &[String], name: &str, fields: &[Field]) {
    let name = type_name(name);
    comment(text, "", docs);
    writeln!(text, "typedef struct {name} {{").unwrap();
    for field in fields {
        comment(text, "    ", &field.docs);
        let line = format!("    {};", declaration(&field.kind, &field.name));
        // A function with many arguments.
        let line =
            if line.len() > WIDTH { line.replacen(")(", ")(\n        ", 1).replace(", ", ",\n        ") } else { line };
        writeln!(text, "{line}").unwrap();
    }
    writeln!(text, "}} {name};").unwrap();
}

fn operation(text: &mut String, operation: &Operation) {
    let Operation { docs, name, code, arguments, reply } = operation;
    let mut docs = docs.clone();
    docs.push(String::new());
    let arguments: Vec<String> = arguments.iter().map(item).collect();
    let arguments = if arguments.is_empty() { "none".to_owned() } else { arguments.join(", ") };
    let reply = match reply {
        Type::Tuple(unit) if unit.elems.is_empty() => "none".to_owned(),
        reply => item(reply),
    };
    docs.push(format!("Arguments: {arguments}. Reply: {reply}."));
    text.push('\n');
    comment(text, "", &docs);
    writeln!(text, "#define POLYMNIA_OPERATION_{} {code}u", upper(name)).unwrap();
}

/// Writes a doc comment, with the names that C has for what is linked.
fn comment(text: &mut String, indent: &str, docs: &[String]) {
    match paragraphs(docs).as_slice() {
        [] => {}
        [line] if indent.len() + line.len() <= WIDTH - 7 => writeln!(text, "{indent}/** {line} */").unwrap(),
        paragraphs => {
            writeln!(text, "{indent}/**").unwrap();
            for paragraph in paragraphs {
                for line in wrapped(paragraph, WIDTH - 3 - indent.len()) {
                    writeln!(text, "{}", format!("{indent} * {line}").trim_end()).unwrap();
                }
            }
            writeln!(text, "{indent} */").unwrap();
        }
    }
}

/// The greatest length of a line.
const WIDTH: usize = 120;

/// Joins the lines of paragraphs and of entries of lists, for names have other lengths in C.
fn paragraphs(docs: &[String]) -> Vec<String> {
    let mut paragraphs: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in docs {
        let line = linked(line);
        let begins = line.is_empty() || line.starts_with("- ") || line.starts_with('#');
        match paragraphs.last_mut() {
            Some(paragraph) if goes_on && !begins => {
                paragraph.push(' ');
                paragraph.push_str(line.trim_start());
            }
            _ => paragraphs.push(line.clone()),
        }
        goes_on = !line.is_empty() && !line.starts_with('#');
    }
    paragraphs
}

/// Cuts a paragraph into lines.
fn wrapped(paragraph: &str, width: usize) -> Vec<String> {
    let indent = if paragraph.starts_with("- ") { "  " } else { "" };
    let mut lines = vec![String::new()];
    for word in paragraph.split(' ') {
        let line = lines.last_mut().expect("there is one from the beginning");
        if line.is_empty() {
            line.push_str(word);
        } else if line.len() + 1 + word.len() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(format!("{indent}{word}"));
        }
    }
    lines
}

/// Replaces ``[`Plugin::free`]`` by `polymnia_plugin.free` and ``[`MAGIC`]`` by `POLYMNIA_MAGIC`.
fn linked(line: &str) -> String {
    let mut result = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("[`") {
        let (item, after) = after.split_once("`]").expect("a link ends on its line");
        result.push_str(before);
        match item.split_once("::") {
            Some((name, field)) => write!(result, "{}.{field}", type_name(name)).unwrap(),
            None if item.chars().all(|c| c.is_ascii_uppercase() || c == '_') => {
                write!(result, "POLYMNIA_{item}").unwrap();
            }
            None => result.push_str(&type_name(item)),
        }
        rest = after;
    }
    result + rest
}

/// Returns a value as C writes it.
fn literal(kind: &Type, value: &Expr) -> String {
    match value {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) if kind_name(kind) == "u64" => format!("UINT64_C({})", number.base10_digits()),
            Lit::Int(number) => format!("{}u", number.base10_digits()),
            Lit::Str(text) => format!("{:?}", text.value()),
            _ => panic!("a constant of a kind that has no form in C"),
        },
        // *b"bytes"
        Expr::Unary(unary) => match &*unary.expr {
            Expr::Lit(literal) => match &literal.lit {
                Lit::ByteStr(bytes) => {
                    let bytes: Vec<String> =
                        bytes.value().iter().map(|byte| format!("{:?}", char::from(*byte))).collect();
                    format!("{{{}}}", bytes.join(", "))
                }
                _ => panic!("a constant of a kind that has no form in C"),
            },
            _ => panic!("a constant of a kind that has no form in C"),
        },
        Expr::Binary(binary) => {
            let operator = match binary.op {
                BinOp::Shl(_) => "<<",
                BinOp::BitOr(_) => "|",
                _ => panic!("an operator that has no form here"),
            };
            format!("({} {operator} {})", literal(kind, &binary.left), literal(kind, &binary.right))
        }
        Expr::Path(path) => {
            let names: Vec<String> = path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            match names.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                ["u64", "MAX"] => "UINT64_MAX".to_owned(),
                [name] => format!("POLYMNIA_{name}"),
                _ => panic!("{names:?} has no form in C"),
            }
        }
        _ => panic!("a constant of a kind that has no form in C"),
    }
}

/// Returns a declaration of a name, as C writes it: `uint8_t magic[8]`.
fn declaration(kind: &Type, name: &str) -> String {
    match kind {
        Type::Array(array) => {
            let Expr::Lit(length) = &array.len else { panic!("the length of {name} is no number") };
            let Lit::Int(length) = &length.lit else { panic!("the length of {name} is no number") };
            format!("{}[{}]", declaration(&array.elem, name), length.base10_digits())
        }
        Type::Ptr(pointer) => {
            let constant = if matches!(pointer.mutability, PointerMutability::Mut(_)) { "" } else { "const " };
            format!("{constant}{}", declaration(&pointer.elem, &format!("*{name}")))
        }
        // Option<unsafe extern "C" fn(…) -> …>
        Type::Path(path) if path.path.segments.last().unwrap().ident == "Option" => {
            let PathArguments::AngleBracketed(arguments) = &path.path.segments.last().unwrap().arguments else {
                panic!("{name} is an Option of nothing");
            };
            let Some(GenericArgument::Type(Type::FnPtr(function))) = arguments.args.first() else {
                panic!("{name} is an Option of what is no function");
            };
            let inputs = function.inputs.iter().map(|input| {
                let name = input.name.as_ref().expect("the arguments of functions have names").0.to_string();
                declaration(&input.ty, &name)
            });
            let result = match &function.output {
                ReturnType::Default => "void".to_owned(),
                ReturnType::Type(_, kind) => declaration(kind, "").trim_end().to_owned(),
            };
            format!("{result} (*{name})({})", inputs.collect::<Vec<_>>().join(", "))
        }
        Type::Path(_) => format!("{} {name}", c_name(&kind_name(kind))),
        _ => panic!("{name} has a type that has no form in C"),
    }
}

fn c_name(rust: &str) -> String {
    match rust {
        "u8" | "u16" | "u32" | "u64" | "i64" => {
            let (sign, bits) = rust.split_at(1);
            format!("{}int{bits}_t", if sign == "u" { "u" } else { "" })
        }
        "usize" => "size_t".to_owned(),
        "c_void" => "void".to_owned(),
        name => type_name(name),
    }
}

fn kind_name(kind: &Type) -> String {
    match kind {
        Type::Path(path) => path.path.segments.last().unwrap().ident.to_string(),
        _ => String::new(),
    }
}

/// Returns the name of an item of the wire: `Vec<MemoryId>`.
fn item(kind: &Type) -> String {
    match kind {
        Type::Tuple(tuple) => format!("({})", tuple.elems.iter().map(item).collect::<Vec<_>>().join(", ")),
        Type::Path(path) => {
            let segment = path.path.segments.last().unwrap();
            let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return segment.ident.to_string() };
            let arguments = arguments.args.iter().map(|argument| match argument {
                GenericArgument::Type(kind) => item(kind),
                _ => panic!("a reply with arguments that are no types"),
            });
            format!("{}<{}>", segment.ident, arguments.collect::<Vec<_>>().join(", "))
        }
        _ => panic!("an item that has no name"),
    }
}

fn type_name(rust: &str) -> String {
    format!("polymnia_{}", upper(rust).to_lowercase())
}

/// Returns `DeleteMatching` as `DELETE_MATCHING`.
pub(crate) fn upper(name: &str) -> String {
    let mut result = String::new();
    for (at, c) in name.char_indices() {
        if c.is_ascii_uppercase() && at > 0 {
            result.push('_');
        }
        result.push(c.to_ascii_uppercase());
    }
    result
}
