//! The interface as data, read twice: from the C header (by bindgen) and from the Rust sources of
//! src/ffi. Both readings have the same form, so that they can be compared.

use super::tools;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

/// A type, free of what differs between the two readings without a difference in the ABI: paths,
/// `unsafe`, and the `Option` around a function pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ty {
    /// `u32`, `c_char`, `sipxfer_str` ...
    Name(String),
    /// `*const T` or `*mut T`.
    Pointer { mutable: bool, to: Box<Ty> },
    /// `[T; n]`.
    Array(Box<Ty>, i128),
    /// A pointer to a function.
    Function(Signature),
}

/// A field or a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Ty,
}

/// Parameters and result; no result is void.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// In order.
    pub params: Vec<Named>,
    /// None for void.
    pub result: Option<Box<Ty>>,
}

/// Everything that the interface consists of.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// Structs with fields, by name.
    pub structs: BTreeMap<String, Vec<Named>>,
    /// Structs without.
    pub opaque: BTreeSet<String>,
    /// Functions, by name.
    pub functions: BTreeMap<String, Signature>,
    /// Constants, by name.
    pub constants: BTreeMap<String, i128>,
    /// Names of anything else.
    pub others: Vec<String>,
}

impl Model {
    /// What a C compiler sees.
    pub fn of_header() -> &'static Model {
        static READ: OnceLock<Model> = OnceLock::new();
        READ.get_or_init(|| Model::of_file(&tools::include_dir().join("sipxfer.h")))
    }

    /// What a C compiler sees in this header.
    pub fn of_file(header: &Path) -> Model {
        let bindings = bindgen::Builder::default()
            .header(header.display().to_string())
            .allowlist_file(".*/sipxfer\\.h")
            .layout_tests(false)
            .derive_copy(false)
            .derive_debug(false)
            .use_core()
            .formatter(bindgen::Formatter::None)
            .generate()
            .expect("bindgen reads the header");
        let file = syn::parse_file(&bindings.to_string()).expect("bindgen writes Rust");
        Model::of_items(vec![file])
    }

    /// What src/ffi defines.
    pub fn of_sources() -> &'static Model {
        static READ: OnceLock<Model> = OnceLock::new();
        READ.get_or_init(|| {
            let entries = fs::read_dir(tools::root().join("src/ffi")).expect("src/ffi exists");
            let paths = entries.map(|entry| entry.expect("src/ffi can be listed").path());
            let files = paths.filter(|path| path.extension().is_some_and(|it| it == "rs"));
            let parse = |path: std::path::PathBuf| {
                let text = fs::read_to_string(&path).expect("a source can be read");
                syn::parse_file(&text).unwrap_or_else(|it| panic!("{}: {it}", path.display()))
            };
            Model::of_items(files.map(parse).collect())
        })
    }

    fn of_items(files: Vec<syn::File>) -> Model {
        let items: Vec<syn::Item> = files.into_iter().flat_map(|file| file.items).collect();
        let mut model = Model::default();
        // Constants first: array lengths are made of them.
        for item in &items {
            if let syn::Item::Const(it) = item {
                if matches!(it.vis, syn::Visibility::Public(_)) {
                    model.constants.insert(it.ident.to_string(), value(&it.expr));
                }
            }
        }
        for item in items {
            model.add(item);
        }
        model
    }

    fn add(&mut self, item: syn::Item) {
        match item {
            syn::Item::Struct(it) if matches!(it.vis, syn::Visibility::Public(_)) => {
                let name = it.ident.to_string();
                let fields: Vec<_> = it.fields.iter().map(|field| self.field(field)).collect();
                // bindgen's way to say that there is no more to know, or none that C may see.
                let hidden = fields.first().is_some_and(|it| it.name == "_unused");
                if hidden || !is_repr_c(&it.attrs) {
                    self.opaque.insert(name);
                } else {
                    self.structs.insert(name, fields);
                }
            }
            syn::Item::Fn(it) if it.attrs.iter().any(is_no_mangle) => {
                let signature = self.signature(&it.sig);
                self.functions.insert(it.sig.ident.to_string(), signature);
            }
            syn::Item::ForeignMod(block) => {
                for item in block.items {
                    match item {
                        syn::ForeignItem::Fn(it) => {
                            let signature = self.signature(&it.sig);
                            self.functions.insert(it.sig.ident.to_string(), signature);
                        }
                        syn::ForeignItem::Static(it) => self.others.push(it.ident.to_string()),
                        _ => {}
                    }
                }
            }
            syn::Item::Type(it) => self.others.push(it.ident.to_string()),
            syn::Item::Union(it) => self.others.push(it.ident.to_string()),
            syn::Item::Enum(it) => self.others.push(it.ident.to_string()),
            _ => {}
        }
    }

    fn field(&self, field: &syn::Field) -> Named {
        let name = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
        // Opaque structs of the library hold whatever they like.
        let private = !matches!(field.vis, syn::Visibility::Public(_));
        let ty = if private { Ty::Name(String::new()) } else { self.ty(&field.ty) };
        Named { name, ty }
    }

    fn signature(&self, signature: &syn::Signature) -> Signature {
        let params = signature.inputs.iter().map(|input| match input {
            syn::FnArg::Typed(it) => Named { name: text(&it.pat), ty: self.ty(&it.ty) },
            syn::FnArg::Receiver(_) => panic!("a method is no C function"),
        });
        Signature { params: params.collect(), result: self.result(&signature.output) }
    }

    fn result(&self, output: &syn::ReturnType) -> Option<Box<Ty>> {
        match output {
            syn::ReturnType::Default => None,
            syn::ReturnType::Type(_, ty) => Some(Box::new(self.ty(ty))),
        }
    }

    fn ty(&self, ty: &syn::Type) -> Ty {
        match ty {
            syn::Type::Ptr(it) => {
                Ty::Pointer { mutable: it.mutability.is_some(), to: Box::new(self.ty(&it.elem)) }
            }
            syn::Type::Array(it) => Ty::Array(Box::new(self.ty(&it.elem)), self.length(&it.len)),
            syn::Type::BareFn(it) => {
                let abi = it.abi.as_ref().and_then(|abi| abi.name.as_ref());
                assert!(abi.is_some_and(|abi| abi.value() == "C"), "not of C: {}", text(it));
                let named = it.inputs.iter().map(|input| Named {
                    name: input.name.as_ref().map(|(it, _)| it.to_string()).unwrap_or_default(),
                    ty: self.ty(&input.ty),
                });
                Ty::Function(Signature { params: named.collect(), result: self.result(&it.output) })
            }
            syn::Type::Path(it) => {
                let last = it.path.segments.last().expect("a path has a last segment");
                if let syn::PathArguments::AngleBracketed(inner) = &last.arguments {
                    assert!(last.ident == "Option", "no type of C: {}", text(ty));
                    let inner = only_type(inner);
                    return self.ty(&inner);
                }
                Ty::Name(last.ident.to_string())
            }
            syn::Type::Group(it) => self.ty(&it.elem),
            syn::Type::Paren(it) => self.ty(&it.elem),
            other => panic!("no type of C: {}", text(other)),
        }
    }

    fn length(&self, length: &syn::Expr) -> i128 {
        if let syn::Expr::Path(it) = length {
            let name = text(&it.path);
            return *self.constants.get(&name).unwrap_or_else(|| panic!("{name} has no value"));
        }
        value(length)
    }

    /// The fields of a struct that exists.
    pub fn fields(&self, name: &str) -> &[Named] {
        self.structs.get(name).unwrap_or_else(|| panic!("there is no struct {name}"))
    }

    /// Does this struct begin with its own size?
    pub fn is_versioned(&self, name: &str) -> bool {
        let fields = self.structs.get(name);
        fields.and_then(|it| it.first()).is_some_and(|it| it.name == "struct_size")
    }
}

/// The one type inside `Option<...>`.
fn only_type(arguments: &syn::AngleBracketedGenericArguments) -> syn::Type {
    match arguments.args.first() {
        Some(syn::GenericArgument::Type(inner)) => inner.clone(),
        _ => panic!("Option holds one type: {}", text(arguments)),
    }
}

fn text(tokens: &impl quote::ToTokens) -> String {
    quote::quote!(#tokens).to_string()
}

fn is_repr_c(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|it| it.path().is_ident("repr") && text(it).contains("(C)"))
}

fn is_no_mangle(attribute: &syn::Attribute) -> bool {
    text(attribute).contains("no_mangle")
}

fn value(expression: &syn::Expr) -> i128 {
    match expression {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Int(it), .. }) => {
            it.base10_parse().expect("an integer")
        }
        syn::Expr::Unary(syn::ExprUnary { op: syn::UnOp::Neg(_), expr, .. }) => -value(expr),
        syn::Expr::Paren(it) => value(&it.expr),
        syn::Expr::Group(it) => value(&it.expr),
        other => panic!("this reader knows numbers only, not {}", text(other)),
    }
}

impl fmt::Display for Ty {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ty::Name(name) => write!(to, "{name}"),
            Ty::Pointer { mutable: true, to: inner } => write!(to, "*mut {inner}"),
            Ty::Pointer { mutable: false, to: inner } => write!(to, "*const {inner}"),
            Ty::Array(inner, length) => write!(to, "[{inner}; {length}]"),
            Ty::Function(signature) => write!(to, "fn{signature}"),
        }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let params: Vec<_> =
            self.params.iter().map(|it| format!("{}: {}", it.name, it.ty)).collect();
        write!(to, "({})", params.join(", "))?;
        self.result.as_ref().map_or(Ok(()), |result| write!(to, " -> {result}"))
    }
}

impl Ty {
    /// The declaration of a variable of this type, as C has it.
    pub fn c_declaration(&self, name: &str) -> String {
        match self {
            Ty::Name(rust) => format!("{} {name}", c_name(rust)),
            Ty::Pointer { mutable: true, to } => to.c_declaration(&format!("*{name}")),
            Ty::Pointer { mutable: false, to } => {
                format!("const {}", to.c_declaration(&format!("*{name}")))
            }
            Ty::Array(of, length) => of.c_declaration(&format!("{name}[{length}]")),
            Ty::Function(signature) => {
                let params: Vec<_> =
                    signature.params.iter().map(|it| it.ty.c_declaration("")).collect();
                let params = if params.is_empty() { "void".to_owned() } else { params.join(", ") };
                let head = format!("(*{name})({params})");
                let void = Ty::Name("c_void".to_owned());
                signature.result.as_deref().unwrap_or(&void).c_declaration(&head)
            }
        }
    }

    /// The struct behind a pointer, and whether it may be written.
    pub fn struct_behind(&self) -> Option<(&str, bool)> {
        match self {
            Ty::Pointer { mutable, to } => match to.as_ref() {
                Ty::Name(name) if name.starts_with("sipxfer_") => Some((name, *mutable)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Is it written like this in Rust?
    pub fn is(&self, rust: &str) -> bool {
        self.to_string() == rust
    }
}

fn c_name(rust: &str) -> String {
    match rust {
        "c_void" => "void".to_owned(),
        "c_char" => "char".to_owned(),
        "usize" => "size_t".to_owned(),
        "u16" | "u32" | "u64" => format!("uint{}_t", &rust[1..]),
        "i32" | "i64" => format!("int{}_t", &rust[1..]),
        ours if ours.starts_with("sipxfer_") => format!("struct {ours}"),
        other => panic!("the interface has no {other}"),
    }
}
