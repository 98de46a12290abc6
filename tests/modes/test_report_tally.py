from leeway.modes.report import OTHER_REASONS, REASONS, tally


def test_reasons_that_a_record_s_writer_makes_up_are_counted_together() -> None:
    counts: dict[str, int] = {}
    for number in range(1_000):
        tally(counts, f"not used: {number}")
    tally(counts, "not used: 7")
    assert counts["not used: 7"] == 2
    assert counts[OTHER_REASONS] == 1_000 - REASONS
    assert (len(counts), sum(counts.values())) == (REASONS + 1, 1_001)
