"""JSON that leaves nothing to the reader's choice."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import MalformedBody
from service.strict_json import read_json
from tests.wire import asked, post

SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20
)


@given(DOCUMENTS, st.sampled_from([None, 1]), st.booleans())
def test_whatever_json_writes_is_read(document, indent, ascii_only):
    """Keys with quotes, backslashes and colons in them, in any layout."""
    text = json.dumps(document, indent=indent, ensure_ascii=ascii_only)

    assert read_json(text.encode()) == document


@given(st.dictionaries(st.text(), DOCUMENTS, min_size=1, max_size=4), st.data())
def test_a_key_given_twice_is_refused(members, data):
    """At whatever place, also where it is written in another way. Fails without the count: the last would be taken."""
    key = data.draw(st.sampled_from(sorted(members)))
    again = "".join(f"\\u{unit:04x}" for unit in _units(key))
    text = json.dumps({"outer": [members]})[:-3] + f', "{again}" : 1}}]}}'

    with pytest.raises(MalformedBody, match="once"):
        read_json(text.encode())


def _units(text: str) -> list[int]:
    encoded = text.encode("utf-16-be")
    return [int.from_bytes(encoded[at : at + 2]) for at in range(0, len(encoded), 2)]


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_nesting_is_limited(opening):
    """100 are read, 101 are not; brackets within a string are no nesting. Fails where the depth is not compared."""
    closing = "]" if opening == "[" else "}"

    def nested(depth: int) -> bytes:
        return (opening * depth + '"[[[\\"[[["' + closing * depth).encode()

    assert read_json(nested(100))
    for depth in (101, 150, 100_000):
        with pytest.raises(MalformedBody):
            read_json(nested(depth))


@pytest.mark.parametrize(
    "text",
    [
        b'{"image": "AA==", "image": "AAA="}',
        b'{"image": "AA==", "im\\u0061ge": "AAA="}',
        b'{"image": "AA==", "x": ' + b"[" * 101 + b"]" * 101 + b"}",
    ],
    ids=["twice", "twice, once in disguise", "deep"],
)
@pytest.mark.parametrize("path", ["/predict", "/v2/models/lenet5/infer"])
def test_both_surfaces_refuse_it(server, path, text):
    """With the problem that malformed JSON has."""
    answer = asked(server.port, post(path, text, "Content-Type: application/json"))

    assert answer.status == 400
    assert json.loads(answer.body)["type"] == "/problems/malformed-body"
