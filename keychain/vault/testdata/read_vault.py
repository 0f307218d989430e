#!/usr/bin/python3
"""Opens an openclaw vault, or an encrypted config, from the specification in
keychain/vault/doc.go alone.

It shares no code with openclaw. From Debian it needs python3-cryptography
(ChaCha20-Poly1305 and HKDF) and python3-argon2; XChaCha20 is made of HChaCha20
(draft-irtf-cfrg-xchacha) here, because Debian 12's cryptography has none.

    read_vault.py FILE passphrase|key-file|recovery-code < the passphrase, key or code

It prints the header's fields and the entries as JSON, values in base64, or the
text in base64, and ends with 1 and a word on standard error for anything that the specification
does not allow.
"""

import base64
import hashlib
import json
import re
import struct
import sys

FAMILIES = {b"openclaw-vault/1\n": "entries", b"openclaw-config/1\n": "text"}


class Refused(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Refused(what)


def hchacha20(key, nonce):
    state = list(struct.unpack("<16I", b"expand 32-byte k" + key + nonce))

    def rotate(value, bits):
        return ((value << bits) | (value >> (32 - bits))) & 0xFFFFFFFF

    def quarter(a, b, c, d):
        for x, y, z, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[x] = (state[x] + state[y]) & 0xFFFFFFFF
            state[z] = rotate(state[z] ^ state[x], bits)

    for _ in range(10):
        for column in range(4):
            quarter(column, column + 4, column + 8, column + 12)
        for column in range(4):
            quarter(column, 4 + (column + 1) % 4, 8 + (column + 2) % 4, 12 + (column + 3) % 4)
    return struct.pack("<8I", *(state[0:4] + state[12:16]))


def xopen(key, nonce, ciphertext, associated, what):
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    need(len(nonce) == 24, "nonce")
    cipher = ChaCha20Poly1305(hchacha20(key, nonce[:16]))
    try:
        return cipher.decrypt(b"\0\0\0\0" + nonce[16:], ciphertext, associated)
    except InvalidTag:
        raise Refused(what) from None


def hkdf(secret, salt, info):
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=info).derive(secret)


def recovery_key(code):
    letters = re.sub(rb"[- \t\r\n]", b"", code).upper()
    try:
        whole = base64.b32decode(letters)
    except ValueError:
        raise Refused("recovery code") from None
    need(len(whole) == 20, "recovery code")
    check = hashlib.sha256(b"openclaw-vault/1 recovery-code\n" + whole[:18]).digest()[:2]
    need(check == whole[18:], "recovery code")
    return whole[:18]


def wrapping_key(family, slot, material):
    salt = base64.b64decode(slot["salt"])
    if slot["kind"] == "passphrase":
        from argon2.low_level import Type, hash_secret_raw

        kdf = slot["kdf"]
        need(kdf["name"] == "argon2id", "derivation")
        need(3 <= kdf["time"] <= 10 and 65536 <= kdf["memory_kib"] <= 1048576 and 1 <= kdf["threads"] <= 16, "cost")
        return hash_secret_raw(material, salt, time_cost=kdf["time"], memory_cost=kdf["memory_kib"],
                               parallelism=kdf["threads"], hash_len=32, type=Type.ID, version=0x13)
    if slot["kind"] == "key-file":
        need(len(material) == 32, "key file")
        return hkdf(material, salt, family + b" key-file")
    return hkdf(recovery_key(material), salt, family + b" recovery-code")


def root_key(family, header, kind, material):
    for slot in header["slots"]:
        if slot["kind"] != kind:
            continue
        label = "%s slot\n%s\n%s\n%s\n" % (family.decode(), header["id"], slot["id"], slot["kind"])
        try:
            return xopen(wrapping_key(family, slot, material), base64.b64decode(slot["nonce"]),
                         base64.b64decode(slot["wrapped"]), label.encode(), "wrong passphrase, key or code")
        except Refused as refused:
            if "wrong" not in str(refused):
                raise
    raise Refused("wrong passphrase, key or code")


def read_header(text):
    header = json.loads(text)
    need(json.dumps(header, separators=(",", ":")).encode() == text, "header is not canonical")
    need(list(header) == ["id", "generation", "created", "written", "cipher", "slots"], "members of the header")
    need(re.fullmatch("[0-9a-f]{32}", header["id"]) and header["generation"] >= 1, "id or generation")
    need(header["cipher"] == "xchacha20-poly1305", "cipher")
    need(1 <= len(header["slots"]) <= 8, "number of slots")
    need(sum(s["kind"] == "passphrase" for s in header["slots"]) <= 4, "number of passphrases")
    for slot in header["slots"]:
        need(slot["kind"] in ("passphrase", "key-file", "recovery-code"), "kind of a slot")
        members = ["id", "kind", "salt", "kdf", "nonce", "wrapped"]
        if slot["kind"] != "passphrase":
            members.remove("kdf")
        need(list(slot) == members, "members of a slot")
        sizes = [len(base64.b64decode(slot[name], validate=True)) for name in ("salt", "nonce", "wrapped")]
        need(re.fullmatch("[0-9a-f]{16}", slot["id"]) and sizes == [16, 24, 48], "sizes of a slot")
    return header


def read_entries(plain):
    (length,) = struct.unpack(">I", plain[:4])
    entries = json.loads(plain[4:4 + length])["entries"]
    at, last = 4 + length, ""
    for entry in entries:
        need(last < entry["name"] and re.fullmatch("[A-Za-z0-9._/-]{1,200}", entry["name"]), "names")
        last = entry["name"]
        value = plain[at:at + entry["length"]]
        need(len(value) == entry["length"], "length of a value")
        at += entry["length"]
        entry["value"] = base64.b64encode(value).decode()
    rest = plain[at:]
    need(len(plain) % 1024 == 0 and 1 <= len(rest) <= 1024 and not rest.strip(b"\0"), "padding")
    return entries


def read_text(plain):
    (length,) = struct.unpack(">I", plain[:4])
    rest = plain[4 + length:]
    need(len(plain) % 1024 == 0 and 1 <= len(rest) <= 1024 and not rest.strip(b"\0"), "padding")
    return base64.b64encode(plain[4:4 + length]).decode()


def read_vault(data, kind, material):
    need(len(data) <= 32 << 20, "size")
    magic = data[:data.find(b"\n") + 1]
    need(magic in FAMILIES, "first line")
    family, start = magic[:-1], len(magic) + 4
    need(len(data) >= start + 24 + 16 + 32, "cut short")
    body, checksum = data[:-32], data[-32:]
    need(hashlib.sha256(body).digest() == checksum, "checksum")
    (length,) = struct.unpack(">I", data[start - 4:start])
    need(length <= 16384 and start + length + 24 + 16 <= len(body), "length of the header")
    associated = body[:start + length]
    header = read_header(associated[start:])
    root = root_key(family, header, kind, material)
    content = FAMILIES[magic]
    key = hkdf(root, header["id"].encode(), family + b" " + content.encode())
    nonce, payload = body[start + length:start + 24 + length], body[start + 24 + length:]
    plain = xopen(key, nonce, payload, associated, "altered")
    return {"id": header["id"], "generation": header["generation"], "fingerprint": checksum[:16].hex(),
            content: read_entries(plain) if content == "entries" else read_text(plain)}


def main():
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    try:
        print(json.dumps(read_vault(data, sys.argv[2], sys.stdin.buffer.read())))
    except Refused as refused:
        sys.exit("refused: %s" % refused)
    except (ValueError, KeyError, TypeError, struct.error):
        sys.exit("refused: not as the specification writes it")


if __name__ == "__main__":
    main()
