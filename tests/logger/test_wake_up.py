"""A bell wakes whoever waits, whether it rang before or after."""

import threading
import time

from prefect_mlops.logger.wake_up import WakeUp


def waited(wake_up, seconds):
    begun = time.monotonic()
    wake_up.wait(seconds)
    return time.monotonic() - begun


def test_a_ring_before_the_wait_ends_it_at_once_and_is_heard_once():
    wake_up = WakeUp()
    wake_up.set()
    wake_up.set()
    assert waited(wake_up, 5) < 1
    assert waited(wake_up, 0.05) >= 0.04


def test_a_ring_during_the_wait_ends_it():
    wake_up = WakeUp()
    threading.Timer(0.05, wake_up.set).start()
    assert waited(wake_up, 5) < 2


def test_what_rang_before_is_forgotten_when_it_is_silenced():
    wake_up = WakeUp()
    wake_up.set()
    wake_up.clear()
    assert waited(wake_up, 0.05) >= 0.04
