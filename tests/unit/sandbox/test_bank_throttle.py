from broker.sandbox.bank.throttle import SECONDS, TRIES, Throttle


def tried(throttle, username, times, at):
    for _ in range(times):
        throttle.count_wrong(username, at)


def test_the_tenth_wrong_password_closes_a_username_for_a_minute():
    throttle = Throttle()
    tried(throttle, "maya", TRIES - 1, 1000)
    assert not throttle.is_closed("maya", 1000)
    tried(throttle, "maya", 1, 1000)
    assert throttle.is_closed("maya", 1000 + SECONDS - 1)
    assert not throttle.is_closed("maya", 1000 + SECONDS)


def test_one_username_does_not_close_another():
    throttle = Throttle()
    tried(throttle, "maya", TRIES, 1000)
    assert not throttle.is_closed("daniel", 1000)


def test_signing_in_forgets_the_wrong_tries():
    throttle = Throttle()
    tried(throttle, "maya", TRIES - 1, 1000)
    throttle.clear("maya")
    tried(throttle, "maya", 1, 1000)
    assert not throttle.is_closed("maya", 1000)


def test_inventing_usernames_does_not_fill_the_memory():
    throttle = Throttle()
    for number in range(10_050):
        throttle.count_wrong(f"stranger {number}", number)
    assert len(throttle._wrong) <= 10_000
