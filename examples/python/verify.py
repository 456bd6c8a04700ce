#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""A host in Python. It loads the installed libsipxfer with ctypes, parses a Replaces, keeps its dialogs
in a list of its own behind the callbacks of an engine, and asks for verdicts on INVITEs with Replaces.

    verify.py [path of the library]
"""
import ctypes
import sys
from ctypes import POINTER, byref, c_char_p, c_int32, c_size_t, c_uint16, c_uint32, c_uint64, c_void_p

ABI_MAJOR = 0
OK, E_NOT_FOUND, E_CALLBACK = 0, -7, -12
REJECT, ACCEPT = 2, 1
CONFIRMED, INITIATOR_REMOTE, USAGE_INVITE, TRANSPORT_UDP = 2, 2, 1, 1


class Str(ctypes.Structure):
    """struct sipxfer_str. What it points to must live as long as it does."""

    _fields_ = [("ptr", c_void_p), ("len", c_size_t)]

    @classmethod
    def of(cls, data):
        return cls(ctypes.cast(c_char_p(data), c_void_p), len(data))

    def bytes(self):
        return ctypes.string_at(self.ptr, self.len) if self.len else b""

    def __str__(self):
        return self.bytes().decode("utf-8", "replace")


class Sized(ctypes.Structure):
    """A struct of the header that begins with struct_size."""

    def __init__(self):
        super().__init__()
        self.struct_size = ctypes.sizeof(self)


class ParseError(Sized):
    _fields_ = [("struct_size", c_size_t), ("what", Str), ("offset", c_size_t), ("rule", c_uint32),
                ("reserved", c_uint32)]


class Replaces(Sized):
    _fields_ = [("struct_size", c_size_t), ("call_id", Str), ("to_tag", Str), ("from_tag", Str),
                ("params", Str), ("early_only", c_uint32), ("reserved", c_uint32)]


class DialogKey(Sized):
    _fields_ = [("struct_size", c_size_t), ("call_id", Str), ("local_tag", Str), ("remote_tag", Str)]


class Dialog(Sized):
    _fields_ = [("struct_size", c_size_t), ("dialog", c_void_p), ("call_id", Str), ("local_tag", Str),
                ("remote_tag", Str), ("user", Str), ("endpoint", Str), ("state", c_uint32),
                ("initiator", c_uint32), ("usage", c_uint32), ("secure", c_uint32)]


FIND = ctypes.CFUNCTYPE(c_int32, c_void_p, POINTER(DialogKey), POINTER(Dialog))
LOCK = ctypes.CFUNCTYPE(c_int32, c_void_p, c_void_p, POINTER(c_uint32))
GIVE_BACK = ctypes.CFUNCTYPE(None, c_void_p, c_void_p)
DESTROY = ctypes.CFUNCTYPE(None, c_void_p)


class Directory(Sized):
    _fields_ = [("struct_size", c_size_t), ("user", c_void_p), ("find", FIND), ("lock", LOCK),
                ("unlock", GIVE_BACK), ("release", GIVE_BACK), ("destroy", DESTROY)]


class EngineOptions(Sized):
    _fields_ = [("struct_size", c_size_t), ("directory", POINTER(Directory)), ("host", c_void_p)]


class Request(Sized):
    _fields_ = [("struct_size", c_size_t), ("message", Str), ("host_data", c_void_p),
                ("dialog", c_void_p), ("source", Str), ("endpoint", Str), ("user", Str),
                ("context", Str), ("now_ms", c_uint64), ("transport", c_uint32), ("secure", c_uint32),
                ("transfer_depth", c_uint32), ("reserved", c_uint32)]


class Verdict(Sized):
    """As of version 0.1. Later versions add to the end, and fill as much as there is here."""

    _fields_ = [("struct_size", c_size_t), ("kind", c_uint32), ("code", c_uint32), ("reason", Str),
                ("warning", Str), ("unsupported", Str), ("dialog", c_void_p), ("pin", c_uint64),
                ("dialog_state", c_uint32), ("dialog_initiator", c_uint32), ("old_dialog", c_uint32),
                ("locked", c_uint32), ("early_only", c_uint32), ("ground", c_uint32), ("context", Str),
                ("extension", Str), ("target", Str), ("method", Str), ("replaces", Str),
                ("referred_by", Str), ("headers", Str), ("dropped", Str), ("variables", c_void_p),
                ("variable_count", c_size_t), ("subscription", c_uint32),
                ("approval_pending", c_uint32), ("transfer_depth", c_uint32),
                ("retry_after_s", c_uint32), ("rules", c_uint16 * 16), ("rule_count", c_uint32),
                ("error_rule", c_uint32), ("error_what", Str), ("error_offset", c_size_t),
                ("setting", Str), ("why", Str)]


def load(path):
    library = ctypes.CDLL(path)
    functions = {
        "sipxfer_version": (c_char_p,),
        "sipxfer_strerror": (c_char_p, c_int32),
        "sipxfer_get_api": (c_void_p, c_uint32),
        "sipxfer_verdict_name": (c_char_p, c_uint32),
        "sipxfer_replaces_parse": (c_int32, c_char_p, c_size_t, POINTER(Replaces), POINTER(ParseError)),
        "sipxfer_engine_new": (c_int32, POINTER(EngineOptions), POINTER(c_void_p)),
        "sipxfer_engine_free": (None, c_void_p),
        "sipxfer_replaces_verify_request": (c_int32, c_void_p, POINTER(Request), c_uint32, c_void_p,
                                            c_size_t, POINTER(Verdict)),
        "sipxfer_verdict_release": (c_int32, c_void_p, POINTER(Verdict)),
    }
    for name, (result, *arguments) in functions.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    if not library.sipxfer_get_api(ABI_MAJOR):
        sys.exit(f"{path} has another ABI than {ABI_MAJOR}")
    return library


class Host:
    """Dialogs in a list; the engine sees a dialog as its place in the list, counted from 1."""

    def __init__(self, library):
        self.library = library
        self.dialogs = []
        self.pinned = 0
        self.engine = c_void_p()
        # The engine calls these until it is freed: they must not be collected before.
        self.directory = Directory()
        self.directory.find = FIND(self.find)
        self.directory.release = GIVE_BACK(self.release)
        options = EngineOptions()
        options.directory = ctypes.pointer(self.directory)
        self.check(library.sipxfer_engine_new(byref(options), byref(self.engine)))

    def check(self, status):
        if status != OK:
            raise RuntimeError(self.library.sipxfer_strerror(status).decode())

    def close(self):
        self.library.sipxfer_engine_free(self.engine)

    def find(self, _user, key, out):
        # An exception cannot pass through the library: ctypes would print it and answer 0, which is
        # SIPXFER_OK.
        try:
            wanted = key.contents
            for place, dialog in enumerate(self.dialogs, 1):
                tags = (wanted.local_tag.bytes().lower(), wanted.remote_tag.bytes().lower())
                if wanted.call_id.bytes() != dialog["call_id"] or tags != dialog["tags"]:
                    continue
                found = out.contents
                found.dialog = place
                found.call_id = Str.of(dialog["call_id"])
                found.local_tag, found.remote_tag = map(Str.of, dialog["tags"])
                found.user = found.endpoint = Str.of(dialog["user"])
                found.state, found.initiator, found.usage = CONFIRMED, INITIATOR_REMOTE, USAGE_INVITE
                self.pinned += 1
                return OK
            return E_NOT_FOUND
        except Exception as cause:
            print(f"find: {cause}", file=sys.stderr)
            return E_CALLBACK

    def release(self, _user, _dialog):
        self.pinned -= 1

    def verify(self, message, user, now_ms):
        """The kind of the verdict, the code and the reason in words."""
        request, verdict = Request(), Verdict()
        request.message = Str.of(message)
        request.user = request.endpoint = Str.of(user)
        request.transport, request.now_ms = TRANSPORT_UDP, now_ms
        scratch = ctypes.create_string_buffer(8192 + 6 * len(message))  # SIPXFER_SCRATCH_SIZE
        self.check(self.library.sipxfer_replaces_verify_request(
            self.engine, byref(request), 0, scratch, len(scratch), byref(verdict)))
        # What the verdict says lies in the scratch space: taken out before that goes.
        said = (verdict.kind, verdict.code, str(verdict.why))
        self.check(self.library.sipxfer_verdict_release(self.engine, byref(verdict)))
        return said


def invite(replaces):
    return (b"INVITE sip:pbx@example.com SIP/2.0\r\n"
            b"Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\n"
            b"Max-Forwards: 70\r\n"
            b"From: <sip:bob@example.com>;tag=phone\r\n"
            b"To: <sip:pbx@example.com>\r\n"
            b"Call-ID: new-call\r\n"
            b"CSeq: 1 INVITE\r\n"
            b"Contact: <sip:bob@192.0.2.7>\r\n"
            b"Replaces: " + replaces + b"\r\n"
            b"Content-Length: 0\r\n\r\n")


def headers(library):
    value = b"ABCDE;to-tag=BtoBob;from-tag=BobtoB;early-only"
    replaces, error = Replaces(), ParseError()
    status = library.sipxfer_replaces_parse(value, len(value), byref(replaces), byref(error))
    fields = (status, str(replaces.call_id), str(replaces.to_tag), str(replaces.from_tag),
              replaces.early_only)
    print(f"Replaces: Call-ID {fields[1]}, to-tag {fields[2]}, from-tag {fields[3]}")
    wrong = b"ABCDE;to-tag=1"
    failed = library.sipxfer_replaces_parse(wrong, len(wrong), byref(replaces), byref(error))
    print(f"without a from-tag: {library.sipxfer_strerror(failed).decode()}: {error.what}")
    return fields == (OK, "ABCDE", "BtoBob", "BobtoB", 1) and failed < 0 and error.what.len > 0


def main():
    library = load(sys.argv[1] if len(sys.argv) > 1 else f"libsipxfer.so.{ABI_MAJOR}")
    print(f"sipxfer {library.sipxfer_version().decode()}")
    good = headers(library)

    host = Host(library)
    host.dialogs.append({"call_id": b"ABCDE", "tags": (b"btobob", b"bobtob"), "user": b"bob"})
    ours = b"ABCDE;to-tag=BtoBob;from-tag=BobtoB"
    for replaces, user, expected in [
        (ours, b"bob", (ACCEPT, 200)),
        (ours, b"mallory", (REJECT, 403)),
        (b"other;to-tag=1;from-tag=2", b"bob", (REJECT, 481)),
    ]:
        kind, code, why = host.verify(invite(replaces), user, 1000)
        name = library.sipxfer_verdict_name(kind).decode()
        print(f"{user.decode()}: {name} {code}\n    {why}")
        good = good and (kind, code) == expected and why != ""
    good = good and host.pinned == 0
    host.close()
    print("all as expected" if good else "NOT AS EXPECTED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
