"""Images, sound and files are named, measured and hashed instead of being recorded."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.privacy import Redactor, describe_binary, without_binary


def png(size: int = 3_000) -> bytes:
    """A picture of noise that any viewer opens."""
    chance = random.Random(size)
    rows = b"".join(b"\0" + chance.randbytes(size // 10) for _ in range(10))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", size // 10, 10, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


IMAGE = png()
TEXT = base64.b64encode(IMAGE).decode()
SAID = f"[image/png, {len(IMAGE)} bytes, sha256:{hashlib.sha256(IMAGE).hexdigest()[:16]}]"


@pytest.mark.parametrize(
    "data",
    [
        IMAGE,
        TEXT,
        f"data:image/png;base64,{TEXT}",
        base64.urlsafe_b64encode(IMAGE).decode(),
        base64.encodebytes(IMAGE).decode(),
        TEXT.rstrip("="),
        TEXT.replace("/", "\\/"),
    ],
    ids=["bytes", "base64", "data URL", "URL-safe", "in lines", "unpadded", "escaped"],
)
def test_the_same_content_is_described_the_same_way_however_it_comes(data: bytes | str) -> None:
    sha = hashlib.sha256(IMAGE).hexdigest()[:16]
    assert describe_binary(data) == {"mime_type": "image/png", "size": len(IMAGE), "sha256": sha}


def test_the_type_that_is_known_comes_first() -> None:
    assert describe_binary(IMAGE, "image/x-noise")["mime_type"] == "image/x-noise"
    assert describe_binary("data:image/webp;base64,AAAA")["mime_type"] == "image/webp"
    assert describe_binary("data:;base64,AAAA")["mime_type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"ID3\x04", "audio/mpeg"),
        (b"\x00\x00\x00 ftypisom", "video/mp4"),
        (b"%PDF-1.7", "application/pdf"),
        (b"what", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
def test_the_first_bytes_tell_the_type(head: bytes, mime: str) -> None:
    assert describe_binary(head)["mime_type"] == mime


def test_text_that_is_no_base64_is_described_as_its_bytes() -> None:
    text = "Grüße, \ud800!"
    sent = text.encode("utf-8", "replace")
    assert describe_binary(text, "text/plain") == {
        "mime_type": "text/plain",
        "size": len(sent),
        "sha256": hashlib.sha256(sent).hexdigest()[:16],
    }


@given(st.binary(max_size=300), st.integers(0, 4))
def test_any_bytes_survive_the_way_through_base64(data: bytes, cut: int) -> None:
    text = base64.b64encode(data).decode()
    assert describe_binary(text) == describe_binary(data)
    size = describe_binary(text[: max(len(text) - cut, 0)])["size"]
    assert len(data) - 3 <= int(size) <= len(data)


@pytest.mark.parametrize(
    "around", ["{}", "See ![it]({}) here", '{{"url":"{}"}}', "日本{}語", '"{}"', "\\n{}\\n", "a {} b"]
)
def test_a_data_url_in_a_text_is_replaced(around: str) -> None:
    url = f"data:image/png;charset=utf-8;base64,{TEXT}"
    assert without_binary(around.format(url)) == around.format(SAID)
    assert Redactor([]).text(around.format(url)) == around.format(SAID)


@pytest.mark.parametrize(
    "around", ["{}", '{{"data":"{}"}}', "日本 {} 語", "\\n{}\\n", "\\u00e9{}", "a\n{}\nb", "{0} {0}"]
)
def test_long_base64_in_a_text_is_replaced(around: str) -> None:
    assert without_binary(around.format(TEXT)) == around.format(SAID)


def test_json_stays_json() -> None:
    parts = [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{TEXT}"}},
        {"data": TEXT, "text": "ä\n"},
    ]
    nested = json.dumps({"a": json.dumps(parts)})
    for text in (json.dumps(parts), nested, nested.replace("/", "\\/")):
        redacted = Redactor().text(text)
        value = json.loads(redacted)
        found = json.loads(value["a"]) if isinstance(value, dict) else value
        assert found == [{"type": "image_url", "image_url": {"url": SAID}}, {"data": SAID, "text": "ä\n"}]


def test_a_cut_image_is_described_as_far_as_it_goes() -> None:
    redacted = without_binary(f'[{{"url":"data:image/png;base64,{TEXT[:1001]}…')
    assert redacted.startswith('[{"url":"[image/png, 750 bytes, sha256:')
    assert redacted.endswith("]…")


def test_content_of_many_chunks() -> None:
    data = random.Random(1).randbytes(1_000_000)
    assert describe_binary(base64.b64encode(data).decode()) == describe_binary(data)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 5_000,
        "ACGT" * 500,
        "0123456789abcdef" * 64,
        "word " * 1_000,
        "https://example.com/" + "path/" * 200,
        "base64,",
        "data:image/png;base64,",
        "data:image/png;base64,{{ image }}",
        "the prefix data:;base64, is not followed by anything",
        "data:text/plain,hello",
        TEXT[:400],
        SAID,
    ],
    ids=range(12),
)
def test_what_only_looks_like_binary_content_stays(text: str) -> None:
    assert without_binary(text) is text


def test_what_is_inside_is_not_looked_through() -> None:
    # Noise holds everything sooner or later: an AWS key, the beginning of a token.
    noise = "AKIA" + "IOSFODNN7EXAMPLE" + TEXT
    assert Redactor().text(f"data:image/png;base64,{noise}").startswith("[image/png, ")
