"""Nonces of DPoP proofs: ours, young, of one server, and the same in every process."""

from datetime import UTC, datetime, timedelta

import pytest

from broker.crypto.nonces import WINDOW_S, Nonces

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
SECRET = b"k" * 32
SERVER = Nonces(SECRET, "as")


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_noon_is_the_beginning_of_a_window() -> None:
    assert int(NOW.timestamp()) % WINDOW_S == 0


def test_two_processes_with_one_key_file_know_each_others_nonces() -> None:
    other = Nonces(bytes(SECRET), "as")
    assert other.current(NOW) == SERVER.current(NOW)
    assert other.knows(SERVER.current(NOW), NOW)


def test_a_nonce_is_144_bits_of_visible_text() -> None:
    assert len(SERVER.current(NOW)) == 24
    assert SERVER.current(NOW).replace("-", "a").replace("_", "a").isalnum()


@pytest.mark.parametrize("seconds", [0, 1, 119.9, 120, 239.9])
def test_a_nonce_is_known_to_the_end_of_the_next_window(seconds: float) -> None:
    assert SERVER.knows(SERVER.current(NOW), after(seconds))


def test_a_nonce_is_forgotten_two_windows_later() -> None:
    assert not SERVER.knows(SERVER.current(NOW), after(240))


def test_a_nonce_of_a_machine_whose_clock_is_ahead_is_known() -> None:
    assert SERVER.knows(SERVER.current(NOW), after(-0.1))
    assert not SERVER.knows(SERVER.current(NOW), after(-WINDOW_S - 0.1))


def test_everybody_is_given_the_same_value_within_a_window_and_another_one_after_it() -> None:
    given = [SERVER.current(after(seconds)) for seconds in (0, 60, 119.9, 120, 240)]
    assert len(set(given[:3])) == 1
    assert len(set(given)) == 3


def test_the_nonces_of_the_two_servers_and_of_two_key_files_are_apart() -> None:
    api, elsewhere = Nonces(SECRET, "rs"), Nonces(b"x" * 32, "as")
    assert len({one.current(NOW) for one in (SERVER, api, elsewhere)}) == 3
    assert not SERVER.knows(api.current(NOW), NOW)
    assert not SERVER.knows(elsewhere.current(NOW), NOW)


@pytest.mark.parametrize("text", ["", "x", "é", "\ud800", "A" * 16_000, SERVER.current(NOW)[:-1]])
def test_any_other_text_is_no_nonce(text: str) -> None:
    assert not SERVER.knows(text, NOW)
