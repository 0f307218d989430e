#!/usr/bin/python3
"""Opens an openclaw vault, or an encrypted config, from the specification in
keychain/vault/doc.go alone.

It shares no code with openclaw. From Debian it needs python3-cryptography
(ChaCha20-Poly1305, AES-GCM, HKDF, PBKDF2, X25519) and python3-argon2; XChaCha20 is made of HChaCha20
(draft-irtf-cfrg-xchacha) here, because Debian 12's cryptography has none.

    read_vault.py FILE passphrase|key-file|recovery-code|keychain|credential|age < the passphrase, key, code
                                                        or, for age, the line AGE-SECRET-KEY-1… of X25519

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

FAMILIES = {b"openclaw-vault/": "entries", b"openclaw-config/": "text"}
NONCES = {"xchacha20-poly1305": 24, "aes-256-gcm": 12}
KINDS = {1: ("passphrase", "key-file", "recovery-code"),
         2: ("passphrase", "key-file", "recovery-code", "keychain", "credential", "age")}


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


def xopen(name, key, nonce, ciphertext, associated, what):
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

    need(len(nonce) == NONCES[name], "nonce")
    if name == "aes-256-gcm":
        cipher = AESGCM(key)
    else:
        cipher, nonce = ChaCha20Poly1305(hchacha20(key, nonce[:16])), b"\0\0\0\0" + nonce[16:]
    try:
        return cipher.decrypt(nonce, ciphertext, associated)
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
        if kdf["name"] == "pbkdf2-hmac-sha256":
            need(list(kdf) == ["name", "iterations"] and 600000 <= kdf["iterations"] <= 10000000, "cost")
            return hashlib.pbkdf2_hmac("sha256", material, salt, kdf["iterations"], 32)
        need(list(kdf) == ["name", "time", "memory_kib", "threads"], "members of a derivation")
        need(kdf["name"] == "argon2id", "derivation")
        need(3 <= kdf["time"] <= 10 and 65536 <= kdf["memory_kib"] <= 1048576 and 1 <= kdf["threads"] <= 16, "cost")
        return hash_secret_raw(material, salt, time_cost=kdf["time"], memory_cost=kdf["memory_kib"],
                               parallelism=kdf["threads"], hash_len=32, type=Type.ID, version=0x13)
    if slot["kind"] == "age":
        material = age_open(base64.b64decode(slot["sealed"]), material)
    if slot["kind"] != "recovery-code":
        need(len(material) == 32, "key")
        return hkdf(material, salt, family + b" " + slot["kind"].encode())
    return hkdf(recovery_key(material), salt, family + b" recovery-code")


def bech32_bytes(text):
    """The bytes of a Bech32 text (BIP 173), whose checksum is left unread: a wrong key opens nothing."""
    letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    data = text.lower()[text.rfind("1") + 1 if text.rfind("1") > 0 else 0:-6]
    number = 0
    for letter in data:
        number = number << 5 | letters.index(letter)
    return (number >> (len(data) * 5 % 8)).to_bytes(len(data) * 5 // 8, "big")


def age_open(file, identity):
    """Opens a file of age-encryption.org/v1 by an X25519 key: one chunk, as a key is."""
    import hmac as mac
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    def unpadded(text):
        return base64.b64decode(text + b"=" * (-len(text) % 4))

    secret = X25519PrivateKey.from_private_bytes(bech32_bytes(identity.decode().strip()))
    ours = secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    end = file.index(b"\n--- ") + 4
    lines = file[:end].split(b"\n")
    need(lines[0] == b"age-encryption.org/v1", "first line of age")
    for at, line in enumerate(lines):
        if not line.startswith(b"-> X25519 "):
            continue
        theirs = unpadded(line.split(b" ")[2])
        shared = secret.exchange(X25519PublicKey.from_public_bytes(theirs))
        wrap = hkdf(shared, theirs + ours, b"age-encryption.org/v1/X25519")
        try:
            key = ChaCha20Poly1305(wrap).decrypt(bytes(12), unpadded(lines[at + 1]), None)
        except InvalidTag:
            continue
        rest = file[end + 1:]
        sum_, payload = rest[:rest.index(b"\n")], rest[rest.index(b"\n") + 1:]
        want = mac.new(hkdf(key, b"", b"header"), file[:end], "sha256").digest()
        need(mac.compare_digest(want, unpadded(sum_)), "header of age")
        stream = hkdf(key, payload[:16], b"payload")
        return ChaCha20Poly1305(stream).decrypt(bytes(11) + b"\1", payload[16:], None)
    raise Refused("wrong identity")


def root_key(family, header, kind, material):
    for slot in header["slots"]:
        if slot["kind"] != kind:
            continue
        label = "%s slot\n%s\n%s\n%s\n" % (family.decode(), header["id"], slot["id"], slot["kind"])
        try:
            return xopen(header["cipher"], wrapping_key(family, slot, material), base64.b64decode(slot["nonce"]),
                         base64.b64decode(slot["wrapped"]), label.encode(), "wrong passphrase, key or code")
        except Refused as refused:
            if "wrong" not in str(refused):
                raise
    raise Refused("wrong passphrase, key or code")


def read_header(text, number):
    header = json.loads(text)
    need(json.dumps(header, separators=(",", ":")).encode() == text, "header is not canonical")
    need(list(header) == ["id", "generation", "created", "written", "cipher", "slots"], "members of the header")
    need(re.fullmatch("[0-9a-f]{32}", header["id"]) and header["generation"] >= 1, "id or generation")
    need(header["cipher"] in NONCES, "cipher")
    later = [s for s in header["slots"] if s["kind"] not in KINDS[1]]
    need((number == 2) == (header["cipher"] == "aes-256-gcm" or len(later) > 0), "number of the format")
    need(1 <= len(header["slots"]) <= 8, "number of slots")
    need(sum(s["kind"] == "passphrase" for s in header["slots"]) <= 4, "number of passphrases")
    for slot in header["slots"]:
        need(slot["kind"] in KINDS[number], "kind of a slot")
        own = {"passphrase": ["kdf"], "credential": ["name"], "age": ["recipients", "sealed"]}
        members = ["id", "kind", "salt"] + own.get(slot["kind"], []) + ["nonce", "wrapped"]
        if slot["kind"] == "passphrase":
            need((slot["kdf"]["name"] == "argon2id") == (header["cipher"] == "xchacha20-poly1305"), "derivation")
        if slot["kind"] == "age":
            need(header["cipher"] == "xchacha20-poly1305" and 1 <= len(slot["recipients"]) <= 8, "recipients")
        if slot["kind"] == "credential":
            need(re.fullmatch("[A-Za-z0-9][A-Za-z0-9._-]{0,254}", slot["name"]), "name of a credential")
        need(list(slot) == members, "members of a slot")
        sizes = [len(base64.b64decode(slot[name], validate=True)) for name in ("salt", "nonce", "wrapped")]
        need(re.fullmatch("[0-9a-f]{16}", slot["id"]) and sizes == [16, NONCES[header["cipher"]], 48], "sizes of a slot")
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
    prefix, number = magic[:-2], magic[-2:]
    need(prefix in FAMILIES and number in (b"1\n", b"2\n"), "first line")
    family, number, start = prefix + b"1", int(number), len(magic) + 4
    need(len(data) >= start + 12 + 16 + 32, "cut short")
    body, checksum = data[:-32], data[-32:]
    need(hashlib.sha256(body).digest() == checksum, "checksum")
    (length,) = struct.unpack(">I", data[start - 4:start])
    need(length <= 16384 and start + length + 12 + 16 <= len(body), "length of the header")
    associated = body[:start + length]
    header = read_header(associated[start:], number)
    root = root_key(family, header, kind, material)
    content = FAMILIES[prefix]
    size = NONCES[header["cipher"]]
    key = hkdf(root, header["id"].encode(), family + b" " + content.encode())
    nonce, payload = body[start + length:start + size + length], body[start + size + length:]
    plain = xopen(header["cipher"], key, nonce, payload, associated, "altered")
    return {"id": header["id"], "generation": header["generation"], "fingerprint": checksum[:16].hex(),
            content: read_entries(plain) if content == "entries" else read_text(plain)}


def main():
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    try:
        print(json.dumps(read_vault(data, sys.argv[2], sys.stdin.buffer.read())))
    except Refused as refused:
        sys.exit("refused: %s" % refused)
    except (ValueError, KeyError, IndexError, TypeError, struct.error):
        sys.exit("refused: not as the specification writes it")


if __name__ == "__main__":
    main()
