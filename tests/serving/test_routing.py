"""A canary takes its share, sticks to its requests, and grows without swapping them."""

from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.serving.routing import routes_to_challenger
from prefect_mlops.storage.documents import SAMPLE_BUCKETS, sample_bucket

SHARES = st.floats(0, 1)


@given(st.text(), SHARES)
def test_a_request_goes_where_it_went_before(request_id, share):
    assert routes_to_challenger(request_id, share) == routes_to_challenger(request_id, share)


@given(st.text(), SHARES, SHARES)
def test_a_larger_share_keeps_who_was_there(request_id, one, other):
    small, large = sorted((one, other))
    assert routes_to_challenger(request_id, large) >= routes_to_challenger(request_id, small)


def test_nobody_and_everybody():
    assert not any(routes_to_challenger(str(i), 0.0) for i in range(1000))
    assert all(routes_to_challenger(str(i), 1.0) for i in range(1000))


def test_the_share_is_kept_for_ids_that_count_upwards():
    taken = sum(routes_to_challenger(f"call-{i}", 0.1) for i in range(20_000))
    # Five standard deviations of a binomial.
    assert abs(taken - 2000) < 5 * (20_000 * 0.1 * 0.9) ** 0.5


def test_a_sample_of_the_log_is_no_sample_of_the_canary():
    ids = [str(i) for i in range(20_000)]
    sampled = [i for i in ids if sample_bucket(i) < SAMPLE_BUCKETS // 10]
    taken = sum(routes_to_challenger(i, 0.1) for i in sampled)
    assert abs(taken - len(sampled) * 0.1) < 5 * (len(sampled) * 0.09) ** 0.5
