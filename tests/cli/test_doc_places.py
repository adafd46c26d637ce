# SPDX-License-Identifier: BSD-2-Clause
"""What docs/security.md names as shown somewhere is there."""
import re


def test_every_place_that_is_named_exists(root):
    text = (root / "docs/security.md").read_text()
    named = set(re.findall(r"`((?:tests|proofs|fuzz|src|bench)/[^`]*)`", text))
    assert len(named) > 20
    for place in sorted(named):
        assert list(root.glob(place.rstrip("/"))), place
    for page in set(re.findall(r"\]\(([a-z]+\.md)\)", text)):
        assert (root / "docs" / page).is_file(), page
