//! Reading the interface out of the Rust source.

use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Expr, Fields, File, Ident, Item, Lit, LitInt, Meta, Token, Type, Visibility};

/// Is all that the header says.
pub(crate) struct Interface {
    pub(crate) docs: Vec<String>,
    /// Constants and structs, as they stand in the source.
    pub(crate) items: Vec<Declared>,
    pub(crate) operations: Vec<Operation>,
}

/// Is a constant or a struct.
pub(crate) enum Declared {
    Constant { docs: Vec<String>, name: String, kind: Box<Type>, value: Box<Expr> },
    Struct { docs: Vec<String>, name: String, fields: Vec<Field> },
}

/// Is a field of a struct.
pub(crate) struct Field {
    pub(crate) docs: Vec<String>,
    pub(crate) name: String,
    pub(crate) kind: Type,
}

/// Is an operation.
pub(crate) struct Operation {
    pub(crate) docs: Vec<String>,
    pub(crate) name: String,
    pub(crate) code: u32,
    pub(crate) arguments: Vec<Type>,
    pub(crate) reply: Type,
}

impl Interface {
    pub(crate) fn read(abi: &str, operations: &str) -> Self {
        let abi: File = syn::parse_str(abi).unwrap();
        let operations: File = syn::parse_str(operations).unwrap();
        let table = operations.items.iter().find_map(|item| match item {
            Item::Macro(item) if item.mac.path.is_ident("operations") => Some(item.mac.parse_body::<Table>().unwrap()),
            _ => None,
        });
        Self {
            docs: docs(&abi.attrs),
            items: abi.items.iter().filter_map(declared).collect(),
            operations: table.expect("operation.rs has a table of operations").0,
        }
    }
}

/// Returns what a C program sees of an item: nothing of functions, implementations and aliases.
fn declared(item: &Item) -> Option<Declared> {
    match item {
        Item::Const(item) if is_public(&item.vis) => Some(Declared::Constant {
            docs: docs(&item.attrs),
            name: item.ident.to_string(),
            kind: item.ty.clone(),
            value: item.expr.clone(),
        }),
        Item::Struct(item) if is_public(&item.vis) => {
            assert!(item.attrs.iter().any(is_c), "{} is not #[repr(C)]", item.ident);
            let Fields::Named(fields) = &item.fields else { panic!("{} has fields without names", item.ident) };
            let field = |field: &syn::Field| Field {
                docs: docs(&field.attrs),
                name: field.ident.as_ref().unwrap().to_string(),
                kind: field.ty.clone(),
            };
            Some(Declared::Struct {
                docs: docs(&item.attrs),
                name: item.ident.to_string(),
                fields: fields.named.iter().map(field).collect(),
            })
        }
        _ => None,
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn is_c(attribute: &Attribute) -> bool {
    attribute.path().is_ident("repr") && attribute.parse_args::<Ident>().is_ok_and(|repr| repr == "C")
}

/// Returns the lines of a doc comment.
fn docs(attributes: &[Attribute]) -> Vec<String> {
    let line = |attribute: &Attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value().strip_prefix(' ').unwrap_or_default().to_owned()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    };
    attributes.iter().filter_map(line).collect()
}

/// Is what stands in `operations! { … }`.
struct Table(Vec<Operation>);

impl Parse for Table {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut operations = Vec::new();
        while !input.is_empty() {
            operations.push(input.parse()?);
        }
        Ok(Self(operations))
    }
}

impl Parse for Operation {
    /// Reads `Name = 1 (what the host has) as (what the plugin gets) -> Reply;`.
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let docs = docs(&input.call(Attribute::parse_outer)?);
        let name = input.parse::<Ident>()?.to_string();
        input.parse::<Token![=]>()?;
        let code = input.parse::<LitInt>()?.base10_parse()?;
        let _: Vec<Type> = types(input)?;
        input.parse::<Token![as]>()?;
        let arguments = types(input)?;
        input.parse::<Token![->]>()?;
        let reply = input.parse()?;
        input.parse::<Token![;]>()?;
        Ok(Self { docs, name, code, arguments, reply })
    }
}

fn types(input: ParseStream<'_>) -> syn::Result<Vec<Type>> {
    let inner;
    syn::parenthesized!(inner in input);
    Ok(inner.parse_terminated(Type::parse, Token![,])?.into_iter().collect())
}
