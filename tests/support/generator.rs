//! Makes the C side of the hostile tests from the header: for every function its arguments, a
//! valid call, and the list of spots ("knobs") that the driver turns, struct fields included.

use super::known::{Known, ANY_VALUE, BASES, KNOWN, LOOKED_AT, OF_OWN_TABLE, OPTIONAL};
use super::model::{Model, Named, Signature, Ty};
use std::fmt::Write;

/// The generated C file, or the names of what the generator cannot call.
pub fn hostile_functions(model: &Model) -> Result<String, Vec<String>> {
    let mut unknown = Vec::new();
    let mut text = String::from(PREAMBLE);
    let mut table = String::new();
    for (name, signature) in &model.functions {
        let short = name.trim_start_matches("sipxfer_");
        let Some(known) = KNOWN.iter().find(|it| it.function == short) else {
            unknown.push(format!("{name}: not in tests/support/known.rs"));
            continue;
        };
        let mut function = Function { model, name: short, known, out: String::new() };
        match function.write(signature) {
            Ok(()) => {
                text.push_str(&function.out);
                let _ = writeln!(table, "    FUNCTION({short}, {}),", function.traits(signature));
            }
            Err(missing) => unknown.push(format!("{name}: {missing}")),
        }
    }
    for known in KNOWN {
        if !model.functions.contains_key(&format!("sipxfer_{}", known.function)) {
            unknown.push(format!("{}: known, but not in the header", known.function));
        }
    }
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let _ = write!(
        text,
        "const struct function functions[] = {{\n{table}}};\n\
         const size_t function_count = sizeof functions / sizeof *functions;\n"
    );
    let statuses = model.constants.keys().filter(|it| it.starts_with("SIPXFER_E_"));
    let statuses: Vec<_> = statuses.filter(|it| *it != "SIPXFER_E_PANIC").cloned().collect();
    let _ = write!(
        text,
        "const int32_t statuses[] = {{ SIPXFER_OK, SIPXFER_YES, {} }};\n\
         const size_t status_count = sizeof statuses / sizeof *statuses;\n",
        statuses.join(", ")
    );
    Ok(text)
}

const PREAMBLE: &str = r#"/* Generated from include/sipxfer.h by tests/support/generator.rs. */
#include "hostile.h"

#define MESSAGE \
    "INVITE sip:carol@example.com SIP/2.0\r\nv: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n" \
    "f: Bob\r\n <sip:bob@example.com>;tag=f1\r\nTo: <sip:c@h>;tag=t1\r\ni: new-1\r\n" \
    "CSeq: 7 INVITE\r\nCall-ID: new-1\r\nl: 4\r\n\r\nbody"
#define FUNCTION(name, engine, own_table) \
    { "sipxfer_" #name, sizeof (struct arguments_##name), fill_##name, call_##name, \
      after_##name, engine, own_table, knobs_##name, sizeof knobs_##name / sizeof *knobs_##name - 1 }

/* A verdict that came back with a dialog gives it back. By a copy of today's size: a tail that this
 * version does not know is another matter. */
static inline void give_back(struct world *world, struct sipxfer_verdict *verdict, int32_t status)
{
    if (status != SIPXFER_OK || verdict->pin == 0)
        return;
    struct sipxfer_verdict known;
    size_t size = verdict->struct_size & ~(size_t) SIPXFER_ALLOW_UNKNOWN;
    memset(&known, 0, sizeof known);
    memcpy(&known, verdict, size < sizeof known ? size : sizeof known);
    known.struct_size = sizeof known;
    MUST(world->api->verdict_release(world->engine, &known));
}

/* Whatever the tested call did, the verdict's dialog is given back, once. */
static inline void release_for_good(struct world *world, int32_t status)
{
    struct sipxfer_verdict *verdict = world->verdict;
    int32_t again = world->api->verdict_release(world->engine, &world->held);
    if (status == SIPXFER_OK && verdict->pin == 0 && again == SIPXFER_E_NOT_FOUND &&
        world->counts.locks > world->counts.unlocks)
        world->counts.unlocks++; /* `locked` said that the host had unlocked it itself */
}

"#;

/// Enough for every buffer and scratch space of a valid call, even on a long message.
const ROOM: usize = 65536;

/// One function on its way into C.
struct Function<'a> {
    model: &'a Model,
    name: &'a str,
    known: &'a Known,
    out: String,
}

/// Where a knob sits: the struct that holds it, the pointers that lead there, its name so far.
#[derive(Clone)]
struct Place {
    holder: String,
    path: Vec<String>,
    name: String,
}

impl Place {
    fn offset(&self, field: &str) -> String {
        format!("offsetof({}, {field})", self.holder)
    }

    fn named(&self, field: &str) -> String {
        if self.name.is_empty() {
            field.to_owned()
        } else {
            format!("{}.{field}", self.name)
        }
    }
}

impl Function<'_> {
    /// C literals for: does it take an engine, is it of the engine's own table?
    fn traits(&self, signature: &Signature) -> String {
        let engine = signature.params.iter().any(|it| it.ty.is("*const sipxfer_engine"));
        format!("{engine}, {}", OF_OWN_TABLE.contains(&self.name))
    }

    fn write(&mut self, signature: &Signature) -> Result<(), String> {
        let name = self.name;
        let fields: Vec<_> =
            signature.params.iter().map(|it| it.ty.c_declaration(&it.name)).collect();
        let fields = if fields.is_empty() { "char none".to_owned() } else { fields.join("; ") };
        let _ = writeln!(
            self.out,
            "struct arguments_{name} {{ {}; }};",
            fields.replace("const *", "*")
        );
        let fill = self.fill(signature)?;
        let knobs = self.knobs(signature)?;
        let call = self.call(signature)?;
        let arguments = format!("struct arguments_{name} *a = arguments; (void) a, (void) world;");
        let after = self.known.after;
        let before = self.known.before;
        let _ = write!(
            self.out,
            "static void fill_{name}(struct world *world, void *arguments)\n{{\n    {arguments}\n    \
             {before}\n{fill}}}\n\
             static int32_t call_{name}(struct world *world, void *arguments)\n{{\n    {arguments}\n    \
             {call}\n}}\n\
             static void after_{name}(struct world *world, void *arguments, int32_t status)\n{{\n    \
             {arguments} (void) status;\n    {after}\n}}\n\
             static const struct knob knobs_{name}[] = {{\n{knobs}    {{ 0 }},\n}};\n\n"
        );
        Ok(())
    }

    fn value(&self, param: &str) -> Result<&'static str, String> {
        let mut values = self.known.values.iter();
        let found = values.find(|(name, _)| *name == param).map(|(_, value)| *value);
        found.ok_or_else(|| format!("tests/support/known.rs has no value for `{param}`"))
    }

    /// Statements that give every parameter a valid value.
    fn fill(&self, signature: &Signature) -> Result<String, String> {
        let mut text = String::new();
        let mut params = signature.params.iter().peekable();
        while let Some(param) = params.next() {
            let name = &param.name;
            let length = params.peek().filter(|it| is_length_of(it, param));
            let value = match (&param.ty, length) {
                (ty, Some(_)) if ty.is("*const c_char") => {
                    let literal = self.value(name)?;
                    format!("a->{name} = keep_text(world, {literal})")
                }
                (ty, Some(_)) if ty.is("*mut c_char") => {
                    format!("a->{name} = keep(world, {ROOM})")
                }
                (ty, None) if ty.is("*const sipxfer_engine") => {
                    format!("a->{name} = world->engine")
                }
                (ty, None) if ty.is("*mut sipxfer_config") || ty.is("*const sipxfer_config") => {
                    let value = self.value(name).unwrap_or("world->config");
                    format!("a->{name} = {value}")
                }
                (ty, None) => match self.pointee(param, ty)? {
                    Some(value) => format!("a->{name} = {value}"),
                    None => format!("a->{name} = {}", self.value(name)?),
                },
                (ty, Some(_)) => return Err(format!("`{name}: {ty}` is followed by a length")),
            };
            let _ = writeln!(text, "    {value};");
            if let Some(length) = length {
                let size = if param.ty.is("*const c_char") {
                    format!("sizeof ({}) - 1", self.value(name)?)
                } else {
                    ROOM.to_string()
                };
                let _ = writeln!(text, "    a->{} = {size};", length.name);
                params.next();
            }
        }
        if self.name == "verdict_release" {
            text.push_str("    world->held = *world->verdict;\n");
        }
        Ok(text)
    }

    /// A valid thing for a pointer to point to, where its type says enough.
    fn pointee(&self, param: &Named, ty: &Ty) -> Result<Option<String>, String> {
        let Ty::Pointer { mutable, to } = ty else {
            return Ok(None);
        };
        if let Ok(value) = self.value(&param.name) {
            return Ok(Some(value.to_owned()));
        }
        let Ty::Name(target) = to.as_ref() else {
            return Ok(Some("keep(world, sizeof (void *))".to_owned()));
        };
        if *mutable && self.model.is_versioned(target) {
            return Ok(Some(format!("new_out(world, sizeof (struct {target}))")));
        }
        if *mutable {
            return Ok(Some(format!("keep(world, sizeof *a->{})", param.name)));
        }
        if BASES.contains(&target.as_str()) {
            return Ok(Some(format!("base_{target}(world)")));
        }
        Err(format!("there is no base_{target}() in tests/c/hostile_world.c"))
    }

    fn call(&self, signature: &Signature) -> Result<String, String> {
        let arguments: Vec<_> =
            signature.params.iter().map(|it| format!("a->{}", it.name)).collect();
        let arguments = arguments.join(", ");
        // The entry is not in the table that it hands out.
        let call = if self.name == "get_api" {
            format!("sipxfer_get_api({arguments})")
        } else {
            format!("world->api->{}({arguments})", self.name)
        };
        let result = signature.result.as_ref().map(ToString::to_string);
        Ok(match result.as_deref() {
            None => format!("{call};\n    return SIPXFER_OK;"),
            Some("i32") => format!("return {call};"),
            Some("u64") => format!("return {call} == 0 ? SIPXFER_OK : INT32_MIN;"),
            Some("*const c_char") => format!("return check_c_string({call});"),
            Some("*const sipxfer_api") => format!(
                "return ({call} != NULL) == (a->abi_major == SIPXFER_ABI_MAJOR) ? SIPXFER_OK : \
                 INT32_MIN;"
            ),
            Some(other) => return Err(format!("what is a valid {other}?")),
        })
    }

    fn knobs(&self, signature: &Signature) -> Result<String, String> {
        let place = Place {
            holder: format!("struct arguments_{}", self.name),
            path: Vec::new(),
            name: String::new(),
        };
        let mut text = String::new();
        self.knobs_in(
            &signature.params,
            &place,
            signature.result.as_ref().is_some_and(|it| it.is("i32")),
            &mut text,
        )?;
        Ok(text)
    }

    /// The knobs of these fields or parameters. Without a status to answer with (`answers` false)
    /// what is wrong is only asked to do no harm.
    fn knobs_in(
        &self,
        fields: &[Named],
        place: &Place,
        answers: bool,
        text: &mut String,
    ) -> Result<(), String> {
        let mut fields = fields.iter().peekable();
        while let Some(field) = fields.next() {
            let name = field.name.as_str();
            let at = place.offset(name);
            // The host's own object is handed through and never looked into.
            let opaque = field.ty.is("*mut c_void");
            let any = opaque || !answers || self.is_any(place, name);
            let optional = OPTIONAL.contains(&name) || !answers;
            let flags = |more: &[&str]| {
                let mut all = vec!["0"];
                all.extend(more);
                all.extend(any.then_some("ANY"));
                all.extend(optional.then_some("OPTIONAL"));
                all.join(" | ")
            };
            let length = fields.peek().filter(|it| is_length_of(it, field)).copied();
            if let Some(length) = length {
                fields.next();
                let length_at = place.offset(&length.name);
                let more = format!(".at = {at}, .length_at = {length_at}");
                if field.ty.is("*const c_char") {
                    knob(text, place, "TEXT", name, &flags(&[]), &more);
                } else if let Some(needed) = fields.peek().filter(|it| it.name == "needed") {
                    let needed_at = place.offset(&needed.name);
                    let more = format!("{more}, .needed_at = {needed_at}");
                    knob(text, place, "BUFFER", name, &flags(&["WRITTEN"]), &more);
                } else {
                    knob(text, place, "SCRATCH", name, &flags(&["WRITTEN"]), &more);
                }
                continue;
            }
            let more = format!(".at = {at}");
            match &field.ty {
                Ty::Name(ty) => match ty.as_str() {
                    "usize" if name == "struct_size" => {}
                    "usize" if any => knob(text, place, "NUMBER64", name, &flags(&[]), &more),
                    "usize" => knob(text, place, "INDEX", name, &flags(&[]), &more),
                    "u32" | "i32" => knob(text, place, "NUMBER32", name, &flags(&[]), &more),
                    // A verdict without a dialog holds no pin: 0 is in order.
                    "u64" if name == "pin" && !any => {
                        knob(text, place, "NUMBER64", name, "ID | ANY", &more);
                    }
                    "u64" if name == "id" => knob(text, place, "NUMBER64", name, "ID", &more),
                    "u64" if any => knob(text, place, "NUMBER64", name, &flags(&[]), &more),
                    "sipxfer_str" => {
                        let more = format!(
                            ".at = {at} + offsetof(struct sipxfer_str, ptr), \
                             .length_at = {at} + offsetof(struct sipxfer_str, len)"
                        );
                        knob(text, place, "TEXT", name, &flags(&[]), &more);
                    }
                    other => return Err(format!("what is a wrong `{name}: {other}`?")),
                },
                Ty::Array(..) => {}
                Ty::Function(_) => {
                    knob(text, place, "CALLBACK", name, &flags(&["NO_EFFECT"]), &more);
                }
                Ty::Pointer { .. } => self.pointer(field, place, &flags, text)?,
            }
        }
        Ok(())
    }

    fn pointer(
        &self,
        field: &Named,
        place: &Place,
        flags: &dyn Fn(&[&str]) -> String,
        text: &mut String,
    ) -> Result<(), String> {
        let name = field.name.as_str();
        let more = format!(".at = {}", place.offset(name));
        let target = field.ty.struct_behind().filter(|(it, _)| self.model.is_versioned(it));
        let Some((target, mutable)) = target else {
            knob(text, place, "POINTER", name, &flags(&[]), &more);
            return Ok(());
        };
        // What goes in and out at once is filled in by known.rs.
        let read = !mutable || self.value(name).is_ok();
        let direction: &[&str] = match (read, mutable) {
            (true, true) => &["READ", "WRITTEN"],
            (true, false) => &["READ"],
            _ => &["WRITTEN"],
        };
        let more = format!("{more}, .size = sizeof (struct {target})");
        knob(text, place, "STRUCT", name, &flags(direction), &more);
        if !read {
            return Ok(());
        }
        let mut path = place.path.clone();
        path.push(place.offset(name));
        if path.len() > 3 {
            return Err(format!("`{name}` lies deeper than the driver follows"));
        }
        let inner = Place { holder: format!("struct {target}"), path, name: place.named(name) };
        self.knobs_in(self.model.fields(target), &inner, true, text)
    }

    /// Is every value of this field in order: by its name, or by where it stands?
    fn is_any(&self, place: &Place, name: &str) -> bool {
        let long = place.named(name);
        let here = format!("{}: {long}", self.name);
        if LOOKED_AT.contains(&here.as_str()) {
            return false;
        }
        let all_of_struct = format!("{}.*", place.name);
        [name, &long, &here, &all_of_struct].iter().any(|it| ANY_VALUE.contains(it))
    }
}

fn knob(text: &mut String, place: &Place, kind: &str, name: &str, flags: &str, more: &str) {
    let _ = writeln!(
        text,
        "    {{ .kind = {kind}, .flags = {flags}, .name = \"{}\", .depth = {}, .path = {{ {} }}, \
         {more} }},",
        place.named(name),
        place.path.len(),
        if place.path.is_empty() { "0".to_owned() } else { place.path.join(", ") }
    );
}

/// `buffer, capacity`; `scratch, scratch_len`; `value, len`.
fn is_length_of(length: &Named, bytes: &Named) -> bool {
    let text = bytes.ty.is("*const c_char") || bytes.ty.is("*mut c_char");
    let own = format!("{}_len", bytes.name);
    let is_length = length.name == own || length.name == "len" || length.name == "capacity";
    text && is_length && length.ty.is("usize")
}
