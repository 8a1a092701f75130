"""Names that requests may ask for, and tokens."""

from pathlib import Path

import pytest

from impasto.errors import OutputError
from impasto.studio.access import MAIN, Access, is_loopback, make_tokens, read_tokens


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1:8421", True),
        ("localhost:8421", True),
        ("LOCALHOST:8421", True),
        ("[::1]:8421", True),
        ("127.0.0.1", False),
        ("127.0.0.1:80", False),
        ("localhost:8421.evil.example", False),
        ("evil.example:8421", False),
        ("127.0.0.1.evil.example:8421", False),
        ("10.0.0.7:8421", False),
        ("user@127.0.0.1:8421", False),
        ("127.0.0.1:8421/", False),
        ("", False),
    ],
)
def test_on_loopback_only_its_names_with_our_port_are_allowed(host: str, allowed: bool) -> None:
    assert Access(port=8421).allows_host(host) is allowed


def test_names_are_allowed_by_option_with_a_port_or_any() -> None:
    access = Access(port=8421, host="192.168.1.5", allowed_hosts=("studio.example", "other.example:99"))
    assert access.allows_host("studio.example") and access.allows_host("studio.example:443")
    assert access.allows_host("other.example:99") and not access.allows_host("other.example")
    assert access.allows_host("192.168.1.5:8421") and not access.allows_host("192.168.1.6:8421")


def test_bound_to_all_addresses_a_number_is_allowed_and_no_name() -> None:
    access = Access(port=8421, host="0.0.0.0")
    assert access.allows_host("192.168.1.6:8421") and access.allows_host("[fe80::1]:8421")
    assert not access.allows_host("rebound.example:8421") and not access.allows_host("192.168.1.6:80")


def test_a_token_made_has_256_bits_and_stands_behind_the_hash() -> None:
    (token,), (other,) = make_tokens(), make_tokens()
    assert len(token) == 43 and token != other
    access = Access(port=8421, host="192.168.1.5", tokens={token: MAIN})
    assert access.page_address(token) == f"http://192.168.1.5:8421/#{token}"
    assert access.find_gallery(token) == MAIN and access.find_gallery(other) is None
    assert access.find_gallery("é\udce9") is None
    assert token not in repr(access)


def test_each_token_of_a_file_has_a_gallery_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.write_text(f"# Ann\n{'a' * 43}\n\n  {'b' * 43}  \n")
    tokens = read_tokens(path)
    assert list(tokens) == ["a" * 43, "b" * 43]
    assert len(set(tokens.values())) == 2 and all(len(gallery) == 16 for gallery in tokens.values())
    assert read_tokens(path) == tokens


@pytest.mark.parametrize("text", ["", "# only a comment\n", "short\n", "a" * 42 + "\n", "a b" * 20, "\xff"])
def test_a_bad_token_file_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tokens"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(OutputError) as caught:
        read_tokens(path)
    assert "token_urlsafe(32)" in caught.value.hint and not (text.strip() and text.strip() in caught.value.error)
    with pytest.raises(OutputError, match="cannot be read"):
        read_tokens(tmp_path / "missing")


def test_loopback_is_known() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.5", "studio.example")))
