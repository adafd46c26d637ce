# SPDX-License-Identifier: BSD-2-Clause
"""Rules with hours and an expiry, by the clock of the machine that the image runs on."""
import hours
import pytest

pytestmark = pytest.mark.camkes


@pytest.fixture(scope="module")
def image(build, tmp_path_factory):
    site = tmp_path_factory.mktemp("time") / "site.yaml"
    site.write_text(hours.SITE)
    return build(site)


@pytest.mark.parametrize("now", ["2031-06-30T04:05:00", "2031-07-06T08:00:00"])
def test_rules_by_the_clock(boot, lab, libmodbus_device, image, now):
    hours.check_case(lab, boot(image, extra=["-rtc", f"base={now}"]), now)


@pytest.mark.parametrize("year", ["1970"])
def test_a_clock_that_was_never_set(boot, lab, libmodbus_device, image, year):
    hours.check_unset(lab, boot(image, extra=["-rtc", f"base={year}-07-01T00:00:00"]))
