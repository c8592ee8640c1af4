"""A bell wakes whoever waits, whether it rang before or after."""

import threading
import time

from prefect_mlops.logger.wake_up import Bell


def waited(bell, seconds):
    begun = time.monotonic()
    bell.wait(seconds)
    return time.monotonic() - begun


def test_a_ring_before_the_wait_ends_it_at_once_and_is_heard_once():
    bell = Bell()
    bell.ring()
    bell.ring()
    assert waited(bell, 5) < 1
    assert waited(bell, 0.05) >= 0.04


def test_a_ring_during_the_wait_ends_it():
    bell = Bell()
    threading.Timer(0.05, bell.ring).start()
    assert waited(bell, 5) < 2


def test_what_rang_before_is_forgotten_when_it_is_silenced():
    bell = Bell()
    bell.ring()
    bell.silence()
    assert waited(bell, 0.05) >= 0.04
